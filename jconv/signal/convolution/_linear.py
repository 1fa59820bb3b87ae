"""The door to the engine: any samples of a linear convolution, under any boundary rule."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jconv import engine
from jconv._core import check
from jconv._core.boundary import pad
from jconv.signal._dtypes import HALF
from jconv.signal.convolution._extent import Span, window
from jconv.signal.convolution._integers import correlate_integers

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
    """Return the rule of `jconv._core.boundary` that a word of `scipy.signal` means."""
    return BOUNDARY_NAMES[check.choice("boundary", boundary, BOUNDARY_NAMES)]


def extend_and_crop(
    x: jax.Array, taps: Sequence[int], spans: Sequence[Span], rule: str, fillvalue: jax.Array | None
) -> tuple[jax.Array, tuple[tuple[int, int], ...]]:
    """Return the part of `x` that the samples in `spans` see, continued under `rule`, and the zeros around it."""
    batch = x.ndim - len(taps)
    crop, widths = [], []
    for n, (before, after) in zip(x.shape[batch:], window(x.shape[batch:], taps, spans), strict=True):
        crop.append(slice(max(0, -before), n - max(0, -after)))
        widths.append((max(0, before), max(0, after)))
    if rule == "constant" and fillvalue is None:
        return x[(..., *crop)], tuple(widths)
    # The rule continues the whole array; what is not seen is cropped afterwards.
    padded = pad(x, [(0, 0)] * batch + widths, rule, 0 if fillvalue is None else fillvalue)
    crop = [slice(c.start, c.stop + b + a) for c, (b, a) in zip(crop, widths, strict=True)]
    return padded[(..., *crop)], ((0, 0),) * len(taps)


@partial(jax.jit, static_argnames=("spans", "rule", "algorithm", "precision", "memory_budget", "spreads"))
def linear(
    x: jax.Array,
    h: jax.Array,
    fillvalue: jax.Array | None = None,
    *,
    spans: tuple[Span, ...],
    rule: str = "constant",
    algorithm: str | engine.Plan = "auto",
    precision: lax.PrecisionLike = None,
    memory_budget: int | None = None,
    spreads: bool = False,
) -> jax.Array:
    """Compute the samples in `spans` of the full convolution of `x`, continued under `rule`, with the kernel `h`.

    Both have one dtype; the leading axes that `x` has more than `h` are batch axes. Booleans are combined by "or",
    integers are summed exactly, float16 and bfloat16 in float32.

    An output depends on the samples under the kernel only: its rounding is relative to Σ|x||h| there, and a NaN reaches
    no further. With `spreads` the fastest algorithm is taken, which may be an FFT, whose rounding is relative to the
    largest output. A named `algorithm` is taken as it is.
    """
    dtype = x.dtype
    if dtype.kind == "b":
        x, h = x.astype(jnp.int32), h.astype(jnp.int32)
    elif dtype.name in HALF:
        x, h = x.astype(jnp.float32), h.astype(jnp.float32)
    x, padding = extend_and_crop(x, h.shape, spans, rule, fillvalue)
    h = lax.rev(h, range(h.ndim))
    if dtype.kind in "iu" and algorithm == "auto":
        return correlate_integers(x, h, padding)
    out = engine.correlate(
        x, h, padding=padding, algorithm=algorithm, precision=precision, memory_budget=memory_budget,
        finite_only=spreads or algorithm != "auto",
    )  # fmt: skip
    return out != 0 if dtype.kind == "b" else out.astype(dtype)
