"""Pictures whose truth is known to the pixel: handwritten digits of several sizes on photographs.

A scene is a pure function of a random key, cheap enough to be made inside the jitted loop, so that no picture is
seen twice and a resumed run sees those that it would have seen.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict, Unpack

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core.extras import needed
from jconv.tasks._augment import random_affine
from jconv.tasks._photographs import photographs

CLASSES = 10
_CELL, _INK = 20, 0.4  # samples across a digit and its margin; grey level from which on a sample counts as ink
_TRIES = 12
_COLOURS, _SPARSE, _PLAIN = 8, 4, 0.6  # candidates for an ink; every fourth pixel; a distance that is plain to see


class Materials(NamedTuple):
    """What scenes are made of."""

    digits: jax.Array
    """(D, 20, 20): handwritten digits in [0, 1], each turned, sheared and stretched a little, with a margin."""
    labels: jax.Array
    """(D,) in 0 … 9."""
    photographs: jax.Array
    """(P, S, S, 3), bytes."""


class SceneOptions(TypedDict):
    """The keyword arguments of `scene`."""

    size: int
    most: int
    smallest: float
    largest: float


class Scene(NamedTuple):
    """A picture and the truth about it."""

    image: jax.Array
    """(size, size, 3) in [0, 1]."""
    mask: jax.Array
    """(size, size) int32: 0 where the photograph shows, 1 + digit on its ink."""
    boxes: jax.Array
    """(most, 4): first row, first column, last row + 1, last column + 1 of each digit's ink; zeros where absent."""
    labels: jax.Array
    """(most,) int32: the digits; -1 where absent."""


def materials(seed: int, *, variants: int = 6) -> tuple[Materials, Materials]:
    """To learn from, and to test on: other digits (a stratified fifth of 1797) and other photographs.

    Each training digit comes in as many `variants`, each test digit in one.
    """
    pixels, labels = needed("sklearn.datasets", "data").load_digits(return_X_y=True)
    images = (pixels / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    split = needed("sklearn.model_selection", "data").train_test_split
    parts = split(images, labels.astype(np.int32), test_size=0.2, stratify=labels, random_state=seed)
    train, test, train_labels, test_labels = map(jnp.asarray, parts)
    key, other = jax.random.split(jax.random.key(seed))
    return (
        Materials(
            _cells(key, jnp.tile(train, (variants, 1, 1, 1))),
            jnp.tile(train_labels, variants),
            jnp.asarray(photographs("train", closer=True)),
        ),
        Materials(_cells(other, test), test_labels, jnp.asarray(photographs("test", closer=True))),
    )


@jax.jit
def _cells(key: jax.Array, images: jax.Array) -> jax.Array:
    """Digits (D, 8, 8, 1) as cells (D, 20, 20): a margin of one sample all around, twice as fine, changed at random."""
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    fine = jax.image.resize(padded, (len(images), _CELL, _CELL, 1), "cubic")
    return jnp.clip(random_affine(key, fine, degrees=10, scale=0.08)[..., 0], 0, 1)


def scene(key: jax.Array, materials: Materials, *, size: int, most: int, smallest: float, largest: float) -> Scene:
    """One scene: a piece of a photograph with 1 to `most` digits, none on another.

    Parameters
    ----------
    key : random key
    materials : Materials
    size : int
        Rows and columns of the picture, at most those of the photographs.
    most : int
        The most digits.
    smallest, largest : float
        Side of a digit with its margin, in pixels; sizes are uniform in their logarithm.

    Notes
    -----
    Each digit has one ink, of eight random colours the one that stands out best. It covers a pixel by the share `a` of
    its soft edge, ``a * ink + (1 - a) * photograph``, and owns those that it covers by more than half. Digits that find
    no free place in 12 tries are left out.
    """
    for_photograph, for_digits = jax.random.split(key)
    picture = _piece(for_photograph, materials.photographs, size)
    count_key, *keys = jax.random.split(for_digits, 1 + most)
    wanted = jax.random.randint(count_key, (), 1, most + 1)

    def add(carry: tuple[jax.Array, ...], slot: tuple[jax.Array, jax.Array]) -> tuple[tuple[jax.Array, ...], Any]:
        image, mask, cells = carry
        key, number = slot
        keys = jax.random.split(key, 4)
        chosen = jax.random.randint(keys[0], (), 0, len(materials.labels))
        stretch = jnp.array([smallest, largest], jnp.float32)
        side = jnp.exp(jax.random.uniform(keys[1], (), jnp.float32, *jnp.log(stretch)))
        corners = jax.random.uniform(keys[2], (_TRIES, 2), jnp.float32) * (size - side)
        free = ~jax.vmap(lambda corner: _touches(corner, side, cells))(corners)
        shown = (number < wanted) & free.any()
        corner = corners[jnp.argmax(free)]
        cover = jnp.where(shown, _cover(materials.digits[chosen], corner, side, size), 0)
        ink = _ink(keys[3], picture, corner, side)
        image = image + cover[..., None] * (ink - image)
        own, label = cover > 0.5, materials.labels[chosen].astype(jnp.int32)
        mask = jnp.where(own, 1 + label, mask)
        label = jnp.where(shown & own.any(), label, -1)
        cells = cells.at[number].set(jnp.where(shown, jnp.array([*corner, side]), cells[number]))
        return (image, mask, cells), (_box(own), label)

    empty = jnp.zeros((size, size), jnp.int32), jnp.full((most, 3), -jnp.inf, jnp.float32)
    (image, mask, _), (boxes, labels) = lax.scan(add, (picture, *empty), (jnp.stack(keys), jnp.arange(most)))
    return Scene(image, mask, boxes, labels)


def scenes(key: jax.Array, materials: Materials, count: int, **options: Unpack[SceneOptions]) -> Scene:
    """`count` scenes along a first axis."""
    return jax.vmap(lambda key: scene(key, materials, **options))(jax.random.split(key, count))


def _piece(key: jax.Array, photographs: jax.Array, size: int) -> jax.Array:
    """Cut out a square of a photograph, as it is, mirrored or turned by a quarter, in [0, 1]."""
    keys = jax.random.split(key, 3)
    count, height, width, _ = photographs.shape
    which = jax.random.randint(keys[0], (), 0, count)
    where = jax.random.randint(keys[1], (2,), 0, jnp.array([height, width]) - size + 1)
    piece = lax.dynamic_slice(photographs, (which, *where, 0), (1, size, size, 3))[0].astype(jnp.float32) / 255
    mirror, turn = jax.random.bernoulli(keys[2], shape=(2,))
    piece = jnp.where(mirror, piece[:, ::-1], piece)
    return jnp.where(turn, piece.swapaxes(0, 1), piece)


def _touches(corner: jax.Array, side: jax.Array, cells: jax.Array) -> jax.Array:
    """Whether a cell shares area with one of others (row, column, side)."""
    near = jnp.maximum(corner, cells[:, :2]) < jnp.minimum(corner + side, cells[:, :2] + cells[:, 2:])
    return near.all(axis=-1).any()


def _cover(digit: jax.Array, corner: jax.Array, side: jax.Array, size: int) -> jax.Array:
    """Return the share (size, size) of each pixel that is ink, with an edge about half a pixel wide."""
    scale = jnp.full(2, side / _CELL)
    grey = jax.image.scale_and_translate(digit, (size, size), (0, 1), scale, corner, "linear")
    return jnp.clip((grey - _INK) * side / 4 + 0.5, 0, 1)


def _ink(key: jax.Array, picture: jax.Array, corner: jax.Array, side: jax.Array) -> jax.Array:
    """Of some random colours the one that stands out best from the photograph beneath the cell."""
    colours = jax.random.uniform(key, (_COLOURS, 3), jnp.float32)
    place = jnp.arange(0, picture.shape[0], _SPARSE) + 0.5  # some of the pixels tell enough
    inside = ((place >= corner[:, None]) & (place < corner[:, None] + side)).astype(jnp.float32)
    distance = jnp.linalg.norm(picture[::_SPARSE, ::_SPARSE, None] - colours, axis=-1)
    return colours[jnp.argmax(jnp.einsum("i,j,ijc->c", *inside, jnp.minimum(distance, _PLAIN)))]


def _box(own: jax.Array) -> jax.Array:
    """First row, first column, last row + 1, last column + 1 of the true pixels; zeros where there are none."""
    ends = []
    for along in (own.any(axis=1), own.any(axis=0)):
        ends.append((jnp.argmax(along), len(along) - jnp.argmax(along[::-1])))
    box = jnp.array([ends[0][0], ends[1][0], ends[0][1], ends[1][1]], jnp.float32)
    return jnp.where(own.any(), box, 0)
