"""Pooling: the maximum, minimum, mean or norm of a window, channels last, with any number of leading axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike

from jconv.nn.layers import _dtypes, _layer
from jconv.nn.layers import _padding as pad
from jconv.nn.layers._windows import pool_windows


def max_pool(
    inputs: ArrayLike,
    window_shape: Sequence[int],
    strides: _layer.Sizes | None = None,
    padding: pad.Padding = "VALID",
    *,
    dilation: _layer.Sizes = 1,
) -> jax.Array:
    r"""Take the maximum of every window, as `flax.nnx.max_pool`.

    .. math:: y[n] = \max_u x[s\, n + d\, u - p]

    Parameters
    ----------
    inputs : array (…, *space, C)
        Of any real dtype.
    window_shape : sequence of int
        Taps along each spatial axis.
    strides : int or sequence of int, optional
        s. Default 1, as in Flax.
    padding : "VALID", "SAME", "SAME_LOWER", an int, or for each axis one of them or a pair (before, after)
        The padding never wins. Default "VALID".
    dilation : int or sequence of int
        d, the distance of neighbouring taps. Default 1.

    Returns
    -------
    array (…, *out, C)

    Raises
    ------
    ValueError, TypeError
        When ranks or options do not fit, or the window reaches over the padded input.

    Notes
    -----
    The gradient goes to the first largest sample, in row-major order, as in PyTorch; Flax's may go to another one where
    windows overlap. NaN wins, as in both.

    Examples
    --------
    >>> max_pool(jnp.arange(6.0).reshape(1, 6, 1), (2,), strides=(2,))[0, :, 0]
    Array([1., 3., 5.], dtype=float...)
    """
    inputs = jnp.asarray(inputs)
    return pool_windows(inputs, _lowest(inputs.dtype), _larger, window_shape, strides, padding, dilation)


def min_pool(
    inputs: ArrayLike,
    window_shape: Sequence[int],
    strides: _layer.Sizes | None = None,
    padding: pad.Padding = "VALID",
    *,
    dilation: _layer.Sizes = 1,
) -> jax.Array:
    r"""Take the minimum of every window, as `flax.nnx.min_pool`.

    .. math:: y[n] = \min_u x[s\, n + d\, u - p]

    Parameters
    ----------
    inputs, window_shape, strides, padding, dilation
        As in `max_pool`.

    Returns
    -------
    array (…, *out, C)

    Raises
    ------
    ValueError, TypeError
        As `max_pool`.

    Notes
    -----
    The gradient goes to the first smallest sample, in row-major order. NaN wins.

    Examples
    --------
    >>> min_pool(jnp.arange(6.0).reshape(1, 6, 1), (2,), strides=(2,))[0, :, 0]
    Array([0., 2., 4.], dtype=float...)
    """
    inputs = jnp.asarray(inputs)
    return pool_windows(inputs, _highest(inputs.dtype), _smaller, window_shape, strides, padding, dilation)


def avg_pool(
    inputs: ArrayLike,
    window_shape: Sequence[int],
    strides: _layer.Sizes | None = None,
    padding: pad.Padding = "VALID",
    count_include_pad: bool = True,
    *,
    dilation: _layer.Sizes = 1,
) -> jax.Array:
    r"""Average every window, as `flax.nnx.avg_pool`.

    .. math:: y[n] = \frac{1}{\prod k} \sum_u x[s\, n + d\, u - p]

    Parameters
    ----------
    inputs, window_shape, strides, padding
        As in `max_pool`; integers count as floats.
    count_include_pad : bool
        Whether padded zeros count; else the sum is divided by the number of samples in the window, and a window without
        any is 0. Default True.
    dilation : int or sequence of int
        As in `max_pool`.

    Returns
    -------
    array (…, *out, C)

    Raises
    ------
    ValueError, TypeError
        As `max_pool`.

    Notes
    -----
    Half precision is summed in float32. The gradient shares the cotangent among the window.

    Examples
    --------
    >>> avg_pool(jnp.arange(4.0).reshape(1, 4, 1), (3,), padding="SAME", count_include_pad=False)[0, :, 0]
    Array([0.5, 1. , 2. , 2.5], dtype=float...)
    """
    inputs = _dtypes.to_floating(jnp.asarray(inputs))
    work = _dtypes.widen(inputs)
    total = pool_windows(work, 0, jnp.add, window_shape, strides, padding, dilation)
    if count_include_pad:
        return (total / math.prod(window_shape)).astype(inputs.dtype)
    ones = jnp.ones((*inputs.shape[-len(window_shape) - 1 : -1], 1), work.dtype)
    count = jnp.maximum(pool_windows(ones, 0, jnp.add, window_shape, strides, padding, dilation), 1)
    return (total / _layer.align(count, total.ndim)).astype(inputs.dtype)


def lp_pool(
    inputs: ArrayLike,
    window_shape: Sequence[int],
    strides: _layer.Sizes | None = None,
    padding: pad.Padding = "VALID",
    *,
    norm: float = 2,
    dilation: _layer.Sizes = 1,
) -> jax.Array:
    r"""Take the norm of every window; L2 pooling by default.

    .. math:: y[n] = \Bigl( \sum_u |x[s\, n + d\, u - p]|^q \Bigr)^{1 / q}

    Parameters
    ----------
    inputs, window_shape, strides, padding
        As in `max_pool`; integers count as floats.
    norm : float
        q, at least 1. Default 2.
    dilation : int or sequence of int
        As in `max_pool`.

    Returns
    -------
    array (…, *out, C)

    Raises
    ------
    ValueError, TypeError
        As `max_pool`; where `norm` is below 1.

    Notes
    -----
    Half precision is raised to the power and summed in float32. The gradient of a window of zeros is zero. PyTorch's
    `lp_pool` takes x^q for |x|^q, and its gradient there is NaN.

    Examples
    --------
    >>> lp_pool(jnp.array([3.0, 4.0, 0.0, 0.0]).reshape(1, 4, 1), (2,), strides=2)[0, :, 0]
    Array([5., 0.], dtype=float...)
    """
    if not norm >= 1:
        raise ValueError(f"`norm` must be at least 1, got {norm}; 2 is the Euclidean one")
    inputs = _dtypes.to_floating(jnp.asarray(inputs))
    work = _dtypes.widen(inputs)
    powers = work * work if norm == 2 else jnp.abs(work) ** norm
    total = pool_windows(powers, 0, jnp.add, window_shape, strides, padding, dilation)
    positive = total > 0  # the root's slope at zero is infinite
    return jnp.where(positive, jnp.where(positive, total, 1) ** (1 / norm), 0).astype(inputs.dtype)


def _larger(best: jax.Array, new: jax.Array) -> jax.Array:
    """Return the larger or NaN, and `best` where they are equal: so the first winner has the gradient."""
    return jnp.where((new > best) | (new != new), new, best)


def _smaller(best: jax.Array, new: jax.Array) -> jax.Array:
    return jnp.where((new < best) | (new != new), new, best)


def _lowest(dtype: DTypeLike) -> float | bool:
    return -jnp.inf if jnp.issubdtype(dtype, jnp.inexact) else False if dtype == jnp.bool_ else jnp.iinfo(dtype).min


def _highest(dtype: DTypeLike) -> float | bool:
    return jnp.inf if jnp.issubdtype(dtype, jnp.inexact) else True if dtype == jnp.bool_ else jnp.iinfo(dtype).max
