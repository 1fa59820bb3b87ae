"""Pooling to a stated size, and over everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jconv._core import check
from jconv.nn.layers import _dtypes, _layer

Reduction = Callable[[jax.Array, jax.Array, int], jax.Array]
"""(bins, which of their samples count, the axis of samples) -> bins reduced along that axis."""


def adaptive_avg_pool(inputs: ArrayLike, output_shape: Sequence[int | None]) -> jax.Array:
    r"""Average over bins whose number is given, as PyTorch's `adaptive_avg_pool`.

    .. math:: y[i] = \text{mean}\; x[\lfloor i n / m \rfloor \ldots \lceil (i + 1) n / m \rceil - 1]

    for n samples and m bins, along each axis.

    Parameters
    ----------
    inputs : array (…, *space, C)
        Integers count as floats.
    output_shape : sequence of int or None
        Bins along each spatial axis; None leaves an axis as it is.

    Returns
    -------
    array (…, *output_shape, C)

    Raises
    ------
    ValueError, TypeError
        When ranks do not fit, an axis is empty, or a number is below 1.

    Notes
    -----
    Where m does not divide n, neighbouring bins may overlap by a sample. Half precision is summed in float32. The
    gradient shares the cotangent among the samples of the bin.

    Examples
    --------
    >>> adaptive_avg_pool(jnp.arange(5.0).reshape(1, 5, 1), (2,))[0, :, 0]
    Array([1., 3.], dtype=float...)
    """
    inputs = _dtypes.to_floating(jnp.asarray(inputs))

    def mean(bins: jax.Array, inside: jax.Array, axis: int) -> jax.Array:
        return jnp.where(inside, bins, 0).sum(axis) / inside.sum(axis).astype(bins.dtype)

    return _pool(_dtypes.widen(inputs), output_shape, mean).astype(inputs.dtype)


def adaptive_max_pool(inputs: ArrayLike, output_shape: Sequence[int | None]) -> jax.Array:
    r"""Take the maxima of bins whose number is given, as PyTorch's `adaptive_max_pool`.

    .. math:: y[i] = \max\; x[\lfloor i n / m \rfloor \ldots \lceil (i + 1) n / m \rceil - 1]

    Parameters
    ----------
    inputs : array (…, *space, C)
        Of any real dtype.
    output_shape : sequence of int or None
        Bins along each spatial axis; None leaves an axis as it is.

    Returns
    -------
    array (…, *output_shape, C)

    Raises
    ------
    ValueError, TypeError
        As `adaptive_avg_pool`.

    Notes
    -----
    The gradient goes to the first largest sample of the bin in row-major order.

    Examples
    --------
    >>> adaptive_max_pool(jnp.arange(5.0).reshape(1, 5, 1), (2,))[0, :, 0]
    Array([2., 4.], dtype=float...)
    """
    inputs = jnp.asarray(inputs)
    floating = jnp.issubdtype(inputs.dtype, jnp.inexact)
    lowest = -jnp.inf if floating else jnp.iinfo(inputs.dtype).min

    def largest(bins: jax.Array, inside: jax.Array, axis: int) -> jax.Array:
        # argmax takes the first of equals; the gradient follows the sample that is taken.
        winner = jnp.argmax(jnp.where(inside, bins, lowest), axis, keepdims=True)
        return jnp.take_along_axis(bins, winner, axis).squeeze(axis)

    return _pool(inputs, output_shape, largest)


def global_avg_pool(inputs: ArrayLike, *, rank: int = 2, keepdims: bool = False) -> jax.Array:
    r"""Average over all samples of the spatial axes.

    .. math:: y = \text{mean}_n\; x[n]

    Parameters
    ----------
    inputs : array (…, *space, C)
        Integers count as floats.
    rank : int
        Spatial axes. Default 2.
    keepdims : bool
        Whether the spatial axes stay, with length 1. Default False.

    Returns
    -------
    array (…, C), or with `keepdims` (…, 1, …, 1, C)

    Raises
    ------
    ValueError
        When `inputs` has too few axes.

    Notes
    -----
    Half precision is summed in float32. The gradient shares the cotangent among all samples.

    Examples
    --------
    >>> global_avg_pool(jnp.ones((2, 8, 8, 3))).shape
    (2, 3)
    """
    inputs = _dtypes.to_floating(jnp.asarray(inputs))
    return jnp.mean(inputs, _spatial_axes(inputs, rank), keepdims=keepdims)


def global_max_pool(inputs: ArrayLike, *, rank: int = 2, keepdims: bool = False) -> jax.Array:
    r"""Take the maximum over all samples of the spatial axes.

    .. math:: y = \max_n\; x[n]

    Parameters
    ----------
    inputs : array (…, *space, C)
        Of any real dtype.
    rank : int
        Spatial axes. Default 2.
    keepdims : bool
        Whether the spatial axes stay, with length 1. Default False.

    Returns
    -------
    array (…, C), or with `keepdims` (…, 1, …, 1, C)

    Raises
    ------
    ValueError
        When `inputs` has too few axes.

    Notes
    -----
    The gradient is shared by the samples that are largest.

    Examples
    --------
    >>> global_max_pool(jnp.ones((2, 8, 8, 3))).shape
    (2, 3)
    """
    inputs = jnp.asarray(inputs)
    return jnp.max(inputs, _spatial_axes(inputs, rank), keepdims=keepdims)


def _spatial_axes(inputs: jax.Array, rank: int) -> tuple[int, ...]:
    rank = check.positive_int("rank", rank)
    _layer.check_rank(inputs, rank)
    return tuple(range(-rank - 1, -1))


def _pool(inputs: jax.Array, output_shape: Sequence[int | None], reduce: Reduction) -> jax.Array:
    """Reduce the bins of each axis in turn."""
    if hasattr(output_shape, "__index__"):
        raise TypeError(
            f"`output_shape` must hold one number for each axis, got {output_shape!r}; pass ({output_shape},) for one"
        )
    counts = [None if m is None else check.positive_int("output_shape", m) for m in output_shape]
    rank = len(counts)
    _layer.check_rank(inputs, rank)
    first = inputs.ndim - rank - 1
    if 0 in inputs.shape[first:-1]:
        raise ValueError(f"`inputs` must have at least one sample along each axis, got shape {inputs.shape}")
    for i, count in reversed(list(enumerate(counts))):
        if count is not None:
            inputs = _reduce_bins(inputs, first + i, count, reduce)
    return inputs


def _reduce_bins(x: jax.Array, axis: int, count: int, reduce: Reduction) -> jax.Array:
    """Cut an axis into bins of equal length, the shorter ones masked, and reduce each."""
    n = x.shape[axis]
    start = np.arange(count) * n // count
    stop = -(-np.arange(1, count + 1) * n // count)
    longest = int((stop - start).max())
    if (stop - start == longest).all() and longest * count == n:
        bins, inside = x.reshape(*x.shape[:axis], count, longest, *x.shape[axis + 1 :]), np.ones((count, longest), bool)
    else:
        index = start[:, None] + np.arange(longest)
        inside = index < stop[:, None]
        bins = jnp.take(x, np.minimum(index, n - 1), axis=axis)
    shape = [1] * bins.ndim
    shape[axis : axis + 2] = inside.shape
    return reduce(bins, jnp.asarray(inside).reshape(shape), axis + 1)
