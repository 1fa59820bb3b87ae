"""Segmentation of your own pictures: masks of the same name say which class each pixel belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from jconv._core.errors import InputError
from jconv._core.limits import check_bytes
from jconv._core.paths import PyTree
from jconv.data import load_each, load_pair, mask_pairs
from jconv.tasks._own_data import split_files
from jconv.tasks._recipe import learn, recompute_statistics
from jconv.tasks._segmentation_loss import segmentation_loss
from jconv.tasks._settings import Settings
from jconv.training import Callback, Checkpoints, State, functional

MOST_CLASSES = 64
_SHOWN = 8


class Stack(NamedTuple):
    """Pictures of several sizes in one array, each in the upper left corner; what is beyond it repeats it mirrored."""

    images: np.ndarray
    """(N, H, W, 3) bytes."""
    masks: np.ndarray
    """(N, H, W) bytes: the class of each pixel."""
    sizes: np.ndarray
    """(N, 2): rows and columns of each picture, at least those of the pieces."""
    true_sizes: np.ndarray
    """(N, 2): rows and columns as they were in the file."""


class OwnPictures(NamedTuple):
    """Pictures with masks, split by file."""

    train: Stack
    test: Stack
    names: tuple[str, ...]
    """The names of the classes; the first is the background."""
    skipped: tuple[str, ...]


class Segmented(NamedTuple):
    """A trained network and what it says of the test pictures."""

    state: State
    history: dict[str, np.ndarray]
    confusion: np.ndarray
    """(pictures, classes, classes) counts of pixels: row is the truth, column the prediction."""
    examples: tuple[np.ndarray, np.ndarray, np.ndarray]
    """Pieces of a few test pictures (n, S, S, 3), their masks (n, S, S), and the predicted ones."""


def load_pictures(data: str, *, size: int, seed: int, skip_damaged: bool) -> OwnPictures:
    """Read `data`/images and `data`/masks, and split the files into those to learn from and those to test on.

    The levels of the masks are the classes: 0 the background, then 1, 2, …; there are as many classes as the highest
    level asks for. Masks that hold only 0 and 255, as drawing programs make them, have two classes.
    """
    folder = Path(data)
    pairs = mask_pairs(folder / "images", folder / "masks")
    load = lambda pair: load_pair(pair, 256, 3)
    loaded, _, skipped = load_each(load, pairs, skip_damaged=skip_damaged)
    levels = np.unique(np.concatenate([np.unique(mask) for _, mask in loaded]))
    if levels.tolist() in ([0, 255], [255]):
        loaded, levels = [(image, mask // 255) for image, mask in loaded], levels // 255
    classes = 1 + int(levels.max())
    if classes > MOST_CLASSES:
        raise InputError(
            f"the masks in {str(folder / 'masks')!r} hold the levels {', '.join(map(str, levels[:9]))}, …; number the "
            f"classes 0, 1, 2, … below {MOST_CLASSES}"
        )
    if classes < 2:
        raise InputError(f"the masks in {str(folder / 'masks')!r} hold the level 0 alone; mark the things with 1, 2, …")
    tested = split_files(len(loaded), "picture with a mask", np.random.default_rng(seed))
    shape = np.max([image.shape[:2] for image, _ in loaded] + [(size, size)], axis=0)
    check_bytes(f"the pictures in {data!r}", 4 * len(loaded) * int(np.prod(shape)))
    train = _stack([pair for pair, held_out in zip(loaded, tested) if not held_out], shape, size)
    test = _stack([pair for pair, held_out in zip(loaded, tested) if held_out], shape, size)
    names = ("background", *(f"class {level}" for level in range(1, classes)))
    return OwnPictures(train, test, names, tuple(skipped))


def learn_pictures(
    settings: Settings,
    model: nnx.Module,
    pictures: OwnPictures,
    *,
    size: int,
    step: int,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> Segmented:
    """Train on random pieces (size × size) of pictures, mirrored at random, and test on whole pictures.

    `step` is the number of which the network's pictures must be multiples.
    """
    apply, params, variables = functional(model, dtype=settings.dtype)

    def batch(data: tuple[Any, jax.Array], number: jax.Array) -> tuple[jax.Array, jax.Array]:
        (images, masks, sizes), key = data
        keys = jax.random.split(jax.random.fold_in(key, number), settings.batch_size)

        def piece(key: jax.Array) -> tuple[jax.Array, jax.Array]:
            for_picture, for_corner, for_mirror = jax.random.split(key, 3)
            which = jax.random.randint(for_picture, (), 0, len(images))
            corner = jax.random.randint(for_corner, (2,), 0, sizes[which] - size + 1)
            image = lax.dynamic_slice(images, (which, *corner, 0), (1, size, size, 3))[0]
            mask = lax.dynamic_slice(masks, (which, *corner), (1, size, size))[0]
            mirror = jax.random.bernoulli(for_mirror)
            image, mask = (jnp.where(mirror, a[:, ::-1], a) for a in (image, mask))
            return image.astype(jnp.float32) / 255, mask.astype(jnp.int32)

        return jax.vmap(piece)(keys)

    def loss(
        params: PyTree, variables: PyTree, batch: tuple[jax.Array, jax.Array], key: jax.Array
    ) -> tuple[jax.Array, Any]:
        images, masks = batch
        logits, variables = apply(params, variables, images, train=True)
        marked = masks > 0
        right = ((logits[..., 1:].argmax(-1) + 1 == masks) & marked).sum() / jnp.maximum(marked.sum(), 1)
        return segmentation_loss(logits, masks), (variables, {"ink_accuracy": right})

    arrays = tuple(map(jnp.asarray, pictures.train[:3]))
    data = (arrays, jax.random.fold_in(jax.random.key(settings.seed), 1))
    state, history = learn(settings, loss, params, variables, batch, data, callbacks=callbacks, checkpoints=checkpoints)
    through = lambda params, variables, number: apply(params, variables, batch(data, number)[0], train=True)[1]
    state = recompute_statistics(state, through)
    test = pictures.test
    rest = [(0, -n % step) for n in test.images.shape[1:3]]  # one shape, and so one program, for all of them
    whole = jnp.asarray(np.pad(test.images, [(0, 0), *rest, (0, 0)], mode="edge"))
    classify = jax.jit(
        lambda image: apply(state.average, state.variables, image[None] / jnp.float32(255))[0].argmax(-1)
    )
    predicted = [np.asarray(classify(image))[0, : s[0], : s[1]] for image, s in zip(whole, test.true_sizes)]
    truth = [mask[: s[0], : s[1]].astype(int) for mask, s in zip(test.masks, test.true_sizes)]
    classes = len(pictures.names)
    counts = [np.bincount((t * classes + p).ravel(), minlength=classes**2) for t, p in zip(truth, predicted)]
    confusion = np.stack(counts).reshape(-1, classes, classes)
    side = int(test.true_sizes[:_SHOWN].min())
    examples = [
        np.stack([picture[:side, :side] for picture in part[:_SHOWN]])
        for part in (test.images / np.float32(255), truth, predicted)
    ]
    return Segmented(state, history, confusion, (examples[0], examples[1], examples[2]))


def _stack(pairs: Sequence[tuple[np.ndarray, np.ndarray]], shape: np.ndarray, size: int) -> Stack:
    true_sizes = np.array([mask.shape for _, mask in pairs])
    images, masks = [], []
    for image, mask in pairs:
        rest = [(0, whole - n) for whole, n in zip(shape, mask.shape)]
        images.append(np.pad(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8), [*rest, (0, 0)], mode="symmetric"))
        masks.append(np.pad(mask.astype(np.uint8), rest, mode="symmetric"))
    return Stack(np.stack(images), np.stack(masks), np.maximum(true_sizes, size), true_sizes)
