"""Object detection: where on a photograph which digits are."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx

from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv.data import load_image
from jconv.nn import Detections, Detector, detection_loss, detections, non_max_suppression
from jconv.tasks._fields import setting
from jconv.tasks._learn_scenes import TESTED, learn_scenes
from jconv.tasks._saved import SavedModel, course, save_run
from jconv.tasks._scenes import Scene
from jconv.tasks._settings import Settings
from jconv.tasks._task import Row, Task
from jconv.training import (
    AveragePrecision,
    Callback,
    Checkpoints,
    ScoredBoxes,
    State,
    average_precision,
)

CLASSES = 10
SHOWN = 0.3  # the least score of a detection that is drawn or told
_SCENE = {"most": 8, "smallest": 16.0, "largest": 44.0}


@dataclass(frozen=True)
class DetectionSettings(Settings):
    """What `train_detection` is told."""

    steps: int = setting(3000, "training steps", least=1, most=2**31 - 1)
    batch_size: int = setting(16, "pictures in each step", least=1)
    learning_rate: float = setting(4e-3, "peak of the schedule: a short rise, then a cosine fall", above=0)
    size: int = setting(96, "rows and columns of the pictures", least=48, most=256)
    widths: tuple[int, ...] = setting((16, 32, 64, 128), "channels of the stem and of each stage", least=1)
    pyramid: int = setting(48, "channels of the feature pyramid", least=1)


class Examples(NamedTuple):
    """A few test pictures, the truth about them, and what was found on them."""

    images: np.ndarray
    truth: list[ScoredBoxes]
    found: list[ScoredBoxes]


class DetectionResult(NamedTuple):
    """A trained network and how it did on digits and photographs that it never saw."""

    settings: DetectionSettings
    state: State
    history: dict[str, np.ndarray]
    precision: AveragePrecision
    examples: Examples
    seconds: float

    def metrics(self) -> dict[str, Any]:
        """The figures, as they are saved."""
        return {
            "map_at_50": self.precision.at_50,
            "map_at_50_95_percent_interval": list(self.precision.at_50_interval),
            "map_at_75": self.precision.at_75,
            "map_at_50_to_95": self.precision.at_50_to_95,
            "map_at_50_to_95_95_percent_interval": list(self.precision.at_50_to_95_interval),
            "test_size": TESTED,
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """The figures that count, in one line."""
        ((low, high), (least, most)) = self.precision.at_50_interval, self.precision.at_50_to_95_interval
        return (
            f"mAP@0.5 {self.precision.at_50:.3f} (95 % interval {low:.3f} … {high:.3f}), mAP@[.5:.95] "
            f"{self.precision.at_50_to_95:.3f} ({least:.3f} … {most:.3f}) on {TESTED} pictures of unseen digits on "
            f"unseen photographs, {len(self.history['loss'])} steps, {self.seconds:.1f} s"
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write `curves.png` and `examples.png`, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder = output_folder(folder)
        curves = {"training loss": self.history["loss"], "mean IoU of the boxes in training": self.history["iou"]}
        plotting.save(plotting.learning_curves(curves, title="Learning to detect digits"), folder / "curves.png")
        title = (
            f"Digits found on photographs, none of them seen in training: mAP@0.5 {self.precision.at_50:.3f}, "
            f"mAP@[.5:.95] {self.precision.at_50_to_95:.3f}"
        )
        truth, found = ([_drawn(boxes) for boxes in side] for side in self.examples[1:])
        made = plotting.detection_grid(self.examples.images, truth, found, title=title)
        plotting.save(made, folder / "examples.png")
        save_run(folder, "detection", self.settings, self.metrics(), self.state.average, self.state.variables)


def network(settings: DetectionSettings) -> Detector:
    """The network with random parameters."""
    return Detector(
        3, CLASSES, widths=settings.widths, pyramid=settings.pyramid, norm="batch", rngs=nnx.Rngs(settings.seed)
    )


def train_detection(
    settings: DetectionSettings = DetectionSettings(),
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> DetectionResult:
    """Train a one-stage detector on digits composed on photographs, and test it on others on other photographs.

    Parameters
    ----------
    settings : DetectionSettings
        The seed decides the stratified split of the digits, the initial kernels and the scenes.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Notes
    -----
    Every step makes its own scenes; the average of the parameters is tested on scenes of digits and photographs that
    training never saw: `learn_scenes`.
    """
    begin = time.perf_counter()
    model = network(settings)
    places = model.places((settings.size, settings.size))

    def loss(dense, scene: Scene):
        parts = detection_loss(dense, places, scene.boxes, scene.labels)
        return parts["score_loss"] + parts["class_loss"] + 2 * parts["box_loss"], parts

    options = {"size": settings.size, **_SCENE}
    learned = learn_scenes(settings, model, loss, detections, options, callbacks=callbacks, checkpoints=checkpoints)
    truth, found = _true(learned.test), _found(learned.found)
    precision = average_precision(truth, found, classes=CLASSES)
    examples = Examples(np.asarray(learned.test.image[:6]), truth[:6], found[:6])
    return DetectionResult(settings, learned.state, learned.history, precision, examples, time.perf_counter() - begin)


def predict_detection(saved: SavedModel, files: Sequence[Path], out: Path) -> list[Row]:
    """The digits on pictures of any size, their boxes (first row, first column, last row, last column) and scores.

    NAME.boxes.png shows them.
    """
    plotting = needed("jconv.plotting", "plot")
    model = network(saved.settings_as(DetectionSettings))
    apply, step = saved.network(model), model.strides[-1]
    rows = []
    for file in files:
        image = np.atleast_3d(load_image(file))
        image = np.broadcast_to(image, (*image.shape[:2], 3))
        padded = np.pad(image, [*((0, -n % step) for n in image.shape[:2]), (0, 0)], mode="edge")
        boxes = _found(detections(apply(padded[None])))[0]
        shown = _shown(boxes)
        plotting.save(plotting.boxes_on_picture(image, *_drawn(boxes)), out / f"{file.stem}.boxes.png")
        rows.append(
            {
                "digits": [
                    {"digit": int(label), "score": round(float(score), 4), "box": [round(float(v), 1) for v in box]}
                    for box, label, score in zip(*shown)  # pyright: ignore[reportArgumentType]
                ]
            }
        )
    return rows


def _true(scene: Scene) -> list[ScoredBoxes]:
    boxes, labels = np.asarray(scene.boxes), np.asarray(scene.labels)
    return [ScoredBoxes(b[present], l[present]) for b, l, present in zip(boxes, labels, labels >= 0)]


def _found(found: Detections) -> list[ScoredBoxes]:
    boxes, scores, labels = (np.asarray(a) for a in found)
    return [ScoredBoxes(b[s > 0], l[s > 0], s[s > 0]) for b, s, l in zip(boxes, scores, labels)]


def _shown(found: ScoredBoxes) -> ScoredBoxes:
    """Those of which the network is sure enough, and of several digits in one place the surest."""
    if found.scores is None:
        return found
    sure = found.scores >= SHOWN
    sure[sure] = non_max_suppression(jnp.asarray(found.boxes[sure]), jnp.asarray(found.scores[sure]))
    return ScoredBoxes(found.boxes[sure], found.labels[sure], found.scores[sure])


def _drawn(boxes: ScoredBoxes) -> tuple[np.ndarray, list[str], list[int]]:
    """ScoredBoxes, captions and colours, as `jconv.plotting.draw_boxes` takes them."""
    boxes = _shown(boxes)
    scores = [""] * len(boxes.labels) if boxes.scores is None else [f" {score:.2f}" for score in boxes.scores]
    return (
        boxes.boxes,
        [f"{label}{score}" for label, score in zip(boxes.labels, scores)],
        [int(b) for b in boxes.labels],
    )


TASK = Task(
    name="detection",
    summary="where which digits are",
    description="Train a one-stage detector to find handwritten digits of several sizes on photographs; both come with "
    "scikit-learn and scikit-image. Leaves model.npz, config.toml, metrics.json, curves.png and examples.png in the "
    "output folder.",
    settings=DetectionSettings,
    train=train_detection,
    predict=predict_detection,
    inputs="pictures of any size (PNG, JPEG or TIFF)",
)
