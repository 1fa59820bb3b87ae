"""Detection on your own pictures, whose boxes are in a COCO-style JSON file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jconv._core.errors import InputError
from jconv._core.paths import PyTree
from jconv.data import load_coco, resize_image
from jconv.nn import Detections, DetectorOutput
from jconv.tasks._own_data import split_files
from jconv.tasks._recipe import learn, recompute_statistics, shuffle_indices
from jconv.tasks._settings import Settings
from jconv.training import Callback, Checkpoints, ScoredBoxes, State, evaluate, functional


class Framed(NamedTuple):
    """Pictures in square frames of one size, and the boxes in these frames."""

    images: np.ndarray
    """(N, size, size, 3) float32 in [0, 1]; a picture fills its frame along its longer side, mid-grey the rest."""
    boxes: np.ndarray
    """(N, most, 4): first row, first column, last row, last column; zeros where absent."""
    labels: np.ndarray
    """(N, most) int32; -1 where absent."""


class OwnBoxes(NamedTuple):
    """Framed pictures, split by file."""

    train: Framed
    test: Framed
    names: tuple[str, ...]
    """The names of the classes."""
    skipped: tuple[str, ...]
    """One message for each file that was left out, and each box that was clipped or left out."""


def load_boxes(data: str, images: str | None, *, size: int, seed: int, skip_damaged: bool) -> OwnBoxes:
    """Read a COCO-style file and its pictures, and split these into those to learn from and those to test on."""
    annotations = load_coco(data, images)
    pictures, indices, skipped = annotations.load(skip_damaged=skip_damaged)
    tested = split_files(len(pictures), "picture", np.random.default_rng(seed))
    boxes = annotations.rows_columns()
    most = max(1, max(len(boxes[index]) for index in indices))
    if not any(len(boxes[index]) for index in indices):
        raise InputError(f"the COCO file {data!r} has no box on any picture that could be read; add some")
    frames = []
    for picture, index in zip(pictures, indices):
        framed, scale = frame(picture, size)
        padded = np.zeros((most, 4), np.float32)
        padded[: len(boxes[index])] = boxes[index] * scale
        labels = np.full(most, -1, np.int32)
        labels[: len(boxes[index])] = annotations.labels[index]
        frames.append(Framed(framed, padded, labels))
    part = lambda chosen: Framed(*(np.stack(arrays) for arrays in zip(*(f for f, c in zip(frames, chosen) if c))))
    missing = set(skipped)
    notes = [problem for problem in annotations.problems if problem not in missing and "annotation" in problem]
    return OwnBoxes(part(~tested), part(tested), annotations.names, (*skipped, *notes))


def frame(image: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """Return a picture in the upper left of a frame (size, size, 3), and by how much it was scaled to fit."""
    scale = size / max(image.shape[:2])
    rows, columns = (max(1, min(size, round(n * scale))) for n in image.shape[:2])
    framed = np.full((size, size, 3), 0.5, np.float32)
    framed[:rows, :columns] = resize_image(image, size=(rows, columns), channels=3)
    return framed, scale


def learn_boxes(
    settings: Settings,
    model: nnx.Module,
    data: OwnBoxes,
    loss: Callable[[DetectorOutput, Any], tuple[jax.Array, dict[str, jax.Array]]],
    read: Callable[[DetectorOutput], Detections],
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> tuple[State, dict[str, np.ndarray], Detections]:
    """Train on framed pictures, mirrored and brightened at random; return the detections on the test pictures, too."""
    apply, params, variables = functional(model, dtype=settings.dtype)
    count, size = data.train.images.shape[:2]
    batch_size = min(settings.batch_size, count)

    def batch(drawn_from: tuple[Any, jax.Array], number: jax.Array) -> Framed:
        arrays, key = drawn_from
        chosen = shuffle_indices(key, number, count=count, batch_size=batch_size)
        images, boxes, labels = (array[chosen] for array in arrays)
        for_mirror, for_light = jax.random.split(jax.random.fold_in(key, count + number))
        mirror = jax.random.bernoulli(for_mirror, shape=(batch_size, 1, 1))
        gain, shift = 0.2 * jax.random.uniform(for_light, (2, batch_size, 1, 1, 1), jnp.float32, -1, 1)
        images = jnp.clip((1 + gain) * (images - 0.5) + 0.5 + shift, 0, 1)
        images = jnp.where(mirror[..., None], images[:, :, ::-1], images)
        turned = jnp.stack([boxes[..., 0], size - boxes[..., 3], boxes[..., 2], size - boxes[..., 1]], axis=-1)
        turned = jnp.where(labels[..., None] >= 0, turned, 0)
        return Framed(images, jnp.where(mirror, turned, boxes), labels)  # pyright: ignore[reportArgumentType]

    def of_batch(params: PyTree, variables: PyTree, batch: Framed, key: jax.Array) -> tuple[jax.Array, Any]:
        output, variables = apply(params, variables, batch.images, train=True)
        value, metrics = loss(output, batch)
        return value, (variables, metrics)

    arrays = Framed(*map(jnp.asarray, data.train))  # pyright: ignore[reportArgumentType]
    drawn_from = (arrays, jax.random.fold_in(jax.random.key(settings.seed), 1))
    state, history = learn(
        settings, of_batch, params, variables, batch, drawn_from, callbacks=callbacks, checkpoints=checkpoints
    )
    through = lambda params, variables, number: apply(params, variables, batch(drawn_from, number).images, train=True)[
        1
    ]
    state = recompute_statistics(state, through, batches=max(1, min(80, settings.steps)))
    detect = lambda x: read(apply(state.average, state.variables, x)[0])
    return state, history, evaluate(detect, jnp.asarray(data.test.images), batch_size=16)


def true_boxes(framed: Framed) -> list[ScoredBoxes]:
    """Return the true boxes of each picture."""
    return [ScoredBoxes(b[present], l[present]) for b, l, present in zip(*framed[1:], framed.labels >= 0)]
