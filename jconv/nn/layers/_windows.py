"""Reduction of sliding windows, channels last, with any number of leading axes.

Windows are boxes, so they are reduced axis by axis: k₁ + k₂ shifted slices instead of k₁ k₂, each a pass that XLA
fuses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import jax
import jax.numpy as jnp
from jax import lax

from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad

_UNROLLED = 32
"""Taps along an axis up to which the slices are written out; more are scanned, which compiles as fast as one."""

_WORDS = ("SAME", "SAME_LOWER", "VALID")


def pool_windows(
    inputs: jax.Array,
    empty: float | bool,
    combine: Callable[[jax.Array, jax.Array], jax.Array],
    window_shape: Sequence[int],
    strides: _layer.Sizes | None,
    padding: pad.Padding,
    dilation: _layer.Sizes,
) -> jax.Array:
    """Combine the samples of every window with `combine`, whose neutral element is `empty`."""
    taps = _layer.each_axis("window_shape", window_shape)
    rank = len(taps)
    _layer.check_rank(inputs, rank)
    axes = pad.axes(taps, _layer.sizes("strides", strides, rank), _layer.sizes("dilation", dilation, rank))
    first = inputs.ndim - rank - 1
    space = inputs.shape[first:-1]
    entries = pad.canonicalize(padding, rank, _WORDS)
    widths = [pad.width(entry, size, axis) for entry, size, axis in zip(entries, space, axes)]
    _layer.check_reach(space, widths, axes)
    # The last axis first: rows then meet whole runs, and the first winner is the first in row-major order.
    for i in reversed(range(rank)):
        inputs = _pool_axis(inputs, first + i, axes[i], widths[i], empty, combine)
    return inputs


def _pool_axis(
    x: jax.Array, axis: int, geometry: pad.Axis, width: pad.Pair, empty: float | bool, combine: Callable
) -> jax.Array:
    """Apply `combine` to the taps of one axis."""
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

    def tap(u: jax.Array | int) -> jax.Array:
        return lax.slice_in_dim(lax.dynamic_slice_in_dim(x, u * d, span, axis), 0, span, s, axis)

    return lax.scan(lambda total, u: (combine(total, tap(u)), None), tap(0), jnp.arange(1, k))[0]
