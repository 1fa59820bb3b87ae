"""Pooling: the maximum, minimum, mean or norm of a window, channels last, with any number of leading axes.

Windows are boxes, so they are pooled axis by axis: k₁ + k₂ shifted slices instead of k₁ k₂, each a pass that XLA fuses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce

import jax.numpy as jnp
from jax import lax

from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad

_UNROLLED = 32
"""Taps along an axis up to which the slices are written out; more are scanned, which compiles as fast as one."""

_WORDS = ("SAME", "SAME_LOWER", "VALID")


def max_pool(inputs, window_shape: Sequence[int], strides=None, padding: pad.Padding = "VALID", *, dilation=1):
    """The maximum of every window, as `flax.nnx.max_pool`.

    .. math:: y[n] = \\max_u x[s\\, n + d\\, u - p]

    Parameters
    ----------
    inputs : array (…, *space, C)
    window_shape : sequence of int
        Taps along each spatial axis.
    strides : int or sequence of int, optional
        Default 1, as in Flax.
    padding : "VALID", "SAME", "SAME_LOWER", an int, or for each axis one of them or a pair (before, after)
        The padding never wins.
    dilation : int or sequence of int
        Distance of neighbouring taps.

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
    return _pool(inputs, _lowest(inputs.dtype), _larger, window_shape, strides, padding, dilation)


def min_pool(inputs, window_shape: Sequence[int], strides=None, padding: pad.Padding = "VALID", *, dilation=1):
    """The minimum of every window, as `flax.nnx.min_pool`; everything else as in `max_pool`.

    Examples
    --------
    >>> min_pool(jnp.arange(6.0).reshape(1, 6, 1), (2,), strides=(2,))[0, :, 0]
    Array([0., 2., 4.], dtype=float...)
    """
    inputs = jnp.asarray(inputs)
    return _pool(inputs, _highest(inputs.dtype), _smaller, window_shape, strides, padding, dilation)


def avg_pool(
    inputs,
    window_shape: Sequence[int],
    strides=None,
    padding: pad.Padding = "VALID",
    count_include_pad: bool = True,
    *,
    dilation=1,
):
    """The mean of every window, as `flax.nnx.avg_pool`.

    .. math:: y[n] = \\frac{1}{\\prod k} \\sum_u x[s\\, n + d\\, u - p]

    Parameters, returns and errors as in `max_pool`; with `count_include_pad=False` the sum is divided by the number of
    samples that are no padding. The gradient shares the cotangent among the window.

    Examples
    --------
    >>> avg_pool(jnp.arange(4.0).reshape(1, 4, 1), (3,), padding="SAME", count_include_pad=False)[0, :, 0]
    Array([0.5, 1. , 2. , 2.5], dtype=float...)
    """
    inputs = _layer.floating(jnp.asarray(inputs))
    total = _pool(inputs, 0, jnp.add, window_shape, strides, padding, dilation)
    if count_include_pad:
        return total / math.prod(window_shape)
    ones = jnp.ones((*inputs.shape[-len(window_shape) - 1 : -1], 1), inputs.dtype)
    return total / _pool(ones, 0, jnp.add, window_shape, strides, padding, dilation)


def lp_pool(
    inputs, window_shape: Sequence[int], strides=None, padding: pad.Padding = "VALID", *, norm: float = 2, dilation=1
):
    """The norm of every window; L2 pooling by default.

    .. math:: y[n] = \\Bigl( \\sum_u |x[s\\, n + d\\, u - p]|^q \\Bigr)^{1 / q}

    Parameters, returns and errors as in `max_pool`; `norm` is q, at least 1. The gradient of a window of zeros is zero.
    PyTorch's `lp_pool` takes x^q for |x|^q, and its gradient there is NaN.

    Examples
    --------
    >>> lp_pool(jnp.array([3.0, 4.0, 0.0, 0.0]).reshape(1, 4, 1), (2,), strides=2)[0, :, 0]
    Array([5., 0.], dtype=float...)
    """
    if not norm >= 1:
        raise ValueError(f"`norm` must be at least 1, got {norm}; 2 is the Euclidean one")
    inputs = jnp.asarray(inputs)
    powers = inputs * inputs if norm == 2 else jnp.abs(inputs) ** norm
    total = _pool(powers, 0, jnp.add, window_shape, strides, padding, dilation)
    positive = total > 0  # the root's slope at zero is infinite
    return jnp.where(positive, jnp.where(positive, total, 1) ** (1 / norm), 0)


def _pool(inputs, empty, combine, window_shape, strides, padding, dilation):
    taps = _layer.each_axis("window_shape", window_shape)
    rank = len(taps)
    _layer.check_rank(inputs, rank)
    axes = pad.axes(taps, _layer.sizes("strides", strides, rank), _layer.sizes("dilation", dilation, rank))
    first = inputs.ndim - rank - 1
    space = inputs.shape[first:-1]
    widths = [pad.width(entry, size, axis)
              for entry, size, axis in zip(pad.canonical(padding, rank, _WORDS), space, axes)]  # fmt: skip
    _layer.check_reach(space, widths, axes)
    # The last axis first: rows then meet whole runs, and the first winner is the first in row-major order.
    for i in reversed(range(rank)):
        inputs = _along(inputs, first + i, axes[i], widths[i], empty, combine)
    return inputs


def _along(x, axis: int, geometry: pad.Axis, width: pad.Pair, empty, combine: Callable):
    """`combine` over the taps of one axis."""
    k, s, d, _ = geometry
    if k == 1 and s == 1 and width == (0, 0):
        return x
    pairs = [(0, 0, 0)] * x.ndim
    pairs[axis] = (*width, 0)
    x = lax.pad(x, jnp.asarray(empty, x.dtype), pairs)
    count = (x.shape[axis] - geometry.reach) // s + 1
    span = (count - 1) * s + 1
    if k <= _UNROLLED:
        return reduce(combine, (lax.slice_in_dim(x, u * d, u * d + span, s, axis) for u in range(k)))

    def tap(u):
        return lax.slice_in_dim(lax.dynamic_slice_in_dim(x, u * d, span, axis), 0, span, s, axis)

    return lax.scan(lambda total, u: (combine(total, tap(u)), None), tap(0), jnp.arange(1, k))[0]


def _larger(best, new):
    """The larger, `best` where they are equal, and NaN where there is one: so the first winner has the gradient."""
    return jnp.where((new > best) | (new != new), new, best)


def _smaller(best, new):
    return jnp.where((new < best) | (new != new), new, best)


def _lowest(dtype):
    return -jnp.inf if jnp.issubdtype(dtype, jnp.inexact) else False if dtype == jnp.bool_ else jnp.iinfo(dtype).min


def _highest(dtype):
    return jnp.inf if jnp.issubdtype(dtype, jnp.inexact) else True if dtype == jnp.bool_ else jnp.iinfo(dtype).max
