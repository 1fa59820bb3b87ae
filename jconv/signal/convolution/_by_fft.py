"""Convolution by the FFT over chosen axes, all others broadcasting, by the engine's algorithms.

The engine convolves up to three axes of an array with one kernel. What NumPy's broadcasting adds is put around that
with `vmap`: an axis along which both arrays vary becomes a group of channels, one along which only the kernel varies
becomes output channels, and one along which only the signal varies is a batch axis.

More than three axes are folded: with the last ones padded to the length of their full convolution and flattened,
index j of (i, j) never carries into i, so that one convolution along the flattened axis is the convolution along all of
them (Kronecker's substitution).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jconv import engine
from jconv.signal.convolution._extent import Span, window

ENGINE_AXES = 3
"""Axes that the engine's FFTs take."""


@partial(jax.jit, static_argnames=("axes", "spans", "blocks"))
def convolve_by_fft(
    x: jax.Array, h: jax.Array, *, axes: tuple[int, ...], spans: tuple[Span, ...], blocks: bool = False
) -> jax.Array:
    """Compute the samples in `spans`, one for each of `axes`, of x * h: by one transform, or with `blocks` by several.

    Both arrays have one inexact dtype. Along all other axes their sizes are equal, or one of them is 1.
    """
    n = len(axes)
    x, h = (jnp.moveaxis(a, axes, range(-n, 0)) for a in (x, h))
    if n > ENGINE_AXES:
        y = _fold_last_axes(x, h, n, spans, blocks)
    else:
        y = _convolve_last_axes(x, h, n, spans, blocks)
    return jnp.moveaxis(y, range(-n, 0), axes)


def _fold_last_axes(x: jax.Array, h: jax.Array, n: int, spans: Sequence[Span], blocks: bool) -> jax.Array:
    """`_convolve_last_axes` for more axes than the engine takes: the surplus ones are flattened into the third."""
    kept = ENGINE_AXES - 1
    full = [a + b - 1 for a, b in zip(x.shape[-n:], h.shape[-n:], strict=True)]
    inner = full[kept + 1 :]

    def fold(a: jax.Array) -> jax.Array:
        widths = [(0, m - size) for m, size in zip(inner, a.shape[a.ndim - len(inner) :], strict=True)]
        a = jnp.pad(a, [(0, 0)] * (a.ndim - len(inner)) + widths)
        return a.reshape(*a.shape[: a.ndim - len(inner) - 1], -1)

    folded = (*spans[:kept], (0, full[kept] * math.prod(inner)))
    y = _convolve_last_axes(fold(x), fold(h), ENGINE_AXES, folded, blocks)
    y = y.reshape(*y.shape[:-1], *full[kept:])
    return y[(..., *(slice(start, start + length) for start, length in spans[kept:]))]


def _convolve_last_axes(x: jax.Array, h: jax.Array, n: int, spans: Sequence[Span], blocks: bool) -> jax.Array:
    batch = x.ndim - n
    if math.prod(h.shape[batch:]) > math.prod(x.shape[batch:]):
        x, h = h, x  # commutative; the shorter one is the kernel
    padding = window(x.shape[batch:], h.shape[batch:], spans)
    algorithm = _block_algorithm(x, h, batch, padding) if blocks else "fft"

    def correlate(x: jax.Array, h: jax.Array) -> jax.Array:
        # The gradients may be transforms too.
        return engine.correlate(x, h, padding=padding, algorithm=algorithm, finite_only=True)

    # The kernel keeps only the axes along which it varies, and the signal loses those along which only the kernel does.
    h_varies = [k > 1 for k in h.shape[:batch]]
    x_varies = [m > 1 or not kernel for m, kernel in zip(x.shape[:batch], h_varies, strict=True)]
    h = lax.rev(h, range(batch, h.ndim)).reshape(*_only(h.shape[:batch], h_varies), *h.shape[batch:])
    x = x.reshape(*_only(x.shape[:batch], x_varies), *x.shape[batch:])
    if any(h_varies):
        for signal, kernel in reversed(list(zip(x_varies, h_varies, strict=True))):
            correlate = jax.vmap(correlate, (0 if signal else None, 0 if kernel else None))
    return correlate(x, h)


def _block_algorithm(x: jax.Array, h: jax.Array, batch: int, padding: Sequence[tuple[int, int]]) -> str:
    """Return the engine's algorithm that works in blocks where one can do this problem, else one FFT."""
    pairs = list(zip(x.shape[:batch], h.shape[:batch], strict=True))
    signals = math.prod(m for m, k in pairs if k == 1)
    groups = math.prod(k for m, k in pairs if k > 1 and m > 1)
    kernels = math.prod(k for _, k in pairs)
    plan = engine.plan(
        jax.ShapeDtypeStruct((signals, groups, *x.shape[batch:]), x.dtype),
        jax.ShapeDtypeStruct((kernels, 1, *h.shape[batch:]), h.dtype),
        (1,) * len(padding),
        padding,
        feature_group_count=groups,
        finite_only=True,
    )
    possible = {c.algorithm for c in plan.candidates if math.isfinite(c.seconds)}
    return next((name for name in ("overlap_add", "overlap_save") if name in possible), "fft")


def _only(shape: Sequence[int], chosen: Sequence[bool]) -> list[int]:
    return [size for size, is_chosen in zip(shape, chosen, strict=True) if is_chosen]
