"""A long signal and a short kernel: blocks of the signal by FFT, their tails added to the next block (Stockham, 1966).

The signal is cut into blocks of V samples, each transformed at a length M ≥ V + K − 1; the K − 1 samples by which a
block's result exceeds it belong to the next block. The blocks do not overlap, so that cutting is a reshape.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine.fast_length import fast_length
from jconv.engine.problem import Problem, dilated, unit

NAME = "overlap_add"
ACCURACY = "fft"


def supports(problem: Problem) -> str | None:
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


def _lengths(problem: Problem) -> tuple[int, int]:
    """(samples in a block, FFT length): the length that costs least for each sample, within cache."""
    taps = dilated(problem.taps[0], problem.rhs_dilation[0])
    best = None
    length = fast_length(2 * taps)
    while length <= max(1 << 14, 4 * taps):
        useful = length - taps + 1
        cost = length * math.log2(length) / useful * (1.0 if length <= 1 << 14 else 1.3)
        if best is None or cost < best[0]:
            best = (cost, useful, length)
        length *= 2
    assert best is not None
    return best[1], best[2]


def features(problem: Problem) -> dict[str, float]:
    block, length = _lengths(problem)
    signals = problem.batch * problem.out_channels
    blocks = -(-problem.space[0] // block)
    samples = signals * blocks * length
    real = 0.5 if problem.is_real else 1.0
    flops = 2 * 5 * real * samples * math.log2(length) + 8 * real * samples
    return {
        "calls": 1.0,
        "flops": flops,
        "fft_flops": flops,
        "channel_bytes": float(samples * problem.itemsize) if problem.out_channels > 1 else 0.0,
        "bytes": 2.0 * samples * problem.itemsize,
    }


def memory(problem: Problem) -> int:
    block, length = _lengths(problem)
    blocks = -(-problem.space[0] // block)
    return 3 * problem.batch * problem.out_channels * blocks * length * problem.itemsize


def parts(problem: Problem) -> tuple[Problem, ...]:
    return ()


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, run):
    block, length = _lengths(problem)
    dilation, stride = problem.rhs_dilation[0], problem.strides[0]
    taps = dilated(problem.taps[0], dilation)
    size, (before, _) = problem.space[0], problem.padding[0]
    blocks = -(-size // block)
    signal = jnp.moveaxis(lhs, -1, 1)
    if problem.multiplier > 1:
        signal = jnp.repeat(signal, problem.multiplier, axis=1)
    signal = jnp.pad(signal, ((0, 0), (0, 0), (0, blocks * block - size))).reshape(*signal.shape[:2], blocks, block)
    # Convolution with the reversed kernel is correlation, delayed by taps − 1.
    kernel = jnp.flip(rhs[:, 0], 0).T
    kernel = lax.pad(kernel, jnp.zeros((), kernel.dtype), [(0, 0, 0), (0, length - taps, dilation - 1)])
    forward, inverse = (jnp.fft.rfft, jnp.fft.irfft) if problem.is_real else (jnp.fft.fft, jnp.fft.ifft)
    out = inverse(forward(signal, length) * forward(kernel, length)[None, :, None], length)
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
