"""Handwritten digits: a small convolutional network, from random initialization."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import lax

from jconv._core.files import atomic, output_folder, write_json
from jconv.nn import CNN
from jconv.tasks.augment import random_affine
from jconv.tasks.extras import needed
from jconv.training import (
    Callback,
    Checkpoints,
    State,
    confusion_matrix,
    evaluate,
    fit,
    functional,
    trainer,
    wilson_interval,
)

CLASSES = 10


class DigitsResult(NamedTuple):
    """A trained network and how it did on the digits that it never saw."""

    state: State
    history: dict[str, np.ndarray]
    first_kernels: np.ndarray
    """(3, 3, 1, K): the kernels of the first layer."""
    confusion: np.ndarray
    """(10, 10) counts on the held-out fifth: row is the truth, column the prediction."""
    seed: int
    seconds: float

    def metrics(self) -> dict[str, Any]:
        """The figures, as they are saved."""
        right, total = int(np.trace(self.confusion)), int(self.confusion.sum())
        return {
            "test_accuracy": right / total,
            "test_accuracy_95_percent_interval": list(wilson_interval(right, total)),
            "test_size": total,
            "confusion_matrix": self.confusion.tolist(),
            "final_loss": float(self.history["loss"][-1]),
            "steps": len(self.history["loss"]),
            "seconds": round(self.seconds, 3),
            "seed": self.seed,
        }

    def save(self, folder: str | os.PathLike) -> None:
        """Write `metrics.json`, `parameters.npz`, `curves.png`, `confusion.png` and `kernels.png`."""
        plotting = needed("jconv.plotting", "plot")
        folder, metrics = output_folder(folder), self.metrics()
        low, high = metrics["test_accuracy_95_percent_interval"]
        told = f"{metrics['test_accuracy']:.1%} right of {metrics['test_size']} unseen digits"
        curves = {"training loss": self.history["loss"], "training accuracy": self.history["accuracy"]}
        plotting.save(plotting.learning_curves(curves, title="Learning handwritten digits"), folder / "curves.png")
        title = f"{told}\n(95 % interval {low:.1%} … {high:.1%})"
        digits = [str(d) for d in range(CLASSES)]
        plotting.save(plotting.confusion(self.confusion, digits, title=title), folder / "confusion.png")
        kernels = list(np.moveaxis(self.first_kernels[:, :, 0], -1, 0))
        title = "First-layer kernels, learned from random numbers (red +, blue −)"
        plotting.save(plotting.kernel_grid(kernels, title=title), folder / "kernels.png")
        with atomic(folder / "parameters.npz") as file:
            leaves = jax.tree_util.tree_leaves_with_path(self.state.average)
            named = {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}
            np.savez(file, **named)  # pyright: ignore[reportArgumentType]
        write_json(folder / "metrics.json", metrics)


def train_digits(
    *,
    seed: int = 0,
    steps: int = 1200,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    widths: Sequence[int] = (16, 32),
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> DigitsResult:
    """Train on four fifths of the 1797 digits (8 × 8 pixels) that scikit-learn carries, and test on the last fifth.

    Parameters
    ----------
    seed : int
        Decides the stratified split, the initial kernels, the order of the digits and their random changes.
    steps, batch_size : int
    learning_rate : float
        Peak of AdamW's schedule, a short rise and a cosine fall.
    widths : sequence of int
        Channels of each stage of the network.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Notes
    -----
    Each digit is turned, moved and resized at random by up to 10 degrees, 0.7 pixels and 10 % whenever it is drawn;
    the network that is tested is the exponential moving average of the one that is trained. Nothing is chosen by
    looking at the held-out fifth.
    """
    begin = time.perf_counter()
    images, labels, test_images, test_labels = _split(seed)
    size = (images.shape[1], images.shape[2])
    apply, params, variables = functional(CNN(1, CLASSES, size, widths=widths, rngs=nnx.Rngs(seed)))
    init_key, data_key = jax.random.split(jax.random.key(seed))

    def batch(data, step):
        images, labels, key = data
        per_epoch = len(images) // batch_size
        order = jax.random.permutation(jax.random.fold_in(key, step // per_epoch), len(images))
        chosen = lax.dynamic_slice_in_dim(order, step % per_epoch * batch_size, batch_size)
        return images[chosen], labels[chosen]

    def loss(params, variables, batch, key):
        images, labels = batch
        for_affine, for_dropout = jax.random.split(key)
        images = random_affine(for_affine, images, degrees=10, shift=0.7, scale=0.1)
        logits, variables = apply(params, variables, images, key=for_dropout)
        targets = optax.smooth_labels(jax.nn.one_hot(labels, CLASSES, dtype=logits.dtype), 0.05)
        value = jnp.mean(optax.softmax_cross_entropy(logits, targets))
        return value, (variables, {"accuracy": jnp.mean(logits.argmax(-1) == labels)})

    schedule = optax.warmup_cosine_decay_schedule(0.0, learning_rate, max(1, steps // 20), steps)
    pair = trainer(loss, optax.adamw(schedule, weight_decay=1e-2), average=0.99)
    state, history = fit(
        pair,
        pair.init(params, init_key, variables),
        batch,
        (images, labels, data_key),
        steps=steps,
        steps_per_call=20,
        callbacks=callbacks,
        checkpoints=checkpoints,
    )
    logits = evaluate(lambda x: apply(state.average, state.variables, x)[0], test_images)
    counts = confusion_matrix(np.asarray(logits.argmax(-1)), np.asarray(test_labels), classes=CLASSES)
    kernels = np.asarray(state.average["stages"][0][0]["kernel"][...])
    return DigitsResult(state, history, kernels, counts, seed, time.perf_counter() - begin)


def _split(seed: int) -> tuple[jax.Array, ...]:
    """Images (N, 8, 8, 1) in [0, 1] and labels: four fifths for training, one for testing, each class alike."""
    pixels, labels = needed("sklearn.datasets", "data").load_digits(return_X_y=True)
    images = (pixels / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    split = needed("sklearn.model_selection", "data").train_test_split
    parts = split(images, labels.astype(np.int32), test_size=0.2, stratify=labels, random_state=seed)
    train_images, test_images, train_labels, test_labels = map(jnp.asarray, parts)
    return train_images, train_labels, test_images, test_labels
