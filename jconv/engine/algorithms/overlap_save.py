"""A large image and a kernel by FFT, in overlapping tiles, of which what does not wrap is kept (Stockham, 1966).

A tile of M samples along an axis gives M − K + 1 outputs; the next tile begins so many samples later. The kernel is
transformed at the length of a tile, not of the image, and a loop takes some tiles at a time, so that everything but
the image itself stays in cache: fresh memory for arrays of the image's size would cost more than their transforms.
Windows at the border are moved inside the image, and what they then lack is zero; the last window of an axis ends where
the image ends, and computes some outputs again.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Sequence
from types import MappingProxyType

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core.fast_length import fast_length
from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, dilated, unit
from jconv.engine.algorithms._parts.fourier import MAX_FFT_AXES, correlation_spectrum

WINDOW_SAMPLES = 1 << 20
"""Samples of the tiles transformed in one step: with their spectrum and its product, what a cache holds."""

TILE_SAMPLES = 1 << 18
"""Samples of one tile at most."""

LEAST_LENGTH = MappingProxyType({2: 128, 3: 48})
"""Shorter tiles, for two or three axes, are not looked at."""


@dataclasses.dataclass(frozen=True)
class _Axis:
    """How one axis is cut: `steps` windows of `window` outputs.

    Each window has `tiles` tiles of `length` samples, of which `useful` outputs are kept.
    """

    length: int
    useful: int
    tiles: int
    window: int
    steps: int


def refusal(problem: Problem) -> str | None:
    if not (problem.is_real or problem.is_complex):
        return f"not exact for {problem.dtype}"
    if not 2 <= problem.ndim <= MAX_FFT_AXES:
        return f"for 2 to {MAX_FFT_AXES} spatial axes, got {problem.ndim}"
    if problem.lhs_shape[-1] != 1 or problem.out_channels != 1:
        return "for a single channel"
    if not unit(problem, "lhs_dilation", "strides"):
        return "no strides or input dilation"
    if math.prod(_reach(problem)) > TILE_SAMPLES // 4:
        return "the kernel is as large as a tile"
    if math.prod(problem.out_space) < TILE_SAMPLES:
        return "for images of several tiles"
    return None


def _reach(problem: Problem) -> list[int]:
    return [dilated(k, d) for k, d in zip(problem.taps, problem.rhs_dilation)]


@functools.lru_cache(maxsize=4096)
def _cut(out_space: tuple[int, ...], reach: tuple[int, ...]) -> tuple[_Axis, ...]:
    """The tiles that cost least."""
    options = []
    for outputs, taps in zip(out_space, reach):
        lengths = {}
        for count in range(1, 65):
            length = fast_length(-(-outputs // count) + taps - 1)
            lengths[length] = -(-outputs // (length - taps + 1))
            if length < max(2 * taps, LEAST_LENGTH[len(reach)]):
                break
        options.append(list(lengths.items()))

    def cost(tile: tuple[tuple[int, int], ...]) -> tuple[int, float]:
        size = math.prod(length for length, _ in tile)
        work = size * math.log2(size) * (1 + math.prod(count for _, count in tile))
        return max(size, TILE_SAMPLES), work

    best = min(itertools.product(*options), key=cost)
    axes, room = [], WINDOW_SAMPLES // math.prod(length for length, _ in best)
    for outputs, taps, (length, count) in reversed(list(zip(out_space, reach, best))):
        tiles = max(1, min(count, room))
        steps = -(-count // tiles)
        tiles = -(-count // steps)
        room //= tiles
        useful = min(length - taps + 1, outputs)
        axes.append(_Axis(length, useful, tiles, outputs if steps == 1 else tiles * useful, steps))
    return tuple(reversed(axes))


def _axes(problem: Problem) -> tuple[_Axis, ...]:
    return _cut(problem.out_space, tuple(_reach(problem)))


def estimate(problem: Problem) -> Estimate:
    axes = _axes(problem)
    size, tiles, steps = (math.prod(values) for values in zip(*((a.length, a.tiles, a.steps) for a in axes)))
    steps *= problem.batch
    samples = steps * size * tiles
    real = 0.5 if problem.is_real else 1.0
    flops = 5 * real * math.log2(size) * (2 * samples + size)
    work = {
        "calls": 1.0,
        "fft_flops": flops,
        "tile_bytes": float(samples * problem.itemsize),
        "bytes": float(problem.io_bytes),
        "steps": float(steps),
    }
    return Estimate(work, flops + 8 * real * samples, 5 * size * tiles * problem.itemsize, accuracy="fft")


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    axes = _axes(problem)
    image, spectrum = lhs[..., 0], _kernel_spectrum(problem, rhs[..., 0, 0], axes)
    last = tuple(range(-problem.ndim, 0))
    lengths = tuple(axis.length for axis in axes)
    # A window reads no more than the image holds; `margin` zeros around make up for what it lacks.
    spans = [(axis.tiles - 1) * axis.useful + axis.length for axis in axes]
    sizes = [min(n, span) for n, span in zip(problem.space, spans)]
    margins = [(lo, max(hi, span - lo - size)) for (lo, hi), span, size in zip(problem.padding, spans, sizes)]
    counts = (problem.batch, *(axis.steps for axis in axes))

    def window(step: jax.Array, out: jax.Array) -> jax.Array:
        place = _unravel(step, counts)
        first = [jnp.minimum(p * a.window, o - a.window) for p, a, o in zip(place[1:], axes, problem.out_space)]
        origin = [f - lo for f, (lo, _) in zip(first, problem.padding)]
        start = [jnp.clip(w, 0, n - size) for w, n, size in zip(origin, problem.space, sizes)]
        part = lax.dynamic_slice(image, (place[0], *start), (1, *sizes))[0]
        part = lax.optimization_barrier(jnp.pad(part, margins))
        # How far the window was moved is where the tiles begin.
        shift = [lo + w - s for (lo, _), w, s in zip(problem.padding, origin, start)]
        tiles = lax.optimization_barrier(_tiles(part, shift, axes))
        forward, inverse = (jnp.fft.rfftn, jnp.fft.irfftn) if problem.is_real else (jnp.fft.fftn, jnp.fft.ifftn)
        tiles = inverse(forward(tiles, axes=last) * spectrum, s=lengths, axes=last).astype(out.dtype)
        part = lax.optimization_barrier(_join(lax.optimization_barrier(tiles), axes))
        return lax.dynamic_update_slice(out, part[None], (place[0], *first))

    shape = (problem.batch, *problem.out_space)
    out = lax.fori_loop(0, math.prod(counts), window, jnp.zeros(shape, lhs.dtype))
    return out[..., None]


def _kernel_spectrum(problem: Problem, weights: jax.Array, axes: Sequence[_Axis]) -> jax.Array:
    config = [(0, a.length - r, d - 1) for a, r, d in zip(axes, _reach(problem), problem.rhs_dilation)]
    weights = lax.pad(weights, jnp.zeros((), weights.dtype), config)
    spectrum = correlation_spectrum(weights, tuple(range(weights.ndim)))
    return spectrum if problem.is_complex else lax.optimization_barrier(spectrum)


def _unravel(step: jax.Array, counts: Sequence[int]) -> list[jax.Array]:
    place = []
    for count in reversed(counts):
        place.append(step % count)
        step = step // count
    return place[::-1]


def _tiles(part: jax.Array, shift: Sequence[jax.Array], axes: Sequence[_Axis]) -> jax.Array:
    """All tiles of a window, stacked."""
    starts = itertools.product(*(range(axis.tiles) for axis in axes))
    lengths = [axis.length for axis in axes]
    return jnp.stack(
        [lax.dynamic_slice(part, [s + t * a.useful for s, t, a in zip(shift, tile, axes)], lengths) for tile in starts]
    )


def _join(tiles: jax.Array, axes: Sequence[_Axis]) -> jax.Array:
    """The outputs of all tiles, side by side."""
    tiles = tiles[(slice(None), *(slice(axis.useful) for axis in axes))]
    tiles = tiles.reshape(*(axis.tiles for axis in axes), *tiles.shape[1:])
    for n in reversed(range(len(axes))):  # (t₀ … tₙ, u₀ … uₙ …): the last axis of tiles first
        tiles = jnp.concatenate(list(jnp.moveaxis(tiles, n, 0)), axis=2 * n)
    return tiles[tuple(slice(axis.window) for axis in axes)]
