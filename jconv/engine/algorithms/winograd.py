"""Short dense convolutions with fewer multiplications (Winograd 1980; Lavin & Gray, CVPR 2016).

The image is cut into tiles that overlap by r − 1 samples; a tile of m outputs an axis costs m + r − 1 products an axis
instead of m·r, taken over all channels as matrix products, one for each of the transform's points:

    Y = Aᵀ[ Σ_i (G w_i Gᵀ) ⊙ (Bᵀ x_i B) ] A.

F(4, 3) does four times fewer multiplications in two dimensions and twice fewer in one, at up to five times the direct
sum's error. The input's transform passes over memory once for each axis; those of output and kernel are products with
the axes' matrices multiplied out. Images are worked on in groups that stay in cache. Under a kernel whose taps lie d
apart, every d-th sample makes an image of its own: with an axis of s·d samples read as (s, d), d such phases lie beside
each other as channels do, and the tiles are cut along s.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, unit
from jconv.engine.algorithms._parts import products, toom_cook
from jconv.engine.algorithms._parts.blocks import images_per_block
from jconv.engine.algorithms._parts.tiles import (
    BESIDE,
    CACHE_BYTES,
    EXTRA_CHANNELS,
    TILE,
    kronecker_matrix,
    refusal_unless_plain,
    transform_kernel,
    transform_tiles,
)


def refusal(problem: Problem) -> str | None:
    if reason := refusal_unless_plain(problem):
        return reason
    if not unit(problem, "strides"):
        return "no strides"
    if any(k not in (1, 7 - TILE) for k in problem.taps) or problem.tap_count == 1:
        return f"for {7 - TILE} taps an axis, got {problem.taps}"
    return None


def _outputs_of(taps: int) -> int:
    """Outputs of a tile along an axis: an axis with one tap is not transformed."""
    return 1 if taps == 1 else TILE


def _sizes(problem: Problem) -> tuple[list[int], list[int], list[int]]:
    """For each axis (outputs of a tile, points, tiles of a phase)."""
    m = [_outputs_of(k) for k in problem.taps]
    tiles = [-(-o // (a * d)) for o, a, d in zip(problem.out_space, m, problem.rhs_dilation)]
    return m, [a + k - 1 for a, k in zip(m, problem.taps)], tiles


def estimate(problem: Problem) -> Estimate:
    _m, points, tiles = _sizes(problem)
    library = problem.target.machine.library
    count = problem.batch * math.prod(tiles) * math.prod(problem.rhs_dilation)
    flops = 2.0 * math.prod(points) * count * problem.in_channels * problem.out_channels
    waste = products.waste(problem.out_channels, problem.in_channels, count)
    transformed = count * math.prod(points) * problem.itemsize
    work = {
        f"{products.library(problem)}_calls": 1.0,
        **products.work(problem, flops * waste),
        f"{library}_input_bytes": float(transformed * (problem.in_channels + EXTRA_CHANNELS)),
        f"{library}_output_bytes": float(transformed * (problem.out_channels + EXTRA_CHANNELS)),
        "kernel_bytes": float(math.prod(points) * problem.in_channels * problem.out_channels * problem.itemsize),
        "steps": float(problem.batch // _images(problem)),
    }
    return Estimate(work, flops, _memory(problem), accuracy="winograd4")


def _images(problem: Problem) -> int:
    """Images worked on at once: as many as stay in cache, and divide the batch."""
    return images_per_block(problem.batch, sum(_image_samples(problem)) * problem.itemsize, CACHE_BYTES)


def _image_samples(problem: Problem) -> tuple[int, int]:
    """Samples of one image's tiles, transformed: (in, out)."""
    _, points, tiles = _sizes(problem)
    each = math.prod(points) * math.prod(tiles) * math.prod(problem.rhs_dilation)
    return each * problem.in_channels, each * problem.out_channels


def _padded(problem: Problem) -> list[int]:
    """Samples of each axis that all tiles of all phases see."""
    m, points, tiles = _sizes(problem)
    return [d * (a * (t - 1) + p) for d, a, t, p in zip(problem.rhs_dilation, m, tiles, points)]


def _memory(problem: Problem) -> int:
    _, points, _ = _sizes(problem)
    kernel, images = math.prod(points) * problem.in_channels * problem.out_channels, _images(problem)
    before, after = (images * samples for samples in _image_samples(problem))
    # The input's transform beside its first pass; both transforms; the output's, and what it becomes.
    peak = kernel + max(BESIDE * before, before + after, 2 * after)
    copy = problem.batch * math.prod(_padded(problem)) * problem.in_channels if images < problem.batch else 0
    return int(problem.itemsize * (peak + copy))


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    (m, points, tiles), phases = _sizes(problem), problem.rhs_dilation
    n = problem.ndim
    matrices = [toom_cook.transforms(a, k) for a, k in zip(m, problem.taps)]
    at, g, bt = ([triple[i] for triple in matrices] for i in range(3))
    kernel = transform_kernel(rhs, g)
    config = [(lo, n - lo - size, 0) for n, size, (lo, _) in zip(_padded(problem), problem.space, problem.padding)]
    padded = lax.pad(lhs, jnp.zeros((), lhs.dtype), [(0, 0, 0), *config, (0, 0, 0)])

    def convolve(images: jax.Array) -> jax.Array:
        count = images.shape[0]
        transformed = transform_tiles(images, bt, m, tiles, phases)
        rows = transformed.reshape(math.prod(points), -1, problem.in_channels)
        out = products.product(problem, rows, kernel)
        out = products.product(problem, kronecker_matrix(at, out.dtype), out.reshape(len(out), -1))
        # (outputs…, N, (tiles, phases)…, O): an axis is tiles of outputs, each of all phases.
        out = out.reshape(*m, count, *(size for pair in zip(tiles, phases) for size in pair), problem.out_channels)
        order = (axis for i in range(n) for axis in (n + 1 + 2 * i, i, n + 2 + 2 * i))
        out = jnp.transpose(out, (n, *order, out.ndim - 1))
        out = out.reshape(count, *(a * t * d for a, t, d in zip(m, tiles, phases)), problem.out_channels)
        return out[(slice(None), *(slice(o) for o in problem.out_space))]

    images = _images(problem)
    if images == problem.batch:
        return convolve(padded)
    stacked = padded.reshape(-1, images, *padded.shape[1:])
    return lax.map(convolve, stacked).reshape(problem.out_shape)
