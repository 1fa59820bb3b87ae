"""Semantic segmentation: which pixels of a photograph are the ink of which digit."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv.data import load_image, save_image
from jconv.nn import UNet
from jconv.tasks._fields import document_fields, setting
from jconv.tasks._learn_scenes import learn_scenes
from jconv.tasks._own_data import warn_of_few
from jconv.tasks._own_segmentation import learn_pictures, load_pictures
from jconv.tasks._saved import SavedModel, course, save_run
from jconv.tasks._scenes import Scene, SceneOptions
from jconv.tasks._segmentation_loss import segmentation_loss
from jconv.tasks._settings import Settings
from jconv.tasks._task import Predictor, Row, Task
from jconv.training import Callback, Checkpoints, State, bootstrap_interval, class_iou

NAMES = ("photograph", *map(str, range(10)))
CLASSES = len(NAMES)


@document_fields
@dataclass(frozen=True)
class SegmentationSettings(Settings):
    """The settings of `train_segmentation`."""

    steps: int = setting(4500, "training steps", least=1, most=2**31 - 1)
    batch_size: int = setting(8, "pictures in each step", least=1)
    learning_rate: float = setting(4e-3, "peak of the schedule: a short rise, then a cosine fall", above=0)
    data: str | None = setting(
        None, "a folder with the folders images and masks, in which pictures have the same names; without it, digits"
    )
    skip_damaged: bool = setting(False, "leave out files of that folder that cannot be read, and name them")
    size: int = setting(64, "rows and columns of the pictures, or of the pieces of own ones", least=48, most=256)
    widths: tuple[int, ...] = setting((16, 32, 64, 128), "channels of each level of the U-Net", least=1)


class SegmentationResult(NamedTuple):
    """A trained network and how it did on digits and photographs that it never saw."""

    settings: SegmentationSettings
    """The settings of the run."""
    state: State
    """The end of the training; `average` holds the parameters that were tested."""
    history: dict[str, np.ndarray]
    """The metrics of each step, one array each."""
    confusion: np.ndarray
    """(pictures, 11, 11) counts of pixels: row is the truth, column the prediction."""
    examples: tuple[np.ndarray, np.ndarray, np.ndarray]
    """A few test pictures (N, H, W, 3), their masks (N, H, W), and the predicted ones."""
    seconds: float
    """Wall-clock time of the whole run."""
    names: tuple[str, ...] = NAMES
    """The names of the classes; the first is the background."""
    skipped: tuple[str, ...] = ()
    """One message for each file that was left out."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to keep in mind about the figures."""
        return warn_of_few(len(self.confusion), "pictures")

    def metrics(self) -> dict[str, Any]:
        """Return the figures, as they are saved."""
        each = class_iou(self.confusion.sum(axis=0))
        mean = lambda chosen: float(np.nanmean(class_iou(self.confusion[chosen].sum(axis=0))))
        return {
            "mean_iou": float(np.nanmean(each)),
            "mean_iou_95_percent_interval": list(bootstrap_interval(mean, len(self.confusion))),
            "iou": {name: None if np.isnan(v) else float(v) for name, v in zip(self.names, each)},
            "ink_iou": float(class_iou(_merge_digits(self.confusion.sum(axis=0)))[1]),
            "pixel_accuracy": float(np.trace(self.confusion.sum(axis=0)) / self.confusion.sum()),
            "test_size": len(self.confusion),
            "skipped_files": list(self.skipped),
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """Return the figures that count, in one line."""
        metrics = self.metrics()
        low, high = metrics["mean_iou_95_percent_interval"]
        return (
            f"mean IoU {metrics['mean_iou']:.3f} on {metrics['test_size']} {self._tested()} (95 % interval {low:.3f} … "
            f"{high:.3f}), {metrics['steps']} steps, {metrics['seconds']:.1f} s"
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write `curves.png` and `examples.png`, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder, metrics = output_folder(folder), self.metrics()
        curves = {
            "training loss": self.history["loss"],
            "share of the ink given its digit, in training": self.history["ink_accuracy"],
        }
        plotting.save(plotting.learning_curves(curves, title="Learning to segment"), folder / "curves.png")
        title = f"Classes found pixel by pixel on {self._tested()}: mean IoU {metrics['mean_iou']:.3f}"
        made = plotting.segmentation_grid(*self.examples, self.names[1:], title=title)
        plotting.save(made, folder / "examples.png")
        about = {"classes": list(self.names)}
        save_run(folder, "segmentation", self.settings, metrics, self.state.average, self.state.variables, about)

    def _tested(self) -> str:
        return "unseen pictures" if self.settings.data else "pictures of unseen digits on unseen photographs"


def network(settings: SegmentationSettings, classes: int = CLASSES) -> UNet:
    """Make the network with random parameters."""
    return UNet(3, classes, widths=settings.widths, norm="batch", deep=True, rngs=nnx.Rngs(settings.seed))


def train_segmentation(
    settings: SegmentationSettings = SegmentationSettings(),
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> SegmentationResult:
    """Train a U-Net on digits composed on photographs, or on your own pictures and masks, and test it on others.

    Parameters
    ----------
    settings : SegmentationSettings
        `data`, if given, names a folder with the folders `images` and `masks`.
        The seed decides the stratified split of the digits, the initial kernels and the scenes.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Returns
    -------
    SegmentationResult

    Raises
    ------
    InputError
        When the files in `data` cannot be used, or settings do not fit.
    NonFiniteError
        When the loss or its gradient becomes NaN or infinite.

    Notes
    -----
    Every step makes its own scenes; the average of the parameters is tested on scenes of digits and photographs that
    training never saw: `learn_scenes`.

    Examples
    --------
    >>> settings = SegmentationSettings(data="my_cells")
    >>> train_segmentation(settings).summary()  # doctest: +SKIP
    'mean IoU 0.912 on 12 unseen pictures (95 % interval 0.881 … 0.940), 4500 steps, 310.0 s'
    """
    begin = time.perf_counter()
    step = 2 ** (len(settings.widths) - 1)
    if settings.data is not None:
        pictures = load_pictures(
            settings.data, size=settings.size, seed=settings.seed, skip_damaged=settings.skip_damaged
        )
        model = network(settings, len(pictures.names))
        own = learn_pictures(
            settings, model, pictures, size=settings.size, step=step, callbacks=callbacks, checkpoints=checkpoints
        )
        seconds = time.perf_counter() - begin
        return SegmentationResult(
            settings, own.state, own.history, own.confusion, own.examples, seconds, pictures.names, pictures.skipped
        )

    def loss(logits: jax.Array, scene: Scene) -> tuple[jax.Array, dict[str, jax.Array]]:
        ink = scene.mask > 0
        right = ((logits[..., 1:].argmax(-1) + 1 == scene.mask) & ink).sum() / jnp.maximum(ink.sum(), 1)
        return segmentation_loss(logits, scene.mask), {"ink_accuracy": right}

    classes = lambda logits: logits.argmax(-1).astype(jnp.int32)
    options = SceneOptions(size=settings.size, most=3, smallest=28.0, largest=48.0)
    learned = learn_scenes(
        settings, network(settings), loss, classes, options, callbacks=callbacks, checkpoints=checkpoints
    )
    truth, predicted = learned.test, learned.found
    counts = np.asarray(_confusion(predicted, truth.mask))
    examples = (np.asarray(truth.image[:8]), np.asarray(truth.mask[:8]), np.asarray(predicted[:8]))
    return SegmentationResult(settings, learned.state, learned.history, counts, examples, time.perf_counter() - begin)


@jax.jit
def _confusion(predicted: jax.Array, truth: jax.Array) -> jax.Array:
    """Count the pixels of masks (N, H, W): (N, classes, classes)."""
    pairs = (truth * CLASSES + predicted).reshape(len(truth), -1)
    return jax.vmap(lambda p: jnp.bincount(p, length=CLASSES**2).reshape(CLASSES, CLASSES))(pairs)


def _merge_digits(confusion: np.ndarray) -> np.ndarray:
    """Count background and ink, whatever its digit: (2, 2)."""
    return np.add.reduceat(np.add.reduceat(confusion, [0, 1], axis=0), [0, 1], axis=1)


def predictor(saved: SavedModel, out: Path) -> Predictor:
    """Make the function that segments a picture of any size, and draws two: the mask, and the mask over the picture.

    NAME.mask.png holds the classes themselves, 0 for the background and 1 + digit for ink; NAME.overlay.png shows them.
    """
    plotting = needed("jconv.plotting", "plot")
    settings = saved.settings_as(SegmentationSettings)
    names = tuple(saved.about.get("classes", NAMES))
    apply, step = saved.network(network(settings, len(names))), 2 ** (len(settings.widths) - 1)

    def predict(file: Path, name: str) -> Row:
        image = np.atleast_3d(load_image(file))
        image = np.broadcast_to(image, (*image.shape[:2], 3))
        rest = [(0, -n % step) for n in image.shape[:2]]
        logits = apply(np.pad(image, [*rest, (0, 0)], mode="edge")[None])[0, : image.shape[0], : image.shape[1]]
        mask = np.asarray(logits.argmax(-1), np.uint8)
        save_image(out / f"{name}.mask.png", mask / 255)
        colours = plotting.color_mask(mask, opacity=0.7)
        save_image(out / f"{name}.overlay.png", image * (1 - colours[..., 3:]) + colours[..., :3] * colours[..., 3:])
        counts = np.bincount(mask.ravel(), minlength=len(names))
        return {"pixels": {label: int(n) for label, n in zip(names, counts) if n}}

    return predict


TASK = Task(
    name="segmentation",
    summary="which pixels belong to which class: digits on photographs, or your own",
    description="Train a U-Net to find handwritten digits pixel by pixel on photographs, which come with scikit-learn "
    "and scikit-image, or the classes of your own masks (--data). Leaves model.npz, config.toml, metrics.json, "
    "curves.png and examples.png in the output folder.",
    settings=SegmentationSettings,
    train=train_segmentation,
    predictor=predictor,
    inputs="pictures of any size (PNG, JPEG or TIFF)",
)
