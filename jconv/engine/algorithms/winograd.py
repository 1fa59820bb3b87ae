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

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv.engine._problem import Problem, unit
from jconv.engine.algorithms import im2col, xla
from jconv.engine.algorithms._parts import products, toom_cook
from jconv.engine.algorithms.direct import sum_terms

NAME = "winograd"
ACCURACY = "winograd4"
TILE = 4
CACHE_BYTES = 16 << 20
EXTRA_CHANNELS = 4
"""A transform takes as long as if it had so many channels more: vectors are not filled, and lines begin and end."""

BESIDE = 5 / 3
"""What a transform takes together with its first pass, in units of itself."""


def not_plain(problem: Problem) -> str | None:
    """Why a problem is not dense, real and of one or two axes, its input not dilated."""
    if not problem.is_real:
        return f"real floating point only, got {problem.dtype}"
    if problem.ndim not in (1, 2):
        return f"for one or two spatial axes, got {problem.ndim}"
    if problem.groups != 1:
        return "for a single group"
    if not unit(problem, "lhs_dilation"):
        return "no input dilation"
    return None


def supports(problem: Problem) -> str | None:
    if reason := not_plain(problem):
        return reason
    if not unit(problem, "strides"):
        return "no strides"
    if any(k not in (1, 7 - TILE) for k in problem.taps) or problem.tap_count == 1:
        return f"for {7 - TILE} taps an axis, got {problem.taps}"
    return None


def outputs_of(problem: Problem, taps: int) -> int:
    """Outputs of a tile along an axis: an axis with one tap is not transformed."""
    return 1 if taps == 1 else TILE


def _sizes(problem: Problem):
    """For each axis (outputs of a tile, points, tiles of a phase)."""
    m = [outputs_of(problem, k) for k in problem.taps]
    tiles = [-(-o // (a * d)) for o, a, d in zip(problem.out_space, m, problem.rhs_dilation)]
    return m, [a + k - 1 for a, k in zip(m, problem.taps)], tiles


def features(problem: Problem) -> dict[str, float]:
    _m, points, tiles = _sizes(problem)
    count = problem.batch * math.prod(tiles) * math.prod(problem.rhs_dilation)
    flops = 2.0 * math.prod(points) * count * problem.in_channels * problem.out_channels
    waste = products.waste(problem.out_channels, problem.in_channels, count)
    transformed = count * math.prod(points) * problem.itemsize
    return {
        f"{products.library(problem)}_calls": 1.0,
        "flops": flops,
        **products.features(problem, flops * waste),
        f"{xla.LIBRARY}_input_bytes": float(transformed * (problem.in_channels + EXTRA_CHANNELS)),
        f"{xla.LIBRARY}_output_bytes": float(transformed * (problem.out_channels + EXTRA_CHANNELS)),
        "kernel_bytes": float(math.prod(points) * problem.in_channels * problem.out_channels * problem.itemsize),
        "steps": float(problem.batch // _images(problem)),
    }


def _images(problem: Problem) -> int:
    """Images worked on at once: as many as stay in cache, and divide the batch."""
    return im2col.images_at_once(problem.batch, sum(_image_samples(problem)) * problem.itemsize, CACHE_BYTES)


def _image_samples(problem: Problem) -> tuple[int, int]:
    """Samples of one image's tiles, transformed: (in, out)."""
    _, points, tiles = _sizes(problem)
    each = math.prod(points) * math.prod(tiles) * math.prod(problem.rhs_dilation)
    return each * problem.in_channels, each * problem.out_channels


def _padded(problem: Problem) -> list[int]:
    """Samples of each axis that all tiles of all phases see."""
    m, points, tiles = _sizes(problem)
    return [d * (a * (t - 1) + p) for d, a, t, p in zip(problem.rhs_dilation, m, tiles, points)]


def memory(problem: Problem) -> int:
    _, points, _ = _sizes(problem)
    kernel, images = math.prod(points) * problem.in_channels * problem.out_channels, _images(problem)
    before, after = (images * samples for samples in _image_samples(problem))
    # The input's transform beside its first pass; both transforms; the output's, and what it becomes.
    peak = kernel + max(BESIDE * before, before + after, 2 * after)
    copy = problem.batch * math.prod(_padded(problem)) * problem.in_channels if images < problem.batch else 0
    return int(problem.itemsize * (peak + copy))


def parts(problem: Problem) -> tuple[Problem, ...]:
    return ()


def mix(matrix: np.ndarray, terms: list[jax.Array]) -> jax.Array:
    """Σ_a matrix[:, a] terms[a] with a new first axis, as one fused pass.

    Between two axes it must be held in memory: fused into the next, it is computed anew for each term of that.
    """
    shape = (-1, *([1] * terms[0].ndim))
    columns = [jnp.asarray(matrix[:, a], terms[0].dtype).reshape(shape) for a in range(matrix.shape[1])]
    return sum_terms(column * term[None] for column, term in zip(columns, terms, strict=True))


def transform_tiles(x: jax.Array, bt: list[np.ndarray], m: list[int], tiles: list[int], phases) -> jax.Array:
    """Bᵀ along every spatial axis of all tiles of a padded image (N, *space, C): (points…, N, (tiles, phases)…, C)."""
    cut = (size for n, d in zip(x.shape[1:-1], phases) for size in (n // d, d))
    x = x.reshape(x.shape[0], *cut, x.shape[-1])
    for axis in reversed(range(len(m))):
        if bt[axis].shape[0] == 1:
            x = x[None]
            continue
        position = x.ndim - 1 - 2 * (len(m) - axis)
        terms = []
        for a in range(bt[axis].shape[1]):
            stop = a + m[axis] * (tiles[axis] - 1) + 1
            terms.append(lax.slice_in_dim(x, a, stop, m[axis], position))
        x = lax.optimization_barrier(mix(bt[axis], terms))
    return x


def multiplied_out(matrices: list[np.ndarray], dtype) -> jax.Array:
    """The matrix that transforms all axes at once."""
    return jnp.asarray(functools.reduce(np.kron, matrices), dtype)


def transform_kernel(w: jax.Array, matrices: list[np.ndarray]) -> jax.Array:
    """A matrix along each axis but the last two: (points, I, O) from (*taps, I, O), or the way back.

    A product: XLA would fuse a sum with the transposition that made the kernel, or with what comes next, and read or
    compute everything anew for every term.
    """
    *_, inputs, outputs = w.shape
    matrix = multiplied_out(matrices, w.dtype)
    return jnp.matmul(matrix, w.reshape(-1, inputs * outputs), precision="highest").reshape(-1, inputs, outputs)


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, run):
    (m, points, tiles), phases = _sizes(problem), problem.rhs_dilation
    n = problem.ndim
    matrices = [toom_cook.transforms(a, k) for a, k in zip(m, problem.taps)]
    at, g, bt = ([triple[i] for triple in matrices] for i in range(3))
    kernel = transform_kernel(rhs, g)
    config = [(lo, n - lo - size, 0) for n, size, (lo, _) in zip(_padded(problem), problem.space, problem.padding)]
    padded = lax.pad(lhs, jnp.zeros((), lhs.dtype), [(0, 0, 0), *config, (0, 0, 0)])

    def solve(images):
        count = images.shape[0]
        transformed = transform_tiles(images, bt, m, tiles, phases)
        rows = transformed.reshape(math.prod(points), -1, problem.in_channels)
        out = products.product(problem, rows, kernel)
        out = products.product(problem, multiplied_out(at, out.dtype), out.reshape(len(out), -1))
        # (outputs…, N, (tiles, phases)…, O): an axis is tiles of outputs, each of all phases.
        out = out.reshape(*m, count, *(size for pair in zip(tiles, phases) for size in pair), problem.out_channels)
        order = (axis for i in range(n) for axis in (n + 1 + 2 * i, i, n + 2 + 2 * i))
        out = jnp.transpose(out, (n, *order, out.ndim - 1))
        out = out.reshape(count, *(a * t * d for a, t, d in zip(m, tiles, phases)), problem.out_channels)
        return out[(slice(None), *(slice(o) for o in problem.out_space))]

    images = _images(problem)
    if images == problem.batch:
        return solve(padded)
    stacked = padded.reshape(-1, images, *padded.shape[1:])
    return lax.map(solve, stacked).reshape(problem.out_shape)
