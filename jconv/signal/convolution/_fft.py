"""Convolution by the FFT and by overlap-add over chosen axes; all other axes broadcast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core import halves
from jconv._core.fast_length import fast_length
from jconv.signal.convolution._extent import Span

LONG = 1 << 12
"""Samples from which halves are faster; they err a little more than one real transform."""


def forward(x: jax.Array, lengths: Sequence[int], real: bool) -> jax.Array:
    """The discrete Fourier transform over the last axes, zero-padded to `lengths`."""
    n = len(lengths)
    widths = [(0, 0)] * (x.ndim - n) + [(0, m - s) for m, s in zip(lengths, x.shape[x.ndim - n :], strict=True)]
    x = jnp.pad(x, widths)
    last = min(n, 3)  # the transform's own limit
    kind = jnp.fft.rfftn if real else jnp.fft.fftn
    x = kind(x, axes=range(-last, 0))
    for axis in range(-n, -last):
        x = jnp.fft.fft(x, axis=axis)
    return x


def inverse(x: jax.Array, lengths: Sequence[int], real: bool) -> jax.Array:
    """The inverse of `forward`."""
    n = len(lengths)
    last = min(n, 3)
    for axis in range(-n, -last):
        x = jnp.fft.ifft(x, axis=axis)
    if real:
        return jnp.fft.irfftn(x, s=lengths[-last:], axes=range(-last, 0))
    return jnp.fft.ifftn(x, axes=range(-last, 0))


def _last(x: jax.Array, axes: Sequence[int]) -> jax.Array:
    return jnp.moveaxis(x, axes, range(-len(axes), 0))


def _back(x: jax.Array, axes: Sequence[int]) -> jax.Array:
    return jnp.moveaxis(x, range(-len(axes), 0), axes)


def _convolved(x: jax.Array, h: jax.Array, lengths: Sequence[int]) -> jax.Array:
    """The circular convolution over the last axes; along one axis, long real arrays by halves."""
    real = not jnp.iscomplexobj(x)
    if not real or len(lengths) > 1 or lengths[0] < LONG:
        return inverse(forward(x, lengths, real) * forward(h, lengths, real), lengths, real)
    widths = [(0, 0)] * (x.ndim - 1)
    (even_x, odd_x), (even_h, odd_h) = (
        halves.forward(jnp.pad(a, [*widths, (0, lengths[0] - a.shape[-1])])) for a in (x, h)
    )
    back = jnp.conj(halves.turn(even_x.shape[-1], even_x.dtype))
    return halves.inverse(even_x * even_h + back * odd_x * odd_h, even_x * odd_h + odd_x * even_h)


@partial(jax.jit, static_argnames=("axes", "spans"))
def fft_convolve(x: jax.Array, h: jax.Array, *, axes: tuple[int, ...], spans: tuple[Span, ...]) -> jax.Array:
    """The samples in `spans`, one for each of `axes`, of x * h by one transform.

    The transform of length N adds full[i + N] to full[i]. It is as short as leaves the wanted samples clean:
    N ≥ start + length and full - N ≤ start.
    """
    real = not jnp.iscomplexobj(x)
    x, h = _last(x, axes), _last(h, axes)
    n = len(axes)
    lengths = []
    for a, b, (start, length) in zip(x.shape[-n:], h.shape[-n:], spans, strict=True):
        least = max(a, b, start + length, a + b - 1 - start)
        lengths.append(halves.length(least) if real and n == 1 and least >= LONG else fast_length(least))
    out = _convolved(x, h, lengths)
    keep = (..., *(slice(start, start + length) for start, length in spans))
    return _back(out[keep], axes)


def block_length(n: int, k: int) -> int | None:
    """The transform length N for blocks of N - k + 1 samples with least work; None where one transform is less.

    The work for a sample is proportional to N log N / (N - k + 1).
    """
    n, k = max(n, k), min(n, k)
    whole = fast_length(n + k - 1)
    candidates = {fast_length(k * f // 2) for f in range(4, 65)} | {fast_length(max(k, 64) * f) for f in (2, 4, 8, 16)}
    candidates = [c for c in candidates if 2 * k <= c < whole]

    def work(size: int, step: int) -> float:
        return math.ceil((n + k - 1) / step) * size * math.log2(size)

    if k == 1 or not candidates:
        return None
    best = min(candidates, key=lambda c: work(c, c - k + 1))
    return best if work(best, best - k + 1) < work(whole, n + k - 1) else None


def _split(x: jax.Array, axis: int, step: int, blocks: int) -> jax.Array:
    """Cut `axis` into `blocks` pieces of `step` samples, zero-padded at the end; the piece's index stands first."""
    widths = [(0, 0)] * x.ndim
    widths[axis] = (0, blocks * step - x.shape[axis])
    x = jnp.pad(x, widths)
    shape = (*x.shape[:axis], blocks, step, *x.shape[axis + 1 :])
    return jnp.moveaxis(x.reshape(shape), axis, 0)


def _overlap_add(y: jax.Array, axis: int, step: int, full: int) -> jax.Array:
    """Lay the pieces `y[i]` at i·step along `axis` of the rest, add where they overlap, keep `full` samples."""
    y = jnp.moveaxis(y, 0, axis)
    after = axis + 1
    blocks, size = y.shape[axis], y.shape[after]
    head, tail = lax.split(y, (step, size - step), axis=after)
    # A piece's tail, shorter than a step, falls on the head of the next piece.
    widths = [(0, 0)] * y.ndim
    widths[axis], widths[after] = (1, 0), (0, 2 * step - size)
    tail = jnp.pad(tail, widths)
    widths = [(0, 0)] * y.ndim
    widths[axis] = (0, 1)
    out = (jnp.pad(head, widths) + tail).reshape((*y.shape[:axis], (blocks + 1) * step, *y.shape[after + 1 :]))
    return lax.slice_in_dim(out, 0, full, axis=axis)


def _pairs_convolved(x: jax.Array, h: jax.Array, lengths: Sequence[int], pairs: int) -> jax.Array:
    """The same for real arrays, one of them in an even number of blocks along the axis `pairs`.

    The other one being real, two blocks are transformed as the real and the imaginary part of one complex block,
    without the passes that put real spectra together and apart.
    """

    def paired(a: jax.Array) -> jax.Array:
        if a.shape[pairs] == 1:  # not cut
            return a
        parts = [lax.slice_in_dim(a, first, None, 2, pairs) for first in (0, 1)]
        return lax.complex(*parts)

    z = inverse(forward(paired(x), lengths, False) * forward(paired(h), lengths, False), lengths, False)
    y = jnp.stack([z.real, z.imag], axis=pairs + 1)
    return y.reshape(*y.shape[:pairs], 2 * y.shape[pairs], *y.shape[pairs + 2 :])


@partial(jax.jit, static_argnames=("axes", "spans"))
def overlap_add_convolve(x: jax.Array, h: jax.Array, *, axes: tuple[int, ...], spans: tuple[Span, ...]) -> jax.Array:
    """The samples in `spans`, one for each of `axes`, of x * h, the longer one cut into blocks along each axis."""
    real = not jnp.iscomplexobj(x)
    x, h = _last(x, axes), _last(h, axes)
    n, rank = len(axes), x.ndim
    full = [a + b - 1 for a, b in zip(x.shape[-n:], h.shape[-n:], strict=True)]
    lengths, cuts = [], []
    for j in range(n):
        a, b = x.shape[rank - n + j], h.shape[rank - n + j]
        size = block_length(a, b)
        lengths.append(fast_length(full[j]) if size is None else size)
        if size is not None:
            step = size - min(a, b) + 1
            blocks = math.ceil(max(a, b) / step)
            # Real blocks go in pairs along the first axis that is cut.
            cuts.append((j, step, blocks + blocks % 2 if real and not cuts else blocks))
    for done, (j, step, blocks) in enumerate(cuts):
        axis = done + rank - n + j
        if x.shape[axis] >= h.shape[axis]:
            x, h = _split(x, axis, step, blocks), h[None]
        else:
            x, h = x[None], _split(h, axis, step, blocks)
    # Every cut puts its blocks in front of those before it, so the first one's stand behind the others.
    y = _pairs_convolved(x, h, lengths, len(cuts) - 1) if real and cuts else _convolved(x, h, lengths)
    for done, (j, step, _) in reversed(list(enumerate(cuts))):
        y = _overlap_add(y, done + rank - n + j, step, full[j])
    keep = (..., *(slice(start, start + length) for start, length in spans))
    return _back(y[keep], axes)
