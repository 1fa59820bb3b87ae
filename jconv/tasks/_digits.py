"""Handwritten digits: a small convolutional network, from random initialization."""

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
from jconv._core.paths import PyTree
from jconv.data import load_image
from jconv.nn import CNN
from jconv.tasks._augment import random_affine
from jconv.tasks._fields import document_fields, setting
from jconv.tasks._recipe import learn, shuffle_indices
from jconv.tasks._saved import SavedModel, course, save_run, share_right
from jconv.tasks._settings import Settings
from jconv.tasks._task import Predictor, Row, Task
from jconv.training import Callback, Checkpoints, State, confusion_matrix, evaluate, functional

CLASSES, SIDE = 10, 8


@document_fields
@dataclass(frozen=True)
class DigitsSettings(Settings):
    """The settings of `train_digits`."""

    steps: int = setting(1200, "training steps", least=1, most=2**31 - 1)
    widths: tuple[int, ...] = setting((16, 32), "channels of each stage of the network", least=1)


class DigitsResult(NamedTuple):
    """A trained network and how it did on the digits that it never saw."""

    settings: DigitsSettings
    """The settings of the run."""
    state: State
    """The end of the training; `average` holds the parameters that were tested."""
    history: dict[str, np.ndarray]
    """The metrics of each step, one array each."""
    confusion: np.ndarray
    """(10, 10) counts on the held-out fifth: row is the truth, column the prediction."""
    seconds: float
    """Wall-clock time of the whole run."""

    @property
    def first_kernels(self) -> np.ndarray:
        """(3, 3, 1, K): the kernels of the first layer."""
        return np.asarray(self.state.average["stages"][0][0]["kernel"][...])

    def metrics(self) -> dict[str, Any]:
        """Return the figures, as they are saved."""
        right, total = int(np.trace(self.confusion)), int(self.confusion.sum())
        return {
            **share_right(right, total),
            "confusion_matrix": self.confusion.tolist(),
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """Return the figures that count, in one line."""
        metrics = self.metrics()
        low, high = metrics["test_accuracy_95_percent_interval"]
        return (
            f"{metrics['test_accuracy']:.2%} of {metrics['test_size']} unseen digits right "
            f"(95 % interval {low:.1%} … {high:.1%}), {metrics['steps']} steps, {metrics['seconds']:.1f} s"
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write `curves.png`, `confusion.png` and `kernels.png`, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder, metrics = output_folder(folder), self.metrics()
        low, high = metrics["test_accuracy_95_percent_interval"]
        caption = f"{metrics['test_accuracy']:.1%} right of {metrics['test_size']} unseen digits"
        curves = {"training loss": self.history["loss"], "training accuracy": self.history["accuracy"]}
        plotting.save(plotting.learning_curves(curves, title="Learning handwritten digits"), folder / "curves.png")
        title = f"{caption}\n(95 % interval {low:.1%} … {high:.1%})"
        digits = [str(d) for d in range(CLASSES)]
        plotting.save(plotting.confusion(self.confusion, digits, title=title), folder / "confusion.png")
        kernels = list(np.moveaxis(self.first_kernels[:, :, 0], -1, 0))
        title = "First-layer kernels, learned from random numbers (red +, blue −)"
        plotting.save(plotting.kernel_grid(kernels, title=title), folder / "kernels.png")
        save_run(folder, "digits", self.settings, metrics, self.state.average, self.state.variables)


def network(settings: DigitsSettings) -> CNN:
    """Return the network with random parameters."""
    return CNN(1, CLASSES, (SIDE, SIDE), widths=settings.widths, rngs=nnx.Rngs(settings.seed))


def train_digits(
    settings: DigitsSettings = DigitsSettings(),
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> DigitsResult:
    """Train on four fifths of the 1797 digits (8 × 8 pixels) that scikit-learn carries, and test on the last fifth.

    Parameters
    ----------
    settings : DigitsSettings
        The seed decides the stratified split, the initial kernels, the order of the digits and their random changes.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Returns
    -------
    DigitsResult

    Raises
    ------
    InputError
        When `devices` or `batch_size` do not fit, or a package of the extra `data` is missing.
    NonFiniteError
        When the loss or its gradient becomes NaN or infinite.

    Notes
    -----
    Each digit is turned, moved and resized at random by up to 10 degrees, 0.7 pixels and 10 % whenever it is drawn;
    the network that is tested is the exponential moving average of the one that is trained. Nothing is chosen by
    looking at the held-out fifth.

    Examples
    --------
    >>> settings = DigitsSettings(steps=100, seed=1)
    >>> train_digits(settings).summary()  # doctest: +SKIP
    '97.78% of 360 unseen digits right (95 % interval 95.7% … 98.9%), 100 steps, 4.1 s'
    """
    begin = time.perf_counter()
    images, labels, test_images, test_labels = split_digits(settings.seed)
    apply, params, variables = functional(network(settings), dtype=settings.dtype)

    def batch(data: tuple[jax.Array, ...], step: jax.Array) -> tuple[jax.Array, jax.Array]:
        images, labels, key = data
        chosen = shuffle_indices(key, step, count=len(images), batch_size=settings.batch_size)
        return images[chosen], labels[chosen]

    def loss(
        params: PyTree, variables: PyTree, batch: tuple[jax.Array, jax.Array], key: jax.Array
    ) -> tuple[jax.Array, Any]:
        images, labels = batch
        for_affine, for_dropout = jax.random.split(key)
        images = random_affine(for_affine, images, degrees=10, shift=0.7, scale=0.1)
        logits, variables = apply(params, variables, images, key=for_dropout)
        targets = optax.smooth_labels(jax.nn.one_hot(labels, CLASSES, dtype=logits.dtype), 0.05)
        value = jnp.mean(optax.softmax_cross_entropy(logits, targets))
        return value, (variables, {"accuracy": jnp.mean(logits.argmax(-1) == labels)})

    data = (images, labels, jax.random.split(jax.random.key(settings.seed))[1])
    state, history = learn(settings, loss, params, variables, batch, data, callbacks=callbacks, checkpoints=checkpoints)
    logits = evaluate(lambda x: apply(state.average, state.variables, x)[0], test_images)
    counts = confusion_matrix(np.asarray(logits.argmax(-1)), np.asarray(test_labels), classes=CLASSES)
    return DigitsResult(settings, state, history, counts, time.perf_counter() - begin)


def predictor(saved: SavedModel, out: Path) -> Predictor:
    """Make the function that names the digit on a picture; a digit drawn dark on a bright ground is inverted."""
    apply = saved.network(network(saved.settings_as(DigitsSettings)))

    def predict(file: Path, name: str) -> Row:
        belief = np.asarray(jax.nn.softmax(apply(_as_digit(load_image(file))[None])[0]))
        return {"digit": int(belief.argmax()), "probability": round(float(belief.max()), 4)}

    return predict


def _as_digit(image: np.ndarray) -> np.ndarray:
    """Convert a picture of any size to (8, 8, 1), bright on dark."""
    grey = image.mean(axis=-1) if image.ndim == 3 else image
    if np.median(grey) > 0.5:
        grey = 1 - grey
    return np.asarray(jax.image.resize(grey, (SIDE, SIDE), "linear"))[..., None]


def split_digits(seed: int) -> tuple[jax.Array, ...]:
    """Images (N, 8, 8, 1) in [0, 1] and labels: four fifths for training, one for testing, each class alike."""
    pixels, labels = needed("sklearn.datasets", "data").load_digits(return_X_y=True)
    images = (pixels / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    split = needed("sklearn.model_selection", "data").train_test_split
    parts = split(images, labels.astype(np.int32), test_size=0.2, stratify=labels, random_state=seed)
    train_images, test_images, train_labels, test_labels = map(jnp.asarray, parts)
    return train_images, train_labels, test_images, test_labels


TASK = Task(
    name="digits",
    summary="handwritten digits",
    description="Train a small CNN on the handwritten digits that scikit-learn carries. Leaves model.npz, config.toml, "
    "metrics.json, curves.png, confusion.png and kernels.png in the output folder.",
    settings=DigitsSettings,
    train=train_digits,
    predictor=predictor,
    inputs="pictures of one digit each (PNG, JPEG or TIFF)",
)
