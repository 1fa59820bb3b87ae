"""The gradient of a short dense kernel with fewer multiplications: `winograd`, with ȳ in the kernel's place.

Each tile of ȳ (4 samples an axis) meets 6 samples of x in 3 outputs: F(3, 4), on the same six points as F(4, 3). The
products are summed over all tiles, phases and images by matrix products before the inverse transform, which is done
once:

    w̄ = Aᵀ[ Σ_tiles (Bᵀ x B)ᵀ (G ȳ Gᵀ) ] A.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, unit
from jconv.engine.algorithms._parts import products, shapes, toom_cook
from jconv.engine.algorithms._parts.blocks import images_per_block
from jconv.engine.algorithms._parts.tiles import (
    BESIDE,
    CACHE_BYTES,
    EXTRA_CHANNELS,
    TILE,
    refusal_unless_plain,
    transform_kernel,
    transform_tiles,
)

OUTPUTS = 7 - TILE


def refusal(problem: Problem) -> str | None:
    if reason := refusal_unless_plain(problem):
        return reason
    if not unit(problem, "rhs_dilation"):
        return "no dilated kernel"
    if any(o != OUTPUTS for o in problem.out_space):
        return f"for {OUTPUTS} outputs an axis, got {problem.out_space}"
    if min(problem.taps) < TILE:
        return f"for kernels of at least {TILE} taps an axis"
    return None


def _tiles(problem: Problem) -> list[int]:
    """Tiles of a phase: the strides are the dilation of the forward convolution's kernel."""
    return [-(-k // (TILE * s)) for k, s in zip(problem.taps, problem.strides)]


def _rows(problem: Problem) -> int:
    """Tiles of an image."""
    return math.prod(_tiles(problem)) * math.prod(problem.strides)


def _image_samples(problem: Problem) -> tuple[int, int]:
    """Samples of one image's tiles, transformed: (of x, of ȳ)."""
    each = 6**problem.ndim * _rows(problem)
    return each * problem.batch, each * problem.out_channels


def _images(problem: Problem) -> int:
    """Images worked on at once: as many as stay in cache, and divide their number."""
    return images_per_block(problem.in_channels, sum(_image_samples(problem)) * problem.itemsize, CACHE_BYTES)


def _padded(problem: Problem, reach: int) -> list[int]:
    """Samples of each axis of all tiles, which reach so far beyond their own."""
    return [s * (TILE * t + reach) for s, t in zip(problem.strides, _tiles(problem))]


def estimate(problem: Problem) -> Estimate:
    points, library = 6**problem.ndim, problem.target.machine.library
    rows = problem.in_channels * _rows(problem)
    flops = 2.0 * points * rows * problem.batch * problem.out_channels
    waste = products.waste(problem.out_channels, problem.batch)
    steps, transformed = problem.in_channels // _images(problem), points * rows * problem.itemsize
    work = {
        "calls": 1.0,
        **products.work(problem, flops * waste),
        f"{library}_input_bytes": float(transformed * (problem.batch + EXTRA_CHANNELS)),
        f"{library}_output_bytes": float(transformed * (problem.out_channels + EXTRA_CHANNELS)),
        "kernel_bytes": float(points * problem.batch * problem.out_channels * problem.itemsize * steps),
        "steps": float(steps),
    }
    return Estimate(work, flops, _memory(problem), accuracy="winograd4")


def _memory(problem: Problem) -> int:
    count, images = problem.in_channels, _images(problem)
    before, after = (images * samples for samples in _image_samples(problem))
    kernel = 6**problem.ndim * problem.batch * problem.out_channels
    copies = count * math.prod(_padded(problem, 0)) * problem.out_channels
    if images < count:
        kernel, copies = 2 * kernel, copies + count * math.prod(_padded(problem, OUTPUTS - 1)) * problem.batch
    # One transform beside its first pass and the other transform; or both and their product.
    peak = before + after + max((BESIDE - 1) * max(before, after), kernel)
    return int(problem.itemsize * (peak + copies))


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    n, tiles, phases = problem.ndim, _tiles(problem), problem.strides
    at, g, bt = toom_cook.transforms(OUTPUTS, TILE)
    x, y = jnp.moveaxis(lhs, -1, 0), jnp.moveaxis(rhs, -2, 0)
    x = jnp.moveaxis(x, 1, -1)  # (images, *space, I)
    reach = zip(_padded(problem, OUTPUTS - 1), problem.space, problem.padding)
    config = [(lo, size - lo - given, 0) for size, given, (lo, _) in reach]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *config, (0, 0, 0)])
    for axis, size in enumerate(_padded(problem, 0)):
        y = shapes.pad_to(y, 1 + axis, size)

    def multiply(x: jax.Array, y: jax.Array) -> jax.Array:
        rows = transform_tiles(x, [bt] * n, [TILE] * n, tiles, phases).reshape(6**n, -1, problem.batch)
        columns = transform_tiles(y, [g] * n, [TILE] * n, tiles, phases).reshape(6**n, -1, problem.out_channels)
        return products.transposed_product(problem, rows, columns)

    images = _images(problem)
    if images == problem.in_channels:
        total = multiply(x, y)
    else:

        def step(total: jax.Array, operands: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            return total + multiply(*operands), None

        groups = (x.reshape(-1, images, *x.shape[1:]), y.reshape(-1, images, *y.shape[1:]))
        start = jnp.zeros((6**n, problem.batch, problem.out_channels), x.dtype)
        total, _ = lax.scan(step, start, groups)
    out = transform_kernel(total, [at] * n)
    return jnp.moveaxis(out.reshape(*[OUTPUTS] * n, problem.batch, problem.out_channels), n, 0)
