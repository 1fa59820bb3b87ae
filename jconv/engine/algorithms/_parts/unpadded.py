"""The shifted sum of a single-channel image without a padded copy of it.

A copy of a large image with zeros around it costs more than the sum itself: the memory is fresh, and every page of it
faults. So the image is read as one flat array, where the tap (i, j) of a row-major image of width W lies i·W + j
samples on. Rows for which every tap lies inside the image are summed from slices of that flat array; what a tap reads
across the ends of a line is a neighbouring line's, and counts as zero. The few rows at both ends are summed from a
small padded piece. One pass of fused code reads the image and writes the result. Where the borders are free, neither
is of account.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._problem import Problem, dilated, unit

LEAST_OUTPUTS = 1 << 14
"""Smaller images lie in cache, padded or not."""


def fits(problem: Problem) -> bool:
    """Whether the problem is one that `correlate` solves, and large enough."""
    if problem.lhs_shape[-1] != 1 or problem.out_channels != 1 or problem.ndim < 2:
        return False
    if not unit(problem, "strides", "lhs_dilation") or math.prod(problem.out_shape) < LEAST_OUTPUTS:
        return False
    top, bottom = _ends(problem)
    minor = zip(problem.space[1:], problem.out_space[1:], problem.padding[1:])
    return top + bottom < problem.out_space[0] and all(o <= n and max(pair) < n for n, o, pair in minor)


def _strides(problem: Problem) -> list[int]:
    """How far apart neighbours along each axis lie in the flat image."""
    return [math.prod(problem.space[axis + 1 :]) for axis in range(problem.ndim)]


def _ends(problem: Problem) -> tuple[int, int]:
    """Output rows at both ends whose taps reach over the first or the last sample of the flat image."""
    (lo, hi), *minor = problem.padding
    row, *strides = _strides(problem)
    reach = (dilated(k, d) for k, d in zip(problem.taps[1:], problem.rhs_dilation[1:]))
    left = sum(before * stride for (before, _), stride in zip(minor, strides))
    right = sum(max(0, r - 1 - before) * stride for r, (before, _), stride in zip(reach, minor, strides))
    return lo + -(-left // row), hi + -(-right // row)


def is_free(problem: Problem) -> bool:
    """Whether what is wrong in `_middle`, and missing at both ends, will be written over."""
    return problem.free_borders and min(problem.padding[0]) > 0


def memory(problem: Problem) -> int:
    """Bytes of the padded rows at both ends, and of their results."""
    rows = sum(_ends(problem)) + dilated(problem.taps[0], problem.rhs_dilation[0])
    return 4 * rows * problem.batch * math.prod(problem.space[1:]) * problem.itemsize


def correlate(
    problem: Problem,
    lhs: jax.Array,
    rhs: jax.Array,
    sum_padded: Callable[[jax.Array, jax.Array], jax.Array],
) -> jax.Array:
    """The image's correlation; `sum_padded(padded, weights)` does the same without padding."""
    image, weights = lhs[..., 0], rhs[..., 0, 0]
    top, bottom = _ends(problem)
    middle = _middle(problem, image, weights, top, problem.out_space[0] - top - bottom)
    if not top + bottom:
        return middle[..., None]
    if is_free(problem):
        return jnp.pad(middle, [(0, 0), (top, bottom), *[(0, 0)] * (problem.ndim - 1)])[..., None]
    # Both ends in one piece, so that they are compiled once: what lies between them is left unused.
    (lo, hi), *minor = problem.padding
    reach = dilated(problem.taps[0], problem.rhs_dilation[0]) - 1
    after = image.shape[1] + hi - bottom - reach
    ends = jnp.concatenate([_rows(image, -lo, top + reach), _rows(image, after, bottom + reach)], axis=1)
    ends = jnp.pad(ends, [(0, 0), (0, 0), *minor])
    ends = lax.optimization_barrier(sum_padded(lax.optimization_barrier(ends), weights))
    pieces = [ends[:, :top], middle, ends[:, ends.shape[1] - bottom :]]
    return jnp.concatenate(pieces, axis=1)[..., None]


def _rows(image: jax.Array, start: int, count: int) -> jax.Array:
    """Rows start … start + count of the image, zero outside of it."""
    stop = start + count
    inside = lax.slice_in_dim(image, min(max(start, 0), image.shape[1]), max(min(stop, image.shape[1]), 0), axis=1)
    widths = [(0, 0)] * image.ndim
    widths[1] = (max(0, -start), max(0, stop - image.shape[1]))
    return jnp.pad(inside, widths)


def _middle(problem: Problem, image: jax.Array, weights: jax.Array, top: int, count: int) -> jax.Array:
    """`count` output rows from `top` on, from slices of the flat image."""
    space, out_space, dilation = problem.space, problem.out_space, problem.rhs_dilation
    shape = (problem.batch, count, *space[1:])
    strides = _strides(problem)
    flat = image.reshape(problem.batch, -1)
    columns = []
    # All taps of one place in the minor axes are added up before what they read across a line's ends is dropped.
    for minor in itertools.product(*map(range, problem.taps[1:])):
        offsets = [d * tap - lo for d, tap, (lo, _) in zip(dilation[1:], minor, problem.padding[1:])]
        terms = []
        for tap in range(problem.taps[0]):
            row = top + dilation[0] * tap - problem.padding[0][0]
            start = row * strides[0] + sum(map(int.__mul__, offsets, strides[1:]))
            term = lax.slice_in_dim(flat, start, start + count * strides[0], axis=1)
            terms.append(term.reshape(shape) * weights[(tap, *minor)])
        column = lax.slice(functools.reduce(operator.add, terms), (0,) * len(shape), (*shape[:2], *out_space[1:]))
        columns.append(column if is_free(problem) else _drop_outside(column, offsets, space[1:]))
    return functools.reduce(operator.add, columns)


def _drop_outside(column: jax.Array, offsets: Sequence[int], space: Sequence[int]) -> jax.Array:
    """Zero where a tap at `offsets` reads outside of a line."""
    for axis, (offset, size) in enumerate(zip(offsets, space), start=2):
        place = lax.broadcasted_iota(jnp.int32, column.shape, axis)
        if offset < 0:
            column = jnp.where(place >= -offset, column, 0)
        if column.shape[axis] - 1 + offset >= size:
            column = jnp.where(place < size - offset, column, 0)
    return column
