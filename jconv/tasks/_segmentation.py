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
import optax
from flax import nnx

from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv.data import load_image, save_image
from jconv.nn import UNet
from jconv.tasks._fields import setting
from jconv.tasks._learn_scenes import learn_scenes
from jconv.tasks._saved import SavedModel, course, save_run
from jconv.tasks._scenes import Scene
from jconv.tasks._settings import Settings
from jconv.tasks._task import Row, Task
from jconv.training import Callback, Checkpoints, State, bootstrap_interval, class_iou

NAMES = ("photograph", *map(str, range(10)))
CLASSES = len(NAMES)
_SCENE = {"most": 3, "smallest": 28.0, "largest": 48.0}


@dataclass(frozen=True)
class SegmentationSettings(Settings):
    """What `train_segmentation` is told."""

    steps: int = setting(4500, "training steps", least=1, most=2**31 - 1)
    batch_size: int = setting(8, "pictures in each step", least=1)
    learning_rate: float = setting(4e-3, "peak of the schedule: a short rise, then a cosine fall", above=0)
    size: int = setting(64, "rows and columns of the pictures", least=48, most=256)
    widths: tuple[int, ...] = setting((16, 32, 64, 128), "channels of each level of the U-Net", least=1)


class SegmentationResult(NamedTuple):
    """A trained network and how it did on digits and photographs that it never saw."""

    settings: SegmentationSettings
    state: State
    history: dict[str, np.ndarray]
    confusion: np.ndarray
    """(pictures, 11, 11) counts of pixels: row is the truth, column the prediction."""
    examples: tuple[np.ndarray, np.ndarray, np.ndarray]
    """A few test pictures (N, H, W, 3), their masks (N, H, W), and the predicted ones."""
    seconds: float

    def metrics(self) -> dict[str, Any]:
        """The figures, as they are saved."""
        each = class_iou(self.confusion.sum(axis=0))
        mean = lambda chosen: float(np.nanmean(class_iou(self.confusion[chosen].sum(axis=0))))
        return {
            "mean_iou": float(np.nanmean(each)),
            "mean_iou_95_percent_interval": list(bootstrap_interval(mean, len(self.confusion))),
            "iou": dict(zip(NAMES, map(float, each))),
            "ink_iou": float(class_iou(_merged(self.confusion.sum(axis=0)))[1]),
            "pixel_accuracy": float(np.trace(self.confusion.sum(axis=0)) / self.confusion.sum()),
            "test_size": len(self.confusion),
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """The figures that count, in one line."""
        metrics = self.metrics()
        low, high = metrics["mean_iou_95_percent_interval"]
        return (
            f"mean IoU {metrics['mean_iou']:.3f} on {metrics['test_size']} pictures of unseen digits on unseen "
            f"photographs (95 % interval {low:.3f} … {high:.3f}), {metrics['steps']} steps, {metrics['seconds']:.1f} s"
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write `curves.png` and `examples.png`, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder, metrics = output_folder(folder), self.metrics()
        curves = {
            "training loss": self.history["loss"],
            "share of the ink given its digit, in training": self.history["ink_accuracy"],
        }
        plotting.save(plotting.learning_curves(curves, title="Learning to segment digits"), folder / "curves.png")
        title = (
            f"Digits found pixel by pixel on photographs, none of them seen in training: mean IoU "
            f"{metrics['mean_iou']:.3f}"
        )
        made = plotting.segmentation_grid(*self.examples, NAMES[1:], title=title)
        plotting.save(made, folder / "examples.png")
        save_run(folder, "segmentation", self.settings, metrics, self.state.average, self.state.variables)


def network(settings: SegmentationSettings) -> UNet:
    """The network with random parameters."""
    return UNet(3, CLASSES, widths=settings.widths, norm="batch", deep=True, rngs=nnx.Rngs(settings.seed))


def segmentation_loss(logits: jax.Array, mask: jax.Array) -> jax.Array:
    r"""Cross-entropy of all pixels, that of the digit where there is ink, and the Dice loss.

    .. math:: -\frac{1}{P} \sum_p \log q(y_p) - \frac{1}{I} \sum_{y_p > 0} \log q(y_p \mid y_p > 0)
        + 1 - \frac{1}{|C|} \sum_{c \in C} \frac{2 \sum_p q_p(c)\, [y_p = c]}{\sum_p q_p(c) + \sum_p [y_p = c]}

    Parameters
    ----------
    logits : array (..., classes)
        Whose softmax is q; class 0 is the background.
    mask : int array (...)
        The class y of each of the P pixels, I of which are ink.

    Notes
    -----
    Ink is one pixel in twenty: in the first term alone, which digit it is hardly counts. The second asks that, given
    ink, so that it moves no border. The third counts the classes C that occur, each alike, as the intersection over
    union does: F. Milletari et al., V-Net, 3DV 2016.
    """
    axes = tuple(range(mask.ndim))
    truth = jax.nn.one_hot(mask, logits.shape[-1], dtype=logits.dtype)
    shares = jax.nn.softmax(logits)
    sizes = truth.sum(axes)
    dice = 2 * (shares * truth).sum(axes) / (shares.sum(axes) + sizes + 1e-6)
    occurring = sizes > 0
    dice = jnp.where(occurring, dice, 0).sum() / jnp.maximum(occurring.sum(), 1)
    ink = mask > 0
    which = optax.softmax_cross_entropy_with_integer_labels(logits[..., 1:], jnp.maximum(mask - 1, 0))
    which = jnp.where(ink, which, 0).sum() / jnp.maximum(ink.sum(), 1)
    return optax.softmax_cross_entropy_with_integer_labels(logits, mask).mean() + which + 1 - dice


def train_segmentation(
    settings: SegmentationSettings = SegmentationSettings(),
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> SegmentationResult:
    """Train a U-Net on digits composed on photographs, and test it on other digits on other photographs.

    Parameters
    ----------
    settings : SegmentationSettings
        The seed decides the stratified split of the digits, the initial kernels and the scenes.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Notes
    -----
    Every step makes its own scenes; the average of the parameters is tested on scenes of digits and photographs that
    training never saw: `learn_scenes`.
    """
    begin = time.perf_counter()

    def loss(logits, scene: Scene):
        ink = scene.mask > 0
        right = ((logits[..., 1:].argmax(-1) + 1 == scene.mask) & ink).sum() / jnp.maximum(ink.sum(), 1)
        return segmentation_loss(logits, scene.mask), {"ink_accuracy": right}

    classes = lambda logits: logits.argmax(-1).astype(jnp.int32)
    options = {"size": settings.size, **_SCENE}
    learned = learn_scenes(
        settings, network(settings), loss, classes, options, callbacks=callbacks, checkpoints=checkpoints
    )
    truth, predicted = learned.test, learned.found
    counts = np.asarray(_confusion(predicted, truth.mask))
    examples = (np.asarray(truth.image[:8]), np.asarray(truth.mask[:8]), np.asarray(predicted[:8]))
    return SegmentationResult(settings, learned.state, learned.history, counts, examples, time.perf_counter() - begin)


@jax.jit
def _confusion(predicted: jax.Array, truth: jax.Array) -> jax.Array:
    """Counts (N, classes, classes) of pixels of masks (N, H, W)."""
    pairs = (truth * CLASSES + predicted).reshape(len(truth), -1)
    return jax.vmap(lambda p: jnp.bincount(p, length=CLASSES**2).reshape(CLASSES, CLASSES))(pairs)


def _merged(confusion: np.ndarray) -> np.ndarray:
    """Counts (2, 2) of background and ink, whatever its digit."""
    return np.add.reduceat(np.add.reduceat(confusion, [0, 1], axis=0), [0, 1], axis=1)


def predict_segmentation(saved: SavedModel, files: Sequence[Path], out: Path) -> list[Row]:
    """The digits on pictures of any size, and two pictures for each: the mask, and the mask drawn over the picture.

    NAME.mask.png holds the classes themselves, 0 for the background and 1 + digit for ink; NAME.overlay.png shows them.
    """
    plotting = needed("jconv.plotting", "plot")
    settings = saved.settings_as(SegmentationSettings)
    apply, step = saved.network(network(settings)), 2 ** (len(settings.widths) - 1)
    rows = []
    for file in files:
        image = np.atleast_3d(load_image(file))
        image = np.broadcast_to(image, (*image.shape[:2], 3))
        rest = [(0, -n % step) for n in image.shape[:2]]
        logits = apply(np.pad(image, [*rest, (0, 0)], mode="edge")[None])[0, : image.shape[0], : image.shape[1]]
        mask = np.asarray(logits.argmax(-1), np.uint8)
        save_image(out / f"{file.stem}.mask.png", mask / 255)
        colours = plotting.color_mask(mask, opacity=0.7)
        save_image(
            out / f"{file.stem}.overlay.png", image * (1 - colours[..., 3:]) + colours[..., :3] * colours[..., 3:]
        )
        counts = np.bincount(mask.ravel(), minlength=CLASSES)
        rows.append({"pixels": {name: int(n) for name, n in zip(NAMES, counts) if n}})
    return rows


TASK = Task(
    name="segmentation",
    summary="which pixels are the ink of which digit",
    description="Train a U-Net to find handwritten digits pixel by pixel on photographs; both come with scikit-learn "
    "and scikit-image. Leaves model.npz, config.toml, metrics.json, curves.png and examples.png in the output folder.",
    settings=SegmentationSettings,
    train=train_segmentation,
    predict=predict_segmentation,
    inputs="pictures of any size (PNG, JPEG or TIFF)",
)
