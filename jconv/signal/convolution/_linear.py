"""The door to the engine: any samples of a linear convolution, under any boundary rule."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jconv import engine
from jconv._core import check
from jconv._core.boundary import pad
from jconv.signal._dtypes import HALF
from jconv.signal.convolution._extent import Span, window

# SciPy's words for boundaries, then NumPy's for those which SciPy lacks.
BOUNDARY_NAMES = {
    "fill": "constant",
    "pad": "constant",
    "wrap": "wrap",
    "circular": "wrap",
    "symm": "symmetric",
    "symmetric": "symmetric",
    "reflect": "reflect",
    "edge": "edge",
}


def boundary_rule(boundary: str) -> str:
    """The rule of `jconv._core.boundary` that a word of `scipy.signal` means."""
    return BOUNDARY_NAMES[check.choice("boundary", boundary, BOUNDARY_NAMES)]


def extended(
    x: jax.Array, h: jax.Array, spans: Sequence[Span], rule: str, fillvalue: jax.Array | None
) -> tuple[jax.Array, tuple[tuple[int, int], ...]]:
    """The part of `x` that the samples in `spans` of x * h see, and the zeros still to be put around it."""
    batch = x.ndim - h.ndim
    crop, widths = [], []
    for n, (before, after) in zip(x.shape[batch:], window(x.shape[batch:], h.shape, spans), strict=True):
        crop.append(slice(max(0, -before), n - max(0, -after)))
        widths.append((max(0, before), max(0, after)))
    if rule == "constant" and fillvalue is None:
        return x[(..., *crop)], tuple(widths)
    # The rule continues the whole array; what is not seen is cropped afterwards.
    padded = pad(x, [(0, 0)] * batch + widths, rule, 0 if fillvalue is None else fillvalue)
    crop = [slice(c.start, c.stop + b + a) for c, (b, a) in zip(crop, widths, strict=True)]
    return padded[(..., *crop)], ((0, 0),) * h.ndim


@partial(jax.jit, static_argnames=("spans", "rule", "algorithm", "precision", "memory_budget", "finite_only"))
def linear(
    x: jax.Array,
    h: jax.Array,
    fillvalue: jax.Array | None = None,
    *,
    spans: tuple[Span, ...],
    rule: str = "constant",
    algorithm: Any = "auto",
    precision: Any = None,
    memory_budget: int | None = None,
    finite_only: bool = True,
) -> jax.Array:
    """The samples in `spans` of the full convolution of `x`, continued under `rule`, with the kernel `h`.

    Both have one dtype; the leading axes that `x` has more than `h` are batch axes. Booleans are summed
    as "or", float16 and bfloat16 in float32.
    """
    dtype = x.dtype
    if dtype.kind == "b":
        x, h = x.astype(jnp.int32), h.astype(jnp.int32)
    elif dtype.name in HALF:
        x, h = x.astype(jnp.float32), h.astype(jnp.float32)
    x, widths = extended(x, h, spans, rule, fillvalue)
    out = engine.correlate(
        x, lax.rev(h, range(h.ndim)), padding=widths, algorithm=algorithm, precision=precision,
        memory_budget=memory_budget, finite_only=finite_only,
    )  # fmt: skip
    return out != 0 if dtype.kind == "b" else out.astype(dtype)
