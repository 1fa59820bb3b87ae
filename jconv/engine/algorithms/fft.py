"""The convolution theorem: one real FFT of the whole input for each channel, a product, and the inverse.

Correlation of x with w is irfft(rfft(x) · conj(rfft(w))), exact for all outputs that do not wrap; a circular length of
what is read of the input suffices, less the zeros that both ends can share. Lengths are rounded up to 2^a 3^b 5^c.
Strides keep one sample in s of the full result, a dilated kernel is transformed with its zeros.

Along one axis real signals are transformed by halves (`jconv._core.halves`); the correlation of x and w has

    E = Eₓ conj(E_w) + Oₓ conj(O_w),   O = Oₓ conj(E_w) + t Eₓ conj(O_w).
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core import halves
from jconv._core.fast_length import fast_length
from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, dilated, unit
from jconv.engine.algorithms._parts import products
from jconv.engine.algorithms._parts.blocks import images_per_block
from jconv.engine.algorithms._parts.fourier import MAX_FFT_AXES, correlation_spectrum

BLOCK_BYTES = 64 << 20
"""Bytes of the images' transforms that are held at a time; larger batches are taken in pieces (a guess)."""

MATRIX_CHANNELS = 64
"""Products of input and output channels up to which they are summed elementwise (a heuristic)."""


def refusal(problem: Problem) -> str | None:
    if not (problem.is_real or problem.is_complex):
        return f"not exact for {problem.dtype}"
    if not unit(problem, "lhs_dilation"):
        return "no input dilation: polyphase removes it"
    if problem.ndim > MAX_FFT_AXES:
        return f"at most {MAX_FFT_AXES} spatial axes, got {problem.ndim}"
    return None


def _lengths(problem: Problem) -> list[int]:
    lengths = []
    for n, s, o, k, d, (lo, _) in zip(
        problem.space, problem.strides, problem.out_space, problem.taps, problem.rhs_dilation, problem.padding
    ):
        read = s * (o - 1) + dilated(k, d)
        # What is read behind the last sample is zeros, and may wrap onto the zeros before the first.
        shared = max(0, min(lo, dilated(k, d) - 1, read - lo - n))
        lengths.append(max(read - shared, dilated(k, d)))
    fast = halves.length if _by_halves(problem) else fast_length
    return [fast(n) for n in lengths]


def estimate(problem: Problem) -> Estimate:
    size = math.prod(_lengths(problem))
    channels = problem.batch * (problem.lhs_shape[-1] + problem.out_channels)
    transforms = channels + problem.in_channels * problem.out_channels
    real = 0.5 if problem.is_real else 1.0
    transformed = 5 * real * size * math.log2(max(size, 2)) * transforms
    products = 8 * real * size * problem.batch * problem.in_channels * problem.out_channels
    passes = 2.0 * size * transforms * problem.itemsize
    work = {"channel_bytes": passes if problem.out_channels > 1 else 0.0}
    if _by_halves(problem):
        work |= {"signal_calls": 1.0, "signal_flops": transformed * problem.itemsize / 4, "signal_bytes": passes}
    else:
        kind = "product_flops" if problem.in_channels == 1 else "matrix_flops"
        work |= {"calls": 1.0, "fft_flops": transformed, kind: products, "bytes": passes}
    each = 3 * size * problem.itemsize // 2
    kernels = problem.in_channels * problem.out_channels
    memory = each * (_images(problem) * channels // problem.batch + kernels)
    return Estimate(work, transformed + products, memory, accuracy="fft")


def _images(problem: Problem) -> int:
    """Images that are transformed at a time."""
    if _by_halves(problem):
        return problem.batch
    channels = problem.lhs_shape[-1] + problem.out_channels
    image = 3 * math.prod(_lengths(problem)) * channels * problem.itemsize // 2
    return images_per_block(problem.batch, image, BLOCK_BYTES)


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    n, lengths = problem.ndim, _lengths(problem)
    zero = jnp.zeros((), lhs.dtype)
    config = [(lo, m - lo - size, 0) for m, size, (lo, _) in zip(lengths, problem.space, problem.padding)]
    lhs = lax.pad(lhs, zero, [(0, 0, 0), *config, (0, 0, 0)])
    config = [(0, m - dilated(k, d), d - 1) for m, k, d in zip(lengths, problem.taps, problem.rhs_dilation)]
    rhs = lax.pad(rhs, zero, [*config, (0, 0, 0), (0, 0, 0)])
    # Channels first: XLA transforms the last axes.
    lhs = jnp.moveaxis(lhs, -1, 1)
    rhs = jnp.moveaxis(rhs, (-2, -1), (0, 1))
    if _by_halves(problem) and lengths[0] > 1:
        return _strided(problem, _correlate_halves(problem, lhs, rhs)).astype(lhs.dtype)
    axes = tuple(range(2, n + 2))
    forward, inverse = (jnp.fft.rfftn, jnp.fft.irfftn) if problem.is_real else (jnp.fft.fftn, jnp.fft.ifftn)
    spectrum = correlation_spectrum(rhs, axes)
    block = problem.replace(lhs_shape=(_images(problem), *problem.lhs_shape[1:]))

    def correlate(images: jax.Array) -> jax.Array:
        out = _channel_product(block, forward(images, axes=axes), spectrum)
        return _strided(block, inverse(out, s=tuple(lengths), axes=axes)).astype(images.dtype)

    if block.batch == problem.batch:
        return correlate(lhs)
    return lax.map(correlate, lhs.reshape(-1, block.batch, *lhs.shape[1:])).reshape(problem.out_shape)


def _strided(problem: Problem, out: jax.Array) -> jax.Array:
    """Every so many samples of the full result, channels last again."""
    stops = [s * (o - 1) + 1 for s, o in zip(problem.strides, problem.out_space)]
    out = lax.slice(out, (0,) * out.ndim, (*out.shape[:2], *stops), (1, 1, *problem.strides))
    return jnp.moveaxis(out, 1, -1)


def _by_halves(problem: Problem) -> bool:
    return problem.ndim == 1 and problem.is_real and problem.in_channels == 1


def _correlate_halves(problem: Problem, lhs: jax.Array, rhs: jax.Array) -> jax.Array:
    """The circular correlation along the last axis, of even length."""
    (even_x, odd_x), (even_w, odd_w) = halves.forward(lhs), map(jnp.conj, halves.forward(rhs))
    turn = halves.turn(even_x.shape[-1], even_x.dtype)
    even = _channel_product(problem, even_x, even_w) + _channel_product(problem, odd_x, odd_w)
    odd = _channel_product(problem, odd_x, even_w) + turn * _channel_product(problem, even_x, odd_w)
    return halves.inverse(even, odd)


def _channel_product(problem: Problem, lhs: jax.Array, rhs: jax.Array) -> jax.Array:
    """Σ_i lhs[b, g·I + i] rhs[i, g·m + j] at every frequency."""
    batch, groups, inputs, outputs = problem.batch, problem.groups, problem.in_channels, problem.multiplier
    frequencies = lhs.shape[2:]
    lhs = lhs.reshape(batch, groups, inputs, 1, *frequencies)
    rhs = jnp.swapaxes(rhs.reshape(inputs, groups, outputs, *frequencies), 0, 1)[None]
    if inputs == 1:
        out = lhs[:, :, 0] * rhs[:, :, 0]
    elif inputs * problem.out_channels <= MATRIX_CHANNELS:
        out = (lhs * rhs).sum(2)
    else:
        out = jnp.einsum(
            "bgif,gijf->bgjf",
            lhs.reshape(batch, groups, inputs, -1),
            rhs[0].reshape(groups, inputs, outputs, -1),
            precision=products.precision(problem.precision),
        )
    return out.reshape(batch, groups * outputs, *frequencies)
