"""The direct sum along one axis and one channel: a body that reads the signal as it is, and two short ends.

Outputs that meet no zeros outside need no padded copy of the signal, which would cost more than the sum of a few
taps. Only the ends are summed over small padded pieces; the three are laid side by side.

XLA splits a long loop over the processor's threads, and vectorises it only where the pieces are of one size: an odd
number of outputs runs ten times slower than an even one. So the body is rounded down to a multiple of `EVEN`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._problem import Problem

EVEN = 3 << 8
"""Divisible by the usual numbers of threads (2^a 3^b), with whole vectors left."""

SHORT = 4 * EVEN
"""Outputs below which one padded sum is as fast."""

ACCUMULATORS = 4
"""Partial sums, so that a product need not wait for the one before it."""


def applies(problem: Problem) -> bool:
    """Whether a problem is one channel along one axis, without zeros between the samples."""
    return problem.ndim == 1 and problem.lhs_shape[-1] == problem.out_channels == 1 and problem.lhs_dilation == (1,)


def work(problem: Problem) -> dict[str, float]:
    """What the time of the sum is made of."""
    strided = problem.strides[0] > 1
    return {
        "signal_calls": 1.0,
        "signal_flops": problem.flops * problem.itemsize / 4,
        "strided_flops": problem.flops if strided else 0.0,
        "signal_bytes": float(problem.io_bytes),
    }


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array) -> jax.Array:
    signal, taps = lhs[..., 0], rhs[:, 0, 0]
    first, count = _body(problem)
    outputs = problem.out_space[0]
    if count < SHORT:
        return _sum(problem, _piece(problem, signal, 0, outputs), taps, outputs)[..., None]
    last = first + count
    # Both ends in one sum: what lies across their seam is dropped.
    ends = [_piece(problem, signal, *span) for span in ((0, first), (last, outputs)) if span[0] < span[1]]
    parts = [_sum(problem, _crop(problem, signal, first, last), taps, count)]
    if ends:
        stride = problem.strides[0]
        seam = -(-ends[0].shape[-1] // stride) * stride
        joined = jnp.concatenate([_pad_end(ends[0], seam), *ends[1:]], axis=-1)
        reach = _reach(problem, 1)
        both = _sum(problem, joined, taps, (joined.shape[-1] - reach) // stride + 1)
        if first > 0:
            parts.insert(0, both[..., :first])
        if last < outputs:
            start = seam // stride if first > 0 else 0
            parts.append(both[..., start : start + outputs - last])
    # Fused with the sums, the concatenation would decide for every sample where it comes from.
    return jnp.concatenate(lax.optimization_barrier(parts), axis=-1)[..., None]


def _reach(problem: Problem, outputs: int) -> int:
    """Samples that so many outputs read."""
    return problem.strides[0] * (outputs - 1) + problem.rhs_dilation[0] * (problem.taps[0] - 1) + 1


def _body(problem: Problem) -> tuple[int, int]:
    """(first, count) of the outputs that are computed from the signal as it is."""
    stride, before = problem.strides[0], problem.padding[0][0]
    first = -(-before // stride)
    inside = (problem.space[0] + before - _reach(problem, 1)) // stride + 1
    count = min(inside, problem.out_space[0]) - first
    return first, max(count, 0) // EVEN * EVEN


def _crop(problem: Problem, signal: jax.Array, start: int, stop: int) -> jax.Array:
    """The samples that the outputs [start, stop) read, all inside the signal."""
    origin = problem.strides[0] * start - problem.padding[0][0]
    return signal[..., origin : origin + _reach(problem, stop - start)]


def _piece(problem: Problem, signal: jax.Array, start: int, stop: int) -> jax.Array:
    """The samples that the outputs [start, stop) read, with zeros outside."""
    origin = problem.strides[0] * start - problem.padding[0][0]
    end, size = origin + _reach(problem, stop - start), signal.shape[-1]
    inside = signal[..., max(origin, 0) : max(min(end, size), 0)]
    before = min(max(-origin, 0), end - origin)
    return lax.pad(
        inside,
        jnp.zeros((), signal.dtype),
        [(0, 0, 0)] * (signal.ndim - 1) + [(before, end - origin - before - inside.shape[-1], 0)],
    )


def _pad_end(piece: jax.Array, size: int) -> jax.Array:
    return jnp.pad(piece, [(0, 0)] * (piece.ndim - 1) + [(0, size - piece.shape[-1])])


def _sum(problem: Problem, samples: jax.Array, taps: jax.Array, outputs: int) -> jax.Array:
    """Σ_t samples[stride·o + dilation·t] taps[t] for o = 0 … outputs − 1."""
    stride, dilation = problem.strides[0], problem.rhs_dilation[0]
    reach, axis = stride * (outputs - 1) + 1, samples.ndim - 1
    sums = []
    for tap in range(problem.taps[0]):
        start = dilation * tap
        term = lax.slice_in_dim(samples, start, start + reach, stride, axis) * taps[tap]
        if tap < ACCUMULATORS:
            sums.append(term)
        else:
            sums[tap % ACCUMULATORS] += term
    while len(sums) > 1:
        sums = [a + b for a, b in zip(sums[::2], sums[1::2])] + sums[len(sums) // 2 * 2 :]
    return sums[0]
