"""The engine's face for signals and images: correlation of one array with one kernel, no channels."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax


def correlate(
    x: jax.Array,
    kernel: jax.Array,
    *,
    padding: Sequence[tuple[int, int]] | None = None,
    strides: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    algorithm="auto",
    precision=None,
    memory_budget: int | None = None,
) -> jax.Array:
    r"""Correlate the last axes of `x` with a kernel, zeros outside.

    .. math:: y[b, i] = \sum_k x[b, s i + d k - p]\, h[k]

    `kernel` has rank n; `x` has rank n or more, its leading axes being batch axes. Both have one dtype.
    `padding[j] = (before, after)` zeros along spatial axis j; the result has
    `(size + before + after - d (k - 1) - 1) // s + 1` samples there. The gradient is that of the formula.
    """
    n = kernel.ndim
    batch, space = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
    names = (0, n + 1, *range(1, n + 1))
    out = lax.conv_general_dilated(
        x.reshape((-1, *space, 1)),
        kernel[..., None, None],
        window_strides=tuple(strides or (1,) * n),
        padding=tuple(padding or ((0, 0),) * n),
        rhs_dilation=tuple(dilation or (1,) * n),
        dimension_numbers=lax.ConvDimensionNumbers(names, (n + 1, n, *range(n)), names),
        precision=precision,
    )
    return jnp.reshape(out, batch + out.shape[1:-1])
