"""A long signal and a short kernel: blocks of the signal by FFT, their tails added to the next block (Stockham, 1966).

The signal is cut into blocks of V samples, each transformed at a length M ≥ V + K − 1; the K − 1 samples by which a
block's result exceeds it belong to the next block. The blocks do not overlap, so that cutting is a reshape.

The kernel being real, two blocks of a real signal are transformed as one complex block: its real part stays that of
the first, its imaginary part that of the second. That is as many operations as two real transforms, without the
passes that put a real spectrum together and apart.
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core.fast_length import fast_length
from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, dilated, unit

CACHED_LENGTH, BEYOND_CACHE = 1 << 14, 1.3
"""Longer transforms leave the cache and take so much longer for each operation (measured by eye on two Zen cores)."""


def refusal(problem: Problem) -> str | None:
    if problem.ndim != 1:
        return f"for one spatial axis, got {problem.ndim}"
    if not (problem.is_real or problem.is_complex):
        return f"not exact for {problem.dtype}"
    if not unit(problem, "lhs_dilation"):
        return "no input dilation: polyphase removes it"
    if problem.in_channels != 1:
        return "for groups of one input channel"
    if problem.space[0] < 4 * dilated(problem.taps[0], problem.rhs_dilation[0]):
        return "for signals at least four times as long as the kernel"
    return None


@functools.lru_cache(maxsize=4096)
def _lengths(problem: Problem) -> tuple[int, int]:
    """(samples in a block, FFT length): the length that costs least, within cache."""
    taps = dilated(problem.taps[0], problem.rhs_dilation[0])
    best = None
    length = fast_length(2 * taps)
    while length <= max(CACHED_LENGTH, 4 * taps):
        useful = length - taps + 1
        # Every block is transformed twice, the kernel once; beyond the cache transforms slow down.
        count = 2 * _blocks(problem, useful) / (2 if problem.is_real else 1) + 1
        cost = count * length * math.log2(length) * (1.0 if length <= CACHED_LENGTH else BEYOND_CACHE)
        if best is None or cost < best[0]:
            best = (cost, useful, length)
        length *= 2
    assert best is not None
    return best[1], best[2]


def _blocks(problem: Problem, block: int) -> int:
    """The number of blocks; even for real signals, whose blocks go in pairs."""
    together = 2 if problem.is_real else 1
    return -(-problem.space[0] // (together * block)) * together


def estimate(problem: Problem) -> Estimate:
    block, length = _lengths(problem)
    signals = problem.batch * problem.out_channels
    samples = signals * _blocks(problem, block) * length
    real = 0.5 if problem.is_real else 1.0
    flops = 2 * 5 * real * samples * math.log2(length) + 6 * real * samples
    flops += 5 * problem.out_channels * length * math.log2(length)
    work = {
        "calls": 1.0,
        "fft_flops": flops,
        "channel_bytes": float(samples * problem.itemsize) if problem.out_channels > 1 else 0.0,
        # Real blocks are put together to complex ones, and taken apart again.
        "bytes": (2.0 if problem.is_real else 1.0) * samples * problem.itemsize,
    }
    return Estimate(work, flops, 3 * samples * problem.itemsize, accuracy="fft")


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    block, length = _lengths(problem)
    dilation, stride = problem.rhs_dilation[0], problem.strides[0]
    taps = dilated(problem.taps[0], dilation)
    size, (before, _) = problem.space[0], problem.padding[0]
    blocks = _blocks(problem, block)
    signal = jnp.moveaxis(lhs, -1, 1)
    if problem.multiplier > 1:
        signal = jnp.repeat(signal, problem.multiplier, axis=1)
    signal = jnp.pad(signal, ((0, 0), (0, 0), (0, blocks * block - size))).reshape(*signal.shape[:2], blocks, block)
    # Convolution with the reversed kernel is correlation, delayed by taps − 1.
    kernel = jnp.flip(rhs[:, 0], 0).T
    kernel = lax.pad(kernel, jnp.zeros((), kernel.dtype), [(0, 0, 0), (0, length - taps, dilation - 1)])
    spectrum = jnp.fft.fft(kernel, length)[None, :, None]
    if problem.is_real:
        signal = lax.complex(signal[..., ::2, :], signal[..., 1::2, :])
    out = jnp.fft.ifft(jnp.fft.fft(signal, length) * spectrum)
    if problem.is_real:
        out = jnp.stack([out.real, out.imag], axis=-2).reshape(*out.shape[:2], blocks, length)
    tail = jnp.pad(out[..., :-1, block : block + taps - 1], ((0, 0), (0, 0), (1, 0), (0, block - taps + 1)))
    last = out[..., -1, block : block + taps - 1]
    out = (out[..., :block] + tail).reshape(*out.shape[:2], -1)
    out = jnp.concatenate([out, last], axis=-1)
    start = taps - 1 - before
    stop = start + stride * (problem.out_space[0] - 1) + 1
    out = lax.pad(
        out, jnp.zeros((), out.dtype), [(0, 0, 0), (0, 0, 0), (max(-start, 0), max(stop - out.shape[-1], 0), 0)]
    )
    shift = max(-start, 0)
    out = out[..., start + shift : stop + shift : stride]
    return jnp.moveaxis(out, 1, -1).astype(lhs.dtype)
