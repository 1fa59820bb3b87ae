"""FFT convolution of signals that leave little room in memory: one stretch of the output after another.

A stretch of T samples of x * h needs T + k - 1 samples of x. They are cut out, convolved, and written into the
result in place, so that only the work of one stretch is alive besides input and result.
"""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jconv.signal.convolution._by_fft import convolve_by_fft
from jconv.signal.convolution._extent import Span

_COPIES = 8
"""Copies of a stretch that are alive at once: cut, padded, two spectra, their product, its inverse, the sum, the
result. An estimate, which the peak memory of a run of 1e9 samples confirmed (`docs/signal.md`)."""


def convolve_within_budget(
    x: jax.Array, h: jax.Array, *, axes: tuple[int, ...], spans: tuple[Span, ...], blocks: bool, budget: int
) -> jax.Array:
    """`convolve_by_fft` with at most `budget` bytes besides operands and result.

    Raises a ValueError where not even the kernel's own length fits.
    """
    longest = max(range(len(axes)), key=lambda i: max(x.shape[axes[i]], h.shape[axes[i]]))
    axis = axes[longest]
    if x.shape[axis] < h.shape[axis]:
        x, h = h, x
    n, k, length = x.shape[axis], h.shape[axis], spans[longest][1]
    rest = math.prod(max(a, b) for i, (a, b) in enumerate(zip(x.shape, h.shape, strict=True)) if i != axis)
    others = math.prod(
        (x.shape[a] + h.shape[a]) / max(x.shape[a], h.shape[a]) for i, a in enumerate(axes) if i != longest
    )
    row = int(_COPIES * rest * others * x.dtype.itemsize)
    if row * (n + k) <= budget:
        return convolve_by_fft(x, h, axes=axes, spans=spans, blocks=blocks)
    stretch = budget // row - (k - 1)
    if stretch < min(k, length):
        raise ValueError(
            f"`memory_budget` of {budget} bytes is too small for a kernel of {k} samples along axis {axis}; "
            f"give at least {2 * k * row}"
        )
    if not blocks:
        stretch = 1 << (stretch.bit_length() - 1)
    stretch = min(stretch, length, n - k + 1)
    return _stretches(x, h, axes, spans, longest, stretch, blocks)


@partial(jax.jit, static_argnums=(2, 3, 4, 5, 6))
def _stretches(
    x: jax.Array, h: jax.Array, axes: tuple[int, ...], spans: tuple[Span, ...], which: int, stretch: int, blocks: bool
) -> jax.Array:
    axis, (start, length) = axes[which], spans[which]
    n, k = x.shape[axis], h.shape[axis]
    width = stretch + k - 1
    part_spans = tuple((k - 1, stretch) if i == which else span for i, span in enumerate(spans))
    shape = [max(a, b) for a, b in zip(x.shape, h.shape, strict=True)]
    for a, (_, size) in zip(axes, spans, strict=True):
        shape[a] = size

    @jax.checkpoint
    def part(x: jax.Array, h: jax.Array, first: jax.Array) -> jax.Array:
        """Compute the samples [first, first + stretch) of the result."""
        lowest = start + first - (k - 1)
        cut = jnp.clip(lowest, 0, n - width)
        piece = lax.dynamic_slice_in_dim(x, cut, width, axis=axis)
        # At the ends the cut is moved inside x: roll it back into place and put zeros outside.
        piece = jnp.roll(piece, cut - lowest, axis=axis)
        position = lowest + jnp.arange(width)
        inside = ((position >= 0) & (position < n)).reshape([width if i == axis else 1 for i in range(x.ndim)])
        return convolve_by_fft(jnp.where(inside, piece, 0), h, axes=axes, spans=part_spans, blocks=blocks)

    def body(i: jax.Array, out: jax.Array) -> jax.Array:
        first = jnp.minimum(i * stretch, length - stretch)
        return lax.dynamic_update_slice_in_dim(out, part(x, h, first), first, axis=axis)

    return lax.fori_loop(0, -(-length // stretch), body, jnp.zeros(shape, x.dtype))
