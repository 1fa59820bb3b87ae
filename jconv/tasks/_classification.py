"""Pictures of your own by class: a small convolutional network, from random initialization."""

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

from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv._core.paths import PyTree
from jconv.data import load_image, resize_image
from jconv.nn import CNN
from jconv.tasks._augment import random_affine
from jconv.tasks._fields import document_fields, setting
from jconv.tasks._own_data import load_classes, split_by_class, warn_of_few, weigh_classes
from jconv.tasks._recipe import learn, shuffle_indices
from jconv.tasks._saved import SavedModel, course, save_run, share_right
from jconv.tasks._settings import Settings
from jconv.tasks._task import Predictor, Row, Task
from jconv.training import Callback, Checkpoints, State, confusion_matrix, evaluate, functional

_EXAMPLES = 15


@document_fields
@dataclass(frozen=True)
class ClassificationSettings(Settings):
    """The settings of `train_classification`."""

    steps: int = setting(1000, "training steps", least=1, most=2**31 - 1)
    batch_size: int = setting(32, "pictures in each step; fewer where there are fewer", least=1)
    data: str | None = setting(None, "a folder with a folder of pictures for each class; this task needs it")
    skip_damaged: bool = setting(False, "leave out files of that folder that cannot be read, and name them")
    size: int = setting(48, "rows and columns to which every picture is resized", least=8, most=512)
    grey: bool = setting(False, "learn from brightness alone")
    mirror: bool = setting(True, "also learn from pictures that are mirrored left to right")
    class_weights: bool = setting(False, "let rare classes count as much as frequent ones")
    widths: tuple[int, ...] = setting((16, 32, 64), "channels of each stage of the network", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size < 2 ** len(self.widths):
            raise InputError(f"`size` is {self.size}, too small for {len(self.widths)} `widths`; make it larger")

    @property
    def channels(self) -> int:
        """The channels of a picture."""
        return 1 if self.grey else 3


class ClassificationResult(NamedTuple):
    """A trained network and how it did on pictures that it never saw."""

    settings: ClassificationSettings
    """The settings of the run."""
    names: tuple[str, ...]
    """The names of the classes."""
    state: State
    """The end of the training; `average` holds the parameters that were tested."""
    history: dict[str, np.ndarray]
    """The metrics of each step, one array each."""
    confusion: np.ndarray
    """(classes, classes) counts of the test pictures: row is the truth, column the prediction."""
    examples: tuple[np.ndarray, np.ndarray, np.ndarray]
    """A few test pictures (n, H, W, C), their classes (n,) and the predicted ones (n,)."""
    skipped: tuple[str, ...]
    """One message for each file that was left out."""
    seconds: float
    """Wall-clock time of the whole run."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to keep in mind about the figures."""
        return warn_of_few(int(self.confusion.sum()), "pictures")

    def metrics(self) -> dict[str, Any]:
        """Return the figures, as they are saved."""
        right, total = int(np.trace(self.confusion)), int(self.confusion.sum())
        each = np.diagonal(self.confusion) / self.confusion.sum(axis=1)
        return {
            **share_right(right, total),
            "mean_accuracy_of_the_classes": float(each.mean()),
            "classes": list(self.names),
            "confusion_matrix": self.confusion.tolist(),
            "skipped_files": list(self.skipped),
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """Return the figures that count, in one line."""
        metrics = self.metrics()
        low, high = metrics["test_accuracy_95_percent_interval"]
        return (
            f"{metrics['test_accuracy']:.2%} of {metrics['test_size']} unseen pictures right "
            f"(95 % interval {low:.1%} … {high:.1%}), {metrics['steps']} steps, {metrics['seconds']:.1f} s"
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write `curves.png`, `confusion.png` and `examples.png`, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder, metrics = output_folder(folder), self.metrics()
        curves = {"training loss": self.history["loss"], "training accuracy": self.history["accuracy"]}
        plotting.save(plotting.learning_curves(curves, title="Learning pictures"), folder / "curves.png")
        title = f"{metrics['test_accuracy']:.1%} right of {metrics['test_size']} unseen pictures"
        plotting.save(plotting.confusion(self.confusion, self.names, title=title), folder / "confusion.png")
        images, truth, predicted = self.examples
        titles = [self.names[a] + ("" if a == b else f", taken for {self.names[b]}") for a, b in zip(truth, predicted)]
        made = plotting.gallery(
            [image[..., 0] if self.settings.grey else image for image in images],
            titles,
            right=(truth == predicted).tolist(),
            title="Unseen pictures (green where the class was found)",
        )
        plotting.save(made, folder / "examples.png")
        about = {"classes": list(self.names)}
        save_run(folder, "classification", self.settings, metrics, self.state.average, self.state.variables, about)


def network(settings: ClassificationSettings, classes: int) -> CNN:
    """Make the network with random parameters."""
    size = (settings.size, settings.size)
    return CNN(settings.channels, classes, size, widths=settings.widths, rngs=nnx.Rngs(settings.seed))


def train_classification(
    settings: ClassificationSettings,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> ClassificationResult:
    """Train on four fifths of the pictures of a folder, each class alike, and test on the others.

    Parameters
    ----------
    settings : ClassificationSettings
        `data` names the folder, with a folder for each class in it. The seed decides the split, the network's start,
        the order of the pictures and their random changes.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Returns
    -------
    ClassificationResult

    Raises
    ------
    InputError
        When `data` is missing, a picture cannot be read, there is one class only, or a class has fewer than two
        pictures.

    Notes
    -----
    Pictures are resized to one size; grey ones become colour ones (or the other way round with `grey`). Each is turned,
    moved, resized and, with `mirror`, mirrored a little at random whenever it is drawn. The network that is tested is
    the exponential moving average of the one that is trained. Nothing is chosen by looking at the test pictures.

    Examples
    --------
    >>> train_classification(ClassificationSettings())
    Traceback (most recent call last):
    jconv.InputError: this task needs your pictures: pass a folder with a folder for each class as `data` ...
    """
    begin = time.perf_counter()
    if settings.data is None:
        raise InputError(
            "this task needs your pictures: pass a folder with a folder for each class as `data` (--data FOLDER)"
        )
    images, labels, names, skipped = load_classes(
        settings.data, size=settings.size, channels=settings.channels, skip_damaged=settings.skip_damaged
    )
    tested = split_by_class(labels, names, "picture", np.random.default_rng(settings.seed))
    train, train_labels, test, test_labels = images[~tested], labels[~tested], images[tested], labels[tested]
    weights = weigh_classes(train_labels, len(names)) if settings.class_weights else np.ones(len(names), np.float32)
    apply, params, variables = functional(network(settings, len(names)), dtype=settings.dtype)
    batch_size = min(settings.batch_size, len(train))

    def batch(data: tuple[jax.Array, ...], step: jax.Array) -> tuple[jax.Array, jax.Array]:
        images, labels, key = data
        chosen = shuffle_indices(key, step, count=len(images), batch_size=batch_size)
        return images[chosen], labels[chosen]

    def loss(
        params: PyTree, variables: PyTree, batch: tuple[jax.Array, jax.Array], key: jax.Array
    ) -> tuple[jax.Array, Any]:
        images, labels = batch
        for_affine, for_mirror, for_dropout = jax.random.split(key, 3)
        if settings.mirror:
            turned = jax.random.bernoulli(for_mirror, shape=(len(images), 1, 1, 1))
            images = jnp.where(turned, images[:, :, ::-1], images)
        images = random_affine(for_affine, images - 0.5, degrees=10, shift=0.05 * settings.size, scale=0.1) + 0.5
        logits, variables = apply(params, variables, _normalize(images), key=for_dropout)
        targets = optax.smooth_labels(jax.nn.one_hot(labels, len(names), dtype=logits.dtype), 0.05)
        value = jnp.mean(optax.softmax_cross_entropy(logits, targets) * jnp.asarray(weights)[labels])
        return value, (variables, {"accuracy": jnp.mean(logits.argmax(-1) == labels)})

    data = (jnp.asarray(train), jnp.asarray(train_labels), jax.random.split(jax.random.key(settings.seed))[1])
    state, history = learn(settings, loss, params, variables, batch, data, callbacks=callbacks, checkpoints=checkpoints)
    classify = lambda x: apply(state.average, state.variables, _normalize(x))[0].argmax(-1)
    predicted = np.asarray(evaluate(classify, jnp.asarray(test), batch_size=64))
    counts = confusion_matrix(predicted, test_labels, classes=len(names))
    shown = np.random.default_rng(settings.seed).permutation(len(test))[:_EXAMPLES]
    examples = (test[shown], test_labels[shown], predicted[shown])
    seconds = time.perf_counter() - begin
    return ClassificationResult(settings, names, state, history, counts, examples, skipped, seconds)


def predictor(saved: SavedModel, out: Path) -> Predictor:
    """Make the function that names the class of a picture, and draws it with that name into NAME.class.png."""
    plotting = needed("jconv.plotting", "plot")
    settings, names = saved.settings_as(ClassificationSettings), saved.about["classes"]
    apply = saved.network(network(settings, len(names)))

    def predict(file: Path, name: str) -> Row:
        image = load_image(file)
        small = resize_image(image, size=(settings.size, settings.size), channels=settings.channels)
        belief = np.asarray(jax.nn.softmax(apply(_normalize(jnp.asarray(small)[None]))[0]))
        best = int(belief.argmax())
        title = f"{names[best]}, {belief[best]:.0%}"
        plotting.save(plotting.gallery([image], [title], columns=1, width=4), out / f"{name}.class.png")
        return {"class": names[best], "probability": round(float(belief[best]), 4)}

    return predict


def _normalize(images: jax.Array) -> jax.Array:
    """Pictures (N, H, W, C), each with the mean 0 and the spread 1, whatever its exposure."""
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return (images - mean) / (images.std(axis=(1, 2, 3), keepdims=True) + 0.05)


TASK = Task(
    name="classification",
    summary="your own pictures, a folder for each class",
    description="Train a small CNN on the pictures of a folder that has a folder for each class. Leaves model.npz, "
    "config.toml, metrics.json, curves.png, confusion.png and examples.png in the output folder.",
    settings=ClassificationSettings,
    train=train_classification,
    predictor=predictor,
    inputs="pictures (PNG, JPEG, TIFF, GIF, BMP or WebP)",
    example="jconv train classification --data my_pictures --out out/mine",
)
