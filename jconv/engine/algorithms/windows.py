"""The windows that a kernel meets, one beside the other, as rows of a matrix.

Neighbours along the last axis lie side by side in memory: a window of it is one run, unless a dilation cuts it into
pieces. A gather copies long runs at the speed of memory, those of all axes in one go. Where runs are short, windows of
the last axis alone are gathered, and those of the other axes put together from slices, axis by axis.
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine.algorithms import shapes
from jconv.engine.problem import Problem

LONG_RUN = 32


def patches(problem: Problem, padded: jax.Array) -> jax.Array:
    """(N, *out_space, taps, G·I) from padded images (N, *space, G·I)."""
    n, channels = problem.ndim, padded.shape[-1]
    if problem.tap_count == 1:
        return shapes.tap_slice(problem, padded, (0,) * n)[..., None, :]
    run = channels * (problem.taps[-1] if problem.rhs_dilation[-1] == 1 else 1)
    if run >= LONG_RUN:
        found = _gathered(problem, padded, 0)
    else:
        found = padded if problem.taps[-1] == problem.strides[-1] == 1 else _gathered(problem, padded, n - 1)
        for axis in range(n - 2, -1, -1):
            shape = (*padded.shape[: axis + 2], *problem.out_space[axis + 1 :], -1)
            found = _stacked(problem, found.reshape(shape), axis)
    return found.reshape(len(padded), *problem.out_space, problem.tap_count, channels)


def _gathered(problem: Problem, x: jax.Array, first: int) -> jax.Array:
    """The windows of axis `first` and those behind it: (N, *space[:first], *out_space[first:], *taps, channels)."""
    n, channels = problem.ndim, x.shape[-1]
    whole = x.shape[: 1 + first]
    taps = problem.taps[first:] if problem.rhs_dilation[-1] > 1 else (*problem.taps[first:-1], 1)
    run = channels * problem.taps[-1] // taps[-1]
    grid = (*whole, *problem.out_space[first:], *taps)
    index = functools.partial(lax.broadcasted_iota, jnp.int32, grid)
    starts = sum(math.prod(x.shape[axis + 1 :]) * index(axis) for axis in range(1 + first))
    for axis in range(first, n):
        place = problem.strides[axis] * index(1 + axis) + problem.rhs_dilation[axis] * index(1 + n + axis - first)
        starts = starts + math.prod(x.shape[axis + 2 :]) * place
    # One index for all axes: XLA transposes what it gathers if an axis before the runs has none.
    numbers = lax.GatherDimensionNumbers(offset_dims=(len(grid),), collapsed_slice_dims=(), start_index_map=(0,))
    mode = lax.GatherScatterMode.PROMISE_IN_BOUNDS
    # The barriers keep the loop over a run apart from the arithmetic around it: short runs gain by the fusion instead.
    found = lax.gather(lax.optimization_barrier(x).reshape(-1), starts[..., None], numbers, (run,), mode=mode)
    return lax.optimization_barrier(found) if run >= LONG_RUN else found


def _stacked(problem: Problem, x: jax.Array, axis: int) -> jax.Array:
    """One axis more: (N, *space[:axis], *out_space[axis:], taps, channels) from (N, *space[:axis+1], …, channels)."""
    stride, dilation, outputs = problem.strides[axis], problem.rhs_dilation[axis], problem.out_space[axis]
    starts = range(0, dilation * problem.taps[axis], dilation)
    slices = [lax.slice_in_dim(x, t, t + stride * (outputs - 1) + 1, stride, axis + 1) for t in starts]
    return slices[0] if len(slices) == 1 else jnp.stack(slices, axis=-2)
