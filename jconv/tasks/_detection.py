"""Object detection: where on a photograph which digits are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
from flax import nnx

from jconv._core.extras import needed
from jconv.data import load_image
from jconv.nn import Detections, Detector, DetectorOutput, detection_loss, detections
from jconv.tasks._detection_result import (
    CLASSES,
    DIGITS,
    DetectionResult,
    DetectionSettings,
    Examples,
    choose_sure,
    describe_boxes,
)
from jconv.tasks._learn_scenes import learn_scenes
from jconv.tasks._own_detection import Framed, frame, learn_boxes, load_boxes, true_boxes
from jconv.tasks._saved import SavedModel
from jconv.tasks._scenes import Scene, SceneOptions
from jconv.tasks._task import Predictor, Row, Task
from jconv.training import (
    Callback,
    Checkpoints,
    ScoredBoxes,
    average_precision,
)

_DEFAULT = DetectionSettings()


def network(settings: DetectionSettings, classes: int = CLASSES) -> Detector:
    """Make the network with random parameters."""
    return Detector(
        3, classes, widths=settings.widths, pyramid=settings.pyramid, norm="batch", rngs=nnx.Rngs(settings.seed)
    )


def train_detection(
    settings: DetectionSettings = _DEFAULT,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> DetectionResult:
    """Train a one-stage detector on digits composed on photographs, or on your own pictures, and test it on others.

    Parameters
    ----------
    settings : DetectionSettings
        The seed decides the stratified split of the digits, the initial kernels and the scenes.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Returns
    -------
    DetectionResult

    Raises
    ------
    InputError
        When the file `data` or its pictures cannot be used, or settings do not fit.
    NonFiniteError
        When the loss or its gradient becomes NaN or infinite.

    Notes
    -----
    Every step makes its own scenes; the average of the parameters is tested on scenes of digits and photographs that
    training never saw: `learn_scenes`.

    Examples
    --------
    >>> settings = DetectionSettings(data="boxes.json")
    >>> train_detection(settings).summary()  # doctest: +SKIP
    'mAP@0.5 0.931 (95 % interval 0.902 … 0.955), …'
    """
    begin = time.perf_counter()
    own = None
    if settings.data is not None:
        own = load_boxes(
            settings.data,
            settings.images,
            size=settings.size,
            seed=settings.seed,
            skip_damaged=settings.skip_damaged,
        )
    model = network(settings, len(own.names) if own else CLASSES)
    places = model.places((settings.size, settings.size))

    def loss(dense: DetectorOutput, scene: Scene | Framed) -> tuple[jax.Array, dict[str, jax.Array]]:
        parts = detection_loss(dense, places, scene.boxes, scene.labels)
        return parts["score_loss"] + parts["class_loss"] + 2 * parts["box_loss"], parts

    if own is not None:
        state, history, predicted = learn_boxes(
            settings, model, own, loss, detections, callbacks=callbacks, checkpoints=checkpoints
        )
        truth, found = true_boxes(own.test), _as_scored_boxes(predicted)
        precision = average_precision(truth, found, classes=len(own.names))
        examples = Examples(own.test.images[:6], truth[:6], found[:6])
        seconds = time.perf_counter() - begin
        return DetectionResult(
            settings, state, history, precision, examples, seconds, own.names, len(truth), own.skipped
        )
    options = SceneOptions(size=settings.size, most=8, smallest=16.0, largest=44.0)
    learned = learn_scenes(settings, model, loss, detections, options, callbacks=callbacks, checkpoints=checkpoints)
    truth, found = _true(learned.test), _as_scored_boxes(learned.found)
    precision = average_precision(truth, found, classes=CLASSES)
    examples = Examples(np.asarray(learned.test.image[:6]), truth[:6], found[:6])
    return DetectionResult(settings, learned.state, learned.history, precision, examples, time.perf_counter() - begin)


def predictor(saved: SavedModel, out: Path) -> Predictor:
    """Make the function that detects digits on a picture of any size; NAME.boxes.png shows them.

    Boxes are first row, first column, last row, last column.
    """
    plotting = needed("jconv.plotting", "plot")
    settings, names = saved.settings_as(DetectionSettings), tuple(saved.about.get("classes", DIGITS))
    model = network(settings, len(names))
    apply, step = saved.network(model), model.strides[-1]

    def predict(file: Path, name: str) -> Row:
        image = np.atleast_3d(load_image(file))
        image = np.broadcast_to(image, (*image.shape[:2], 3))
        if settings.data is None:
            padded = np.pad(image, [*((0, -n % step) for n in image.shape[:2]), (0, 0)], mode="edge")
            boxes = _as_scored_boxes(detections(apply(padded[None])))[0]
        else:
            framed, scale = frame(image, settings.size)
            boxes = _as_scored_boxes(detections(apply(framed[None])))[0]
            boxes = boxes._replace(boxes=boxes.boxes / scale)
        shown = choose_sure(boxes)
        plotting.save(plotting.boxes_on_picture(image, *describe_boxes(boxes, names)), out / f"{name}.boxes.png")
        many, one = ("digits", "digit") if settings.data is None else ("objects", "class")
        called = int if settings.data is None else names.__getitem__
        return {
            many: [
                {
                    one: called(label),
                    "score": round(float(score), 4),
                    "box": [round(float(v), 1) for v in box],
                }
                for box, label, score in zip(*shown)  # pyright: ignore[reportArgumentType]
            ]
        }

    return predict


def _true(scene: Scene) -> list[ScoredBoxes]:
    boxes, labels = np.asarray(scene.boxes), np.asarray(scene.labels)
    return [ScoredBoxes(b[present], l[present]) for b, l, present in zip(boxes, labels, labels >= 0)]


def _as_scored_boxes(found: Detections) -> list[ScoredBoxes]:
    boxes, scores, labels = (np.asarray(a) for a in found)
    return [ScoredBoxes(b[s > 0], l[s > 0], s[s > 0]) for b, s, l in zip(boxes, scores, labels)]


TASK = Task(
    name="detection",
    summary="where which things are: digits on photographs, or your own (COCO)",
    description="Train a one-stage detector to find handwritten digits of several sizes on photographs, which come "
    "with scikit-learn and scikit-image, or the boxes of your own COCO-style file (--data). Leaves model.npz, "
    "config.toml, metrics.json, curves.png and examples.png in the output folder.",
    settings=DetectionSettings,
    train=train_detection,
    predictor=predictor,
    inputs="pictures of any size (PNG, JPEG or TIFF)",
)
