"""The windows that a kernel meets, one beside the other, as rows of a matrix.

Neighbours along the last axis lie side by side in memory: a window of it is one run, unless a dilation cuts it into
pieces. Long runs are gathered, at the speed of memory, from wherever they begin: a grid of places, each axis with its
pitch, takes them out of the whole array in the order that the matrix wants. (XLA fuses a slice of the array into the
gather, and then divides for every number that it copies.) Where runs are short, windows of the last axis alone are
gathered, and those of the other axes put together from slices, axis by axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._problem import Problem
from jconv.engine.algorithms._parts import shapes

LONG_RUN = 16
MAX_SIZE = 2**31 - 1  # places are 32-bit integers


class Grid(NamedTuple):
    """Where windows begin in an array (N, *space, channels), and how long their runs are.

    `outputs` and `taps` have (size, pitch) for each axis; a run has the taps of the last axis where they lie together.
    """

    outputs: tuple[tuple[int, int], ...]
    taps: tuple[tuple[int, int], ...]
    run: int

    @classmethod
    def of(cls, problem: Problem, shape: tuple[int, ...], channels: int) -> Grid:
        """The grid of a problem on an array of that shape, of whose channels so many are looked at."""
        pitches = [math.prod(shape[2 + axis :]) for axis in range(problem.ndim)]
        outputs = tuple((o, s * p) for o, s, p in zip(problem.out_space, problem.strides, pitches))
        taps = tuple((k, d * p) for k, d, p in zip(problem.taps, problem.rhs_dilation, pitches))
        if channels == shape[-1] and problem.rhs_dilation[-1] == 1:
            return cls(outputs, taps[:-1], problem.taps[-1] * channels)
        return cls(outputs, taps, channels)


def gather_runs(x: jax.Array, grid: Iterable[tuple[int, int]], run: int, offset: jax.Array | int = 0) -> jax.Array:
    """Read `run` numbers of x, as one line, from each offset + Σ pitch · index on: (*sizes, run) for (size, pitch)."""
    sizes, pitches = zip(*grid)
    steps = (pitch * lax.broadcasted_iota(jnp.int32, sizes, axis) for axis, pitch in enumerate(pitches))
    starts = sum(steps, jnp.asarray(offset, jnp.int32))
    numbers = lax.GatherDimensionNumbers(offset_dims=(len(sizes),), collapsed_slice_dims=(), start_index_map=(0,))
    line, mode = lax.optimization_barrier(x).reshape(-1), lax.GatherScatterMode.PROMISE_IN_BOUNDS
    return lax.optimization_barrier(lax.gather(line, starts[..., None], numbers, (run,), mode=mode))


def slices(problem: Problem) -> int:
    """How many slices `patches` writes out."""
    if problem.tap_count == 1:
        return 1
    gathered = _is_gathered(problem, problem.ndim - 1)
    return sum(problem.taps[: problem.ndim - gathered]) + gathered


def _is_gathered(problem: Problem, axis: int) -> bool:
    """Whether the windows of an axis are gathered; few slices, apart from each other, are faster."""
    taps, stride = problem.taps[axis], problem.strides[axis]
    if axis < problem.ndim - 1 or problem.rhs_dilation[axis] > 1:
        return False
    return taps > 1 if stride == 1 else taps >= LONG_RUN


def patches(problem: Problem, padded: jax.Array) -> jax.Array:
    """(N, *out_space, taps, G·I) from padded images (N, *space, G·I), whatever the length of the runs."""
    n, channels = problem.ndim, padded.shape[-1]
    if problem.tap_count == 1:
        return shapes.tap_slice(problem, padded, (0,) * n)[..., None, :]
    windows = padded
    for axis in range(n - 1, -1, -1):
        shape = (*padded.shape[: axis + 2], *problem.out_space[axis + 1 :], -1)
        windows = _along(problem, windows.reshape(shape), axis)
    return windows.reshape(len(padded), *problem.out_space, problem.tap_count, channels)


def _along(problem: Problem, x: jax.Array, axis: int) -> jax.Array:
    """One axis more: (N, *space[:axis], *out_space[axis:], taps, channels) from (N, *space[:axis+1], …, channels)."""
    taps, stride, dilation = problem.taps[axis], problem.strides[axis], problem.rhs_dilation[axis]
    outputs, channels = problem.out_space[axis], x.shape[-1]
    if _is_gathered(problem, axis):
        numbers = lax.GatherDimensionNumbers(offset_dims=(0, 2), collapsed_slice_dims=(), start_index_map=(1,))
        starts = channels * stride * jnp.arange(outputs, dtype=jnp.int32)[:, None]
        lines, mode = x.reshape(-1, x.shape[-2] * channels), lax.GatherScatterMode.PROMISE_IN_BOUNDS
        return lax.gather(lines, starts, numbers, (len(lines), taps * channels), mode=mode)
    starts = range(0, dilation * taps, dilation)
    slices = [lax.slice_in_dim(x, t, t + stride * (outputs - 1) + 1, stride, axis + 1) for t in starts]
    return slices[0] if len(slices) == 1 else jnp.stack(slices, axis=-2)
