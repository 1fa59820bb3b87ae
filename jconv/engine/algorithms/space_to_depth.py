"""Distances between samples removed: an axis is cut into blocks, and the places in a block become channels or images.

With n·s samples of an axis read as (n, s), and K taps as (J, s), J = ⌈K / s⌉, zeros behind the last tap,

    strides s:            y[o]       = Σ_k x[s·o + k] w[k]  = Σ_j Σ_r X[o + j, r] W[j, r],
    input dilation s:     Y[b, r]    = Σ_i x[i] w'[s·(b − i) + r] = Σ_j x[b − j] W'[j, r],   w' = w reversed,
    kernel dilation s:    Y[j, r]    = Σ_o x[s·(o + j) + r] w[o]  = Σ_o X[o + j, r] w[o].

So the place r in a block is an input channel of a strided layer ("space to depth"), an output channel of a transposed
one ("depth to space"), an image of a dilated one ("space to batch"); the kernel gradient of a strided layer is of the
last kind. What is left is a plain convolution with J taps, and is left to the planner. Where windows do not overlap
J is 1: the layer and both of its gradients are a rearrangement and one matrix product.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._canonical import crop
from jconv.engine._problem import Crops, Problem
from jconv.engine._target import LANES
from jconv.engine.algorithms._parts import shapes

Distance = Literal["strides", "lhs_dilation", "rhs_dilation"]
DISTANCES: tuple[Distance, ...] = ("strides", "lhs_dilation", "rhs_dilation")


class _Cut(NamedTuple):
    """How the axes are cut; an axis that is not has blocks of one place.

    An axis has blocks of `size` places, `kept` of which are computed with, and the kernel (of a dilated layer: the
    output) falls into `blocks` of them.
    """

    distance: Distance
    size: tuple[int, ...]
    kept: tuple[int, ...]
    blocks: tuple[int, ...]

    @property
    def places(self) -> int:
        """Places of a block of all axes together."""
        return math.prod(self.kept)


def refusal(problem: Problem) -> str | None:
    if any(any(_sizes(problem, distance)) for distance in DISTANCES):
        return None
    return "for an axis with strides, a dilated input or a dilated kernel, one of them"


def _sizes(problem: Problem, distance: Distance) -> list[int]:
    """The size of a block along each axis; 0 for axes that are not cut."""
    others = [name for name in DISTANCES if name != distance]
    return [
        size if size > 1 and all(getattr(problem, name)[axis] == 1 for name in others) else 0
        for axis, size in enumerate(getattr(problem, distance))
    ]


def _cut(problem: Problem) -> _Cut:
    distance: Distance = next(distance for distance in DISTANCES if any(_sizes(problem, distance)))
    sizes = _sizes(problem, distance)
    extents = problem.out_space if distance == "rhs_dilation" else problem.taps
    return _Cut(
        distance,
        tuple(size or 1 for size in sizes),
        tuple(min(size, extent) if size else 1 for size, extent in zip(sizes, extents)),
        tuple(-(-extent // size) if size else extent for size, extent in zip(sizes, extents)),
    )


def _first_block(problem: Problem, cut: _Cut, axis: int) -> tuple[int, int]:
    """(first block of the full transposed result that is asked for, place in it where the output begins)."""
    return divmod(problem.taps[axis] - 1 - problem.padding[axis][0], cut.size[axis])


def _part(problem: Problem, cut: _Cut) -> tuple[Problem, Crops]:
    """The convolution that is left, and what it reads of the input where that is dilated."""
    space, taps, padding = list(problem.space), list(problem.taps), list(problem.padding)
    for axis, (size, blocks) in enumerate(zip(cut.size, cut.blocks)):
        if size == 1:
            continue
        padding[axis] = (0, 0)
        if cut.distance == "strides":
            space[axis], taps[axis] = problem.out_space[axis] + blocks - 1, blocks
        elif cut.distance == "rhs_dilation":
            space[axis] = problem.taps[axis] + blocks - 1
        else:
            first, place = _first_block(problem, cut, axis)
            outputs, before = -(-(place + problem.out_space[axis]) // size), blocks - 1 - first
            taps[axis], padding[axis] = blocks, (before, outputs + blocks - 1 - before - space[axis])
    batch, inputs, channels, outputs = problem.batch, problem.in_channels, problem.lhs_shape[-1], problem.out_channels
    if cut.distance == "strides":
        inputs, channels = cut.places * inputs, cut.places * channels
    elif cut.distance == "lhs_dilation":
        outputs *= cut.places
    else:
        batch *= cut.places
    removed = tuple(1 if size > 1 else v for size, v in zip(cut.size, getattr(problem, cut.distance)))
    geometry = dataclasses.replace(problem.geometry, padding=tuple(padding), **{cut.distance: removed})
    crops, geometry = geometry.cropped(space, taps)
    shape = (batch, *(stop - start for start, stop in crops), channels)
    return problem.replace(geometry=geometry, lhs_shape=shape, rhs_shape=(*taps, inputs, outputs)), crops


def estimate(problem: Problem) -> Estimate:
    cut = _cut(problem)
    part, _ = _part(problem, cut)
    kernel, moved = 0, math.prod(part.out_shape)
    run = problem.multiplier if problem.groups > 1 else problem.out_channels * cut.kept[-1]
    if cut.distance == "strides":
        kernel, moved = math.prod(part.rhs_shape), math.prod(part.lhs_shape)
        run = problem.in_channels if problem.groups > 1 else problem.lhs_shape[-1] * cut.kept[-1]
    elif cut.distance == "lhs_dilation":
        kernel = math.prod(part.rhs_shape)
    else:
        # The images of a kernel gradient are channels, which lie side by side where the gradient is asked for.
        moved, run = moved + math.prod(part.lhs_shape), max(problem.lhs_shape[-1], problem.batch)
    moved_bytes = float(moved * problem.itemsize)
    work = {
        "calls": 1.0,
        "moved_bytes": moved_bytes,
        # Runs shorter than a vector are moved number by number.
        "short_bytes": moved_bytes if run < LANES else 0.0,
        # Gradients of overlapping windows are put together from many pieces.
        "overlap_bytes": moved_bytes if cut.distance == "rhs_dilation" and math.prod(cut.blocks) > 1 else 0.0,
        "kernel_bytes": float(kernel * problem.itemsize),
    }
    # Zeros behind the last tap meet samples.
    filled = cut.distance != "rhs_dilation" and any(
        size > 1 and blocks > 1 and taps % size for size, blocks, taps in zip(cut.size, cut.blocks, problem.taps)
    )
    memory = (moved + kernel) * problem.itemsize
    return Estimate(work, memory=memory, parts=(part,), accuracy="toeplitz" if filled else "direct")


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    cut = _cut(problem)
    part, crops = _part(problem, cut)
    if cut.distance == "strides":
        return solve(part, _split_input(problem, cut, lhs).reshape(part.lhs_shape), _split_kernel(problem, cut, rhs))
    if cut.distance == "lhs_dilation":
        return _transposed(problem, cut, part, crop(lhs, crops), rhs, solve)
    return _dilated(problem, cut, part, lhs, rhs, solve)


def _split(x: jax.Array, first: int, cut: _Cut) -> jax.Array:
    """(…, *space, …) as (…, *blocks, *places, …), with zeros behind the last sample; the axes begin at `first`."""
    n = len(cut.size)
    for axis, size in enumerate(cut.size, start=first):
        x = shapes.pad_to(x, axis, -(-x.shape[axis] // size) * size)
    pairs = (v for count, size in zip(x.shape[first:], cut.size) for v in (count // size, size))
    x = x.reshape(*x.shape[:first], *pairs, *x.shape[first + n :])
    x = x[(slice(None),) * first + tuple(v for kept in cut.kept for v in (slice(None), slice(kept)))]
    blocks, places = range(first, first + 2 * n, 2), range(first + 1, first + 2 * n, 2)
    return jnp.transpose(x, (*range(first), *blocks, *places, *range(first + 2 * n, x.ndim)))


def _merge(x: jax.Array, first: int, cut: _Cut) -> jax.Array:
    """The way back, with zeros in the places that were not kept."""
    n = len(cut.size)
    blocks = x.shape[first : first + n]
    for axis, size in enumerate(cut.size, start=first + n):
        x = shapes.pad_to(x, axis, size)
    pairs = (axis for i in range(n) for axis in (first + i, first + n + i))
    x = jnp.transpose(x, (*range(first), *pairs, *range(first + 2 * n, x.ndim)))
    whole = (count * size for count, size in zip(blocks, cut.size))
    return x.reshape(*x.shape[:first], *whole, *x.shape[first + 2 * n :])


def _read(problem: Problem, cut: _Cut, lhs: jax.Array) -> jax.Array:
    """The samples of all blocks that are read: along axes that are cut the padded ones, along the others all."""
    config = [(0, 0, 0)]
    counts = problem.taps if cut.distance == "rhs_dilation" else problem.out_space
    for n, size, blocks, count, (lo, _) in zip(problem.space, cut.size, cut.blocks, counts, problem.padding):
        config.append((lo, size * (count + blocks - 1) - lo - n, 0) if size > 1 else (0, 0, 0))
    config.append((0, 0, 0))
    return lhs if not any(map(any, config)) else lax.pad(lhs, jnp.zeros((), lhs.dtype), config)


def _split_input(problem: Problem, cut: _Cut, lhs: jax.Array) -> jax.Array:
    """(N, *blocks, G, *places, I): places as input channels of each group."""
    n = problem.ndim
    x = _split(_read(problem, cut, lhs), 1, cut)
    x = x.reshape(*x.shape[:-1], problem.groups, problem.in_channels)
    return jnp.moveaxis(x, -2, 1 + n)


def _split_kernel(problem: Problem, cut: _Cut, rhs: jax.Array) -> jax.Array:
    w = _split(rhs, 0, cut)
    return w.reshape(*w.shape[: problem.ndim], cut.places * problem.in_channels, problem.out_channels)


def _transposed(problem: Problem, cut: _Cut, part: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    n, groups, outputs = problem.ndim, problem.groups, problem.multiplier
    axes = tuple(axis for axis in range(n) if cut.size[axis] > 1)
    # (*taps, I, G, m) to (*blocks, I, G, *places, m): the kernel is cut from its last tap on.
    w = jnp.flip(_split(jnp.flip(rhs, axes), 0, cut), axes).reshape(*part.taps, *cut.kept, -1, groups, outputs)
    w = jnp.transpose(w, (*range(n), 2 * n, 2 * n + 1, *range(n, 2 * n), 2 * n + 2)).reshape(part.rhs_shape)
    out = solve(part, lhs, w).reshape(problem.batch, *part.out_space, groups, *cut.kept, outputs)
    out = _merge(jnp.moveaxis(out, 1 + n, -2), 1, cut)
    for axis in axes:
        _, place = _first_block(problem, cut, axis)
        out = lax.slice_in_dim(out, place, place + problem.out_space[axis], axis=1 + axis)
    return out.reshape(problem.out_shape)


def _dilated(problem: Problem, cut: _Cut, part: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    n = problem.ndim
    x = _split(_read(problem, cut, lhs), 1, cut)
    places = range(1 + n, 1 + 2 * n)
    x = jnp.transpose(x, (*places, *range(1 + n), 1 + 2 * n)).reshape(part.lhs_shape)
    out = solve(part, x, rhs).reshape(*cut.kept, problem.batch, *part.out_space, problem.out_channels)
    out = jnp.transpose(out, (*range(n, 1 + 2 * n), *range(n), 1 + 2 * n))
    out = _merge(out, 1, cut)
    return out[(slice(None), *(slice(o) for o in problem.out_space))]
