"""Exact convolutions of integers: by the sum, or by FFTs in double precision where their rounding is below a half.

An FFT of N samples in double precision errs by at most log2(N) η ‖x‖ with η < 4 eps (Higham, *Accuracy and Stability of
Numerical Algorithms*, 2nd ed., theorem 24.2); a convolution is three of them and a product, so that each of its samples
is within

    16 eps log2(N) ‖x‖ ‖h‖

of an integer. Where that is below a half, rounding gives the integer. The norms are known when the program runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv import engine

FACTOR = 16


def correlate_integers(x: jax.Array, h: jax.Array, padding: Sequence[tuple[int, int]]) -> jax.Array:
    """`engine.correlate` of integers, exact modulo the range of their dtype."""

    def by_sum(x: jax.Array, h: jax.Array) -> jax.Array:
        return engine.correlate(x, h, padding=padding)

    wide = jax.dtypes.canonicalize_dtype(np.float64)
    if wide != np.float64 or not is_fft_faster(x.shape, h.shape, padding, wide):
        return by_sum(x, h)

    def by_fft(x: jax.Array, h: jax.Array) -> jax.Array:
        y = engine.correlate(x.astype(wide), h.astype(wide), padding=padding, finite_only=True)
        return jnp.rint(y).astype(jnp.int64).astype(x.dtype)  # narrow integers wrap, where floats would saturate

    def norm(a: jax.Array, axes: tuple[int, ...]) -> jax.Array:
        return jnp.sqrt(jnp.max(jnp.sum(a.astype(wide) ** 2, axis=axes)))

    space = x.shape[x.ndim - h.ndim :]
    samples = math.prod(n + k for n, k in zip(space, h.shape, strict=True))
    slack = FACTOR * np.finfo(np.float64).eps * math.log2(samples)
    signal_axes = tuple(range(x.ndim - h.ndim, x.ndim))
    exact = slack * norm(x, signal_axes) * norm(h, tuple(range(h.ndim))) < 0.5
    return lax.cond(exact, by_fft, by_sum, x, h)


def is_fft_faster(
    shape: Sequence[int], taps: Sequence[int], padding: Sequence[tuple[int, int]], dtype: np.dtype
) -> bool:
    """Whether the planner chooses a Fourier transform, or blocks of them, for arrays of floating `dtype`."""
    batch = math.prod(shape[: len(shape) - len(taps)])
    if not taps or 0 in shape or 0 in taps:
        return False
    plan = engine.plan(
        jax.ShapeDtypeStruct((batch, 1, *shape[len(shape) - len(taps) :]), dtype),
        jax.ShapeDtypeStruct((1, 1, *taps), dtype),
        (1,) * len(taps),
        padding,
        finite_only=True,
    )
    return plan.chosen.accuracy == "fft"
