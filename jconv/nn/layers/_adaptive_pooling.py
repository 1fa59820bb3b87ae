"""Pooling to a stated size, and over everything."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.nn.layers import _layer


def adaptive_avg_pool(inputs, output_shape: Sequence[int | None]) -> jax.Array:
    r"""The means of as many bins as the result has samples, as PyTorch's `adaptive_avg_pool`.

    .. math:: y[i] = \text{mean}\; x[\lfloor i n / m \rfloor \ldots \lceil (i + 1) n / m \rceil - 1]

    for n samples and m bins, along each axis.

    Parameters
    ----------
    inputs : array (…, *space, C)
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
    Where n is no multiple of m neighbouring bins may overlap by a sample. The gradient shares the cotangent among the
    bin.

    Examples
    --------
    >>> adaptive_avg_pool(jnp.arange(5.0).reshape(1, 5, 1), (2,))[0, :, 0]
    Array([1., 3.], dtype=float...)
    """
    inputs = _layer.floating(jnp.asarray(inputs))

    def mean(bins, inside, axis):
        return jnp.where(inside, bins, 0).sum(axis) / inside.sum(axis).astype(bins.dtype)

    return _adaptive(inputs, output_shape, mean)


def adaptive_max_pool(inputs, output_shape: Sequence[int | None]) -> jax.Array:
    """The maxima of as many bins as the result has samples, as PyTorch's `adaptive_max_pool`.

    Parameters, returns and errors as in `adaptive_avg_pool`; the gradient goes to the first largest sample of the bin
    in row-major order.

    Examples
    --------
    >>> adaptive_max_pool(jnp.arange(5.0).reshape(1, 5, 1), (2,))[0, :, 0]
    Array([2., 4.], dtype=float...)
    """
    inputs = jnp.asarray(inputs)
    floating = jnp.issubdtype(inputs.dtype, jnp.inexact)
    lowest = -jnp.inf if floating else jnp.iinfo(inputs.dtype).min

    def largest(bins, inside, axis):
        # argmax takes the first of equals; the gradient follows the sample that is taken.
        winner = jnp.argmax(jnp.where(inside, bins, lowest), axis, keepdims=True)
        return jnp.take_along_axis(bins, winner, axis).squeeze(axis)

    return _adaptive(inputs, output_shape, largest)


def global_avg_pool(inputs, *, rank: int = 2, keepdims: bool = False) -> jax.Array:
    """The mean over `rank` spatial axes of (…, *space, C): shape (…, C), or with `keepdims` (…, 1, …, 1, C).

    A ValueError where `inputs` has too few axes. The gradient shares the cotangent among all samples.

    Examples
    --------
    >>> global_avg_pool(jnp.ones((2, 8, 8, 3))).shape
    (2, 3)
    """
    return jnp.mean(jnp.asarray(inputs), _axes(inputs, rank), keepdims=keepdims)


def global_max_pool(inputs, *, rank: int = 2, keepdims: bool = False) -> jax.Array:
    """The maximum over `rank` spatial axes of (…, *space, C): shape (…, C), or with `keepdims` (…, 1, …, 1, C).

    A ValueError where `inputs` has too few axes. The gradient is shared by the samples that are largest.

    Examples
    --------
    >>> global_max_pool(jnp.ones((2, 8, 8, 3))).shape
    (2, 3)
    """
    return jnp.max(jnp.asarray(inputs), _axes(inputs, rank), keepdims=keepdims)


def _axes(inputs, rank: int) -> tuple[int, ...]:
    rank = check.positive_int("rank", rank)
    _layer.check_rank(jnp.asarray(inputs), rank)
    return tuple(range(-rank - 1, -1))


def _adaptive(inputs, output_shape, reduce):
    if hasattr(output_shape, "__index__"):
        raise TypeError(
            f"`output_shape` must hold one number for each axis, got {output_shape!r}; pass ({output_shape},) for one"
        )
    wanted = [None if m is None else check.positive_int("output_shape", m) for m in output_shape]
    rank = len(wanted)
    _layer.check_rank(inputs, rank)
    first = inputs.ndim - rank - 1
    if 0 in inputs.shape[first:-1]:
        raise ValueError(f"`inputs` must have at least one sample along each axis, got shape {inputs.shape}")
    for i, count in reversed(list(enumerate(wanted))):
        if count is not None:
            inputs = _binned(inputs, first + i, count, reduce)
    return inputs


def _binned(x, axis: int, count: int, reduce):
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
