"""Boxes: how much they overlap, and which of many overlapping ones to keep.

The one order of axes in all of `jconv.nn` and `jconv.training`, that of array indices:

    box[..., 0]     box[..., 1]      box[..., 2]    box[..., 3]
    first row       first column     last row       last column
    top             left             bottom         right

These are the corners of a rectangle in pixels, where pixel i reaches from i to i + 1: rows [first, last) are inside,
and a box of one pixel is (i, j, i + 1, j + 1). COCO's files and `jconv.data` have columns first.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from jconv._core import check
from jconv.nn.layers import _dtypes, _layer


def box_area(boxes: ArrayLike) -> jax.Array:
    """Compute the areas of boxes; zero for a box whose corners are the wrong way round.

    Parameters
    ----------
    boxes : array (..., 4)
        First row, first column, last row, last column.

    Returns
    -------
    array (...)
        In square pixels; float32 for half precision, whose largest number 65,504 is the area of a small picture.

    Raises
    ------
    ValueError
        When the last axis does not have 4 entries.

    Notes
    -----
    The gradient is that of the product, and zero for an inverted box.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> box_area(jnp.array([[0, 0, 2, 3], [5, 5, 4, 9]])).tolist()
    [6, 0]
    """
    return _area(*_check_boxes(boxes=boxes))


def box_iou(first: ArrayLike, second: ArrayLike) -> jax.Array:
    r"""Compute the intersection over union of boxes.

    .. math:: \mathrm{IoU}(A, B) = |A \cap B| / |A \cup B|

    Parameters
    ----------
    first, second : arrays (..., 4)
        First row, first column, last row, last column; of shapes that broadcast: ``box_iou(a[:, None], b[None])``
        compares all with all.

    Returns
    -------
    array (...)
        In [0, 1]; 0 where both boxes are empty. Float32 for half precision.

    Raises
    ------
    ValueError
        When the last axis does not have 4 entries.

    Notes
    -----
    The gradient is that of the formula; it is zero for disjoint boxes and finite for empty ones.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> box_iou(jnp.array([0.0, 0, 2, 2]), jnp.array([0.0, 1, 2, 3])).round(4)
    Array(0.3333, dtype=float32)
    """
    return _overlap(*_check_boxes(first=first, second=second))[0]


def generalized_iou(first: ArrayLike, second: ArrayLike) -> jax.Array:
    r"""Compute the generalized intersection over union, which also measures how far disjoint boxes are apart.

    .. math:: \mathrm{IoU}(A, B) - \frac{|C \setminus (A \cup B)|}{|C|}

    where C is the smallest box around both.

    Parameters
    ----------
    first, second : arrays (..., 4)
        First row, first column, last row, last column; of shapes that broadcast.

    Returns
    -------
    array (...)
        In [−1, 1]. Float32 for half precision.

    Raises
    ------
    ValueError
        When the last axis does not have 4 entries.

    Notes
    -----
    The gradient draws disjoint boxes together. Source: H. Rezatofighi et al., *Generalized intersection over union*,
    CVPR 2019.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> generalized_iou(jnp.array([0.0, 0, 1, 1]), jnp.array([0.0, 3, 1, 4]))
    Array(-0.5, dtype=float32)
    """
    one, other = _check_boxes(first=first, second=second)
    iou, union = _overlap(one, other)
    low, high = jnp.minimum(one[..., :2], other[..., :2]), jnp.maximum(one[..., 2:], other[..., 2:])
    hull = _area(jnp.concatenate([low, high], axis=-1))
    return iou - _divide(hull - union, hull)


def non_max_suppression(
    boxes: ArrayLike, scores: ArrayLike, labels: ArrayLike | None = None, *, threshold: float = 0.6
) -> jax.Array:
    """Choose the boxes to keep: from the best score down, each that overlaps no kept box of its label too much.

    Parameters
    ----------
    boxes : array (N, 4)
        First row, first column, last row, last column.
    scores : array (N,)
        Of equal scores the first comes first.
    labels : array (N,), optional
        Boxes of different labels do not suppress each other. By default all have the same.
    threshold : float
        The largest intersection over union that two kept boxes may have, in [0, 1]. Default 0.6.

    Returns
    -------
    array (N,) of bool
        True for the boxes that are kept.

    Raises
    ------
    ValueError
        When the shapes do not fit, or `threshold` is outside [0, 1].

    Notes
    -----
    N steps on N boxes, with static shapes; use `jax.vmap` for batches. There is no gradient: the result is boolean.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> boxes = jnp.array([[0.0, 0, 4, 4], [0, 0, 4, 5], [8, 8, 9, 9]])
    >>> non_max_suppression(boxes, jnp.array([0.7, 0.9, 0.1])).tolist()
    [False, True, True]
    """
    check.rank("boxes", boxes, 2, "pass one box a row; use jax.vmap for batches")
    if not 0 <= threshold <= 1:
        raise ValueError(f"`threshold` must lie in [0, 1], got {threshold}; it is a ratio of areas")
    boxes, scores = jnp.asarray(boxes), jnp.asarray(scores)
    labels = None if labels is None else jnp.asarray(labels)
    count = len(boxes)
    for name, array in (("scores", scores), ("labels", labels)):
        if array is not None and array.shape != (count,):
            raise ValueError(f"`{name}` must have shape ({count},), one for each box, got {array.shape}")
    if not count:
        return jnp.zeros(0, bool)
    order = jnp.argsort(-scores, stable=True)
    ranked = boxes[order]
    rivals = box_iou(ranked[:, None], ranked[None]) > threshold
    if labels is not None:
        rivals &= labels[order][:, None] == labels[order][None]
    later = jnp.arange(count)

    def suppress(i: jax.Array, kept: jax.Array) -> jax.Array:
        return jnp.where(kept[i] & rivals[i] & (later > i), False, kept)

    kept = lax.fori_loop(0, count, suppress, jnp.ones(count, bool))
    return jnp.zeros(count, bool).at[order].set(kept)


def _check_boxes(**arrays: ArrayLike) -> list[jax.Array]:
    """Return the arrays of boxes in one dtype, float32 for half precision, and of one rank."""
    boxes = []
    for name, value in arrays.items():
        array = jnp.asarray(value)
        if not array.ndim or array.shape[-1] != 4:
            raise ValueError(f"`{name}` must have shape (..., 4), got {array.shape}; corners stand on the last axis")
        boxes.append(array)
    dtype = _dtypes.widen_dtype(_dtypes.promote(*(array.dtype for array in boxes)))
    ndim = max(array.ndim for array in boxes)
    return [_layer.align(array, ndim).astype(dtype) for array in boxes]


def _area(boxes: jax.Array) -> jax.Array:
    sides = jnp.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def _overlap(first: jax.Array, second: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the intersection over union, and the union."""
    corners = jnp.maximum(first[..., :2], second[..., :2]), jnp.minimum(first[..., 2:], second[..., 2:])
    shared = _area(jnp.concatenate(corners, axis=-1))
    union = _area(first) + _area(second) - shared
    return _divide(shared, union), union


def _divide(part: jax.Array, whole: jax.Array) -> jax.Array:
    """Divide, with 0 for 0 / 0 and a finite gradient there."""
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1), 0)
