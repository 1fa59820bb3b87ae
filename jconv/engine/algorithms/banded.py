"""A long kernel along one axis of an image: blocks of the axis times a banded Toeplitz matrix.

A block of B samples contributes to B + K − 1 outputs, z = T x with T[q, i] = w[K − 1 + i − q]; the other axes make it
a matrix product, and the blocks' contributions are added where they overlap. Along the last axis the overlaps are cut
at multiples of B, so that whole blocks are added. The band costs more products than the sum, but a matrix product does
them several times faster; and a sum across many rows of an image throws their lines out of the cache again and again.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem
from jconv.engine.algorithms._parts import products
from jconv.engine.algorithms._parts.single import refusal_unless_single

BAND_SAMPLES = 4 << 20
"""Samples of all blocks' contributions that are kept at a time; larger images are taken in pieces."""


def refusal(problem: Problem) -> str | None:
    if problem.ndim < 2:
        return "for several spatial axes: toeplitz takes one"
    if reason := refusal_unless_single(problem):
        return reason
    axes = [axis for axis, taps in enumerate(problem.taps) if taps > 1]
    if len(axes) != 1 or any(sum(pair) for axis, pair in enumerate(problem.padding) if axis not in axes):
        return "for kernels along one axis"
    if problem.out_space[axes[0]] < 2 * _block(problem):
        return "for images of several blocks"
    return None


def _block(problem: Problem) -> int:
    return 64 if problem.tap_count <= 160 else 128


def _axis(problem: Problem) -> int:
    return int(np.argmax(problem.taps))


def _around(problem: Problem) -> tuple[int, int]:
    """Samples of the axes before and behind the kernel's."""
    axis = _axis(problem)
    return problem.batch * math.prod(problem.space[:axis]), math.prod(problem.space[axis + 1 :])


def _shifts(problem: Problem) -> range:
    """By how many blocks an output may lie behind an input that it sees."""
    block, (before, _) = _block(problem), problem.padding[_axis(problem)]
    after = max(0, problem.tap_count - 1 - before)
    return range(-math.ceil(after / block), math.ceil(before / block) + 1)


def _contributions(problem: Problem) -> int:
    """Outputs to which a block contributes."""
    block = _block(problem)
    return block * len(_shifts(problem)) if _around(problem)[1] == 1 else block + problem.tap_count - 1


def _band_samples(problem: Problem) -> int:
    rows, columns = _around(problem)
    blocks = -(-problem.space[_axis(problem)] // _block(problem))
    return rows * blocks * _contributions(problem) * columns


def estimate(problem: Problem) -> Estimate:
    return Estimate(_work(problem), flops=_flops(problem), memory=_memory(problem), accuracy="toeplitz")


def _flops(problem: Problem) -> float:
    return 2.0 * _block(problem) * _band_samples(problem)


def _work(problem: Problem) -> dict[str, float]:
    samples = _band_samples(problem)
    return {
        "calls": 1.0,
        **products.work(problem, _flops(problem)),
        "bytes": float(problem.io_bytes),
        "band_bytes": float(samples * problem.itemsize),
        "piece_bytes": float(problem.io_bytes) if samples > BAND_SAMPLES else 0.0,
    }


def _memory(problem: Problem) -> int:
    pieces = -(-_band_samples(problem) // BAND_SAMPLES)
    samples = _band_samples(problem) + math.prod(problem.lhs_shape)
    whole = math.prod(problem.out_shape) if pieces > 1 else 0  # the result that the pieces are written into
    return (samples // pieces + whole) * problem.itemsize


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    axis, (rows, columns) = _axis(problem), _around(problem)
    outputs, weights = problem.out_space[axis], rhs.reshape(-1)
    image = lhs.reshape(rows, problem.space[axis], columns)
    if columns == 1:
        image, whole, sliced, each = image[..., 0], rows, 0, _along_lines
    else:
        whole, sliced, each = columns, 2, _across_lines
    pieces = -(-_band_samples(problem) // BAND_SAMPLES)
    size = -(-whole // pieces)
    if size == whole:
        return each(problem, image, weights).reshape(problem.out_shape)

    def piece(number: jax.Array, out: jax.Array) -> jax.Array:
        start = jnp.minimum(number * size, whole - size)
        part = lax.optimization_barrier(lax.dynamic_slice_in_dim(image, start, size, axis=sliced))
        part = lax.optimization_barrier(each(problem, part, weights))
        return lax.dynamic_update_slice_in_dim(out, part, start, axis=sliced)

    out = jnp.zeros((rows, outputs) if columns == 1 else (rows, outputs, columns), image.dtype)
    return lax.fori_loop(0, -(-whole // size), piece, out).reshape(problem.out_shape)


def _blocks(image: jax.Array, block: int) -> jax.Array:
    """(rows, n, …) as (rows, blocks, block, …), zeros behind the last sample."""
    missing = -image.shape[1] % block
    if missing:
        image = jnp.pad(image, [(0, missing) if axis == 1 else (0, 0) for axis in range(image.ndim)])
    return image.reshape(image.shape[0], -1, block, *image.shape[2:])


def _band(weights: jax.Array, taps: int, index: jax.Array) -> jax.Array:
    """w[index], zero outside."""
    return jnp.where((index >= 0) & (index < taps), weights[jnp.clip(index, 0, taps - 1)], 0)


def _across_lines(problem: Problem, image: jax.Array, weights: jax.Array) -> jax.Array:
    """(rows, n, columns) → (rows, outputs, columns)."""
    block, taps, axis = _block(problem), problem.tap_count, _axis(problem)
    outputs, behind = problem.out_space[axis], problem.tap_count - 1 - problem.padding[axis][0]
    image = _blocks(image, block)
    rows, blocks, _, columns = image.shape
    reach = block + taps - 1
    band = _band(weights, taps, taps - 1 + jnp.arange(block)[None] - jnp.arange(reach)[:, None])
    band = jnp.broadcast_to(band, (rows * blocks, reach, block))
    z = products.product(problem, band, image.reshape(-1, block, columns)).reshape(rows, blocks, reach, columns)
    # Sample q of a block's contributions is output q − behind of the block; parts of B samples fall into later blocks.
    zero, total = jnp.zeros((), z.dtype), None
    count = max(blocks + -(-reach // block) - 1, -(-(behind + outputs) // block))
    for later in range(-(-reach // block)):
        part = z[:, :, later * block : (later + 1) * block]
        widths = [(0, 0, 0), (later, count - blocks - later, 0), (0, block - part.shape[2], 0), (0, 0, 0)]
        part = lax.pad(part, zero, widths)
        total = part if total is None else total + part
    assert total is not None
    lines = total.reshape(rows, -1, columns)
    if behind < 0:  # more zeros before the image than the kernel is long
        lines, behind = jnp.pad(lines, [(0, 0), (-behind, 0), (0, 0)]), 0
    return lines[:, behind : behind + outputs]


def _along_lines(problem: Problem, image: jax.Array, weights: jax.Array) -> jax.Array:
    """(rows, n) → (rows, outputs)."""
    block, taps, axis = _block(problem), problem.tap_count, _axis(problem)
    outputs, before = problem.out_space[axis], problem.padding[axis][0]
    image = _blocks(image, block)
    rows, blocks, _ = image.shape
    shifts = _shifts(problem)
    index = jnp.arange(block)[:, None] - jnp.arange(block)[None] + before
    band = jnp.concatenate([_band(weights, taps, index - shift * block) for shift in shifts], axis=1)
    z = products.product(problem, image.reshape(-1, block), band).reshape(rows, blocks, len(shifts), block)
    count, zero, total = -(-outputs // block), jnp.zeros((), z.dtype), None
    for place, shift in enumerate(shifts):
        part = lax.pad(z[:, :, place], zero, [(0, 0, 0), (shift, count - blocks - shift, 0), (0, 0, 0)])
        total = part if total is None else total + part
    assert total is not None
    lines = total.reshape(rows, -1)
    return lines if lines.shape[1] == outputs else lax.optimization_barrier(lines)[:, :outputs]
