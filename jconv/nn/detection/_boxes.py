"""Boxes: how much they overlap, and which of many overlapping ones to keep.

A box is (first row, first column, last row, last column): the corners of a rectangle in pixels, where pixel i reaches
from i to i + 1.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core import check


def box_area(boxes: jax.Array) -> jax.Array:
    """Areas (...) of boxes (..., 4); zero for a box whose corners are the wrong way round."""
    sides = jnp.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return sides[..., 0] * sides[..., 1]


def box_iou(first: jax.Array, second: jax.Array) -> jax.Array:
    r"""Intersection over union of boxes, :math:`|A \cap B| / |A \cup B|`.

    Parameters
    ----------
    first, second : arrays (..., 4)
        Of shapes that broadcast; ``box_iou(a[:, None], b)`` compares all with all.

    Returns
    -------
    array (...) in [0, 1]; 0 where both boxes are empty.

    Raises
    ------
    ValueError
        When the last axis is not of 4 numbers.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> box_iou(jnp.array([0.0, 0, 2, 2]), jnp.array([0.0, 1, 2, 3])).round(4)
    Array(0.3333, dtype=float32)
    """
    return _overlap(*_boxes(first, second))[0]


def generalized_iou(first: jax.Array, second: jax.Array) -> jax.Array:
    r"""Generalized intersection over union, which also tells how far disjoint boxes are apart.

    .. math:: \mathrm{IoU}(A, B) - \frac{|C \setminus (A \cup B)|}{|C|}

    where C is the smallest box around both. Its gradient leads disjoint boxes together.
    H. Rezatofighi et al., Generalized Intersection over Union, CVPR 2019.

    Parameters
    ----------
    first, second : arrays (..., 4)
        Of shapes that broadcast.

    Returns
    -------
    array (...) in [-1, 1]

    Raises
    ------
    ValueError
        When the last axis is not of 4 numbers.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> generalized_iou(jnp.array([0.0, 0, 1, 1]), jnp.array([0.0, 3, 1, 4]))
    Array(-0.5, dtype=float32)
    """
    first, second = _boxes(first, second)
    iou, union = _overlap(first, second)
    low, high = jnp.minimum(first[..., :2], second[..., :2]), jnp.maximum(first[..., 2:], second[..., 2:])
    hull = box_area(jnp.concatenate([low, high], axis=-1))
    return iou - _ratio(hull - union, hull)


def non_max_suppression(
    boxes: jax.Array, scores: jax.Array, labels: jax.Array | None = None, *, threshold: float = 0.6
) -> jax.Array:
    """Which boxes to keep: from the best score down, each that overlaps no kept box of its label by more than a limit.

    Parameters
    ----------
    boxes : array (N, 4)
    scores : array (N,)
        Of equal scores the first comes first.
    labels : array (N,), optional
        Boxes of different labels do not suppress each other.
    threshold : float
        The largest intersection over union that two kept boxes may have.

    Returns
    -------
    array (N,) of bool

    Raises
    ------
    ValueError
        When the shapes do not fit.

    Notes
    -----
    N steps on N boxes, with static shapes; use `jax.vmap` for batches. No gradient: the result is boolean.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> boxes = jnp.array([[0.0, 0, 4, 4], [0, 0, 4, 5], [8, 8, 9, 9]])
    >>> non_max_suppression(boxes, jnp.array([0.7, 0.9, 0.1])).tolist()
    [False, True, True]
    """
    check.rank("boxes", boxes, 2, "pass one box a row; use jax.vmap for batches")
    count = len(boxes)
    for name, array in (("scores", scores), ("labels", labels)):
        if array is not None and array.shape != (count,):
            raise ValueError(f"`{name}` must have shape ({count},), one for each box, got {array.shape}")
    if not count:
        return jnp.zeros(0, bool)
    order = jnp.argsort(-scores, stable=True)
    ranked = boxes[order]
    rivals = box_iou(ranked[:, None], ranked) > threshold
    if labels is not None:
        rivals &= labels[order][:, None] == labels[order]
    later = jnp.arange(count)

    def suppress(i, kept):
        return jnp.where(kept[i] & rivals[i] & (later > i), False, kept)

    kept = lax.fori_loop(0, count, suppress, jnp.ones(count, bool))
    return jnp.zeros(count, bool).at[order].set(kept)


def _boxes(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    for name, array in zip(("first", "second"), arrays):
        if not array.ndim or array.shape[-1] != 4:
            raise ValueError(f"`{name}` must have shape (..., 4), got {array.shape}; corners stand on the last axis")
    return arrays


def _overlap(first: jax.Array, second: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Intersection over union, and the union."""
    corners = jnp.maximum(first[..., :2], second[..., :2]), jnp.minimum(first[..., 2:], second[..., 2:])
    shared = box_area(jnp.concatenate(corners, axis=-1))
    union = box_area(first) + box_area(second) - shared
    return _ratio(shared, union), union


def _ratio(part: jax.Array, whole: jax.Array) -> jax.Array:
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1), 0)
