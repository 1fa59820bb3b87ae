"""A layer of `benchmarks.layers` as arrays, as arguments of `lax.conv_general_dilated`, and as three jitted passes.

Nothing here touches the inside of jconv, so that it works on any checkout of it.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.layers import Layer

PASSES = ("forward", "dx", "dw")


def arguments(layer: Layer) -> dict:
    """The layer as keyword arguments of `lax.conv_general_dilated`."""
    n = layer.ndim
    spatial = "DHW"[3 - n :]
    taps = layer.kernel[:n]
    options = {
        "dimension_numbers": (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"),
        "rhs_dilation": (layer.dilation,) * n,
        "feature_group_count": layer.groups,
    }
    if layer.transposed:
        s = layer.strides
        before = [k - 1 if s > k - 1 else -(-(k + s - 2) // 2) for k in taps]
        padding = [(lo, k + s - 2 - lo) for lo, k in zip(before, taps)]
        return {**options, "window_strides": (1,) * n, "padding": padding, "lhs_dilation": (s,) * n}
    return {**options, "window_strides": (layer.strides,) * n, "padding": layer.padding}


def data(layer: Layer):
    """(x, w, ȳ) as float32 NumPy arrays."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(layer.x, np.float32)
    w = rng.standard_normal(layer.kernel, np.float32) / np.float32(np.sqrt(np.prod(layer.kernel[:-1])))
    shape = jax.eval_shape(functools.partial(lax.conv_general_dilated, **arguments(layer)), x, w).shape
    return x, w, rng.standard_normal(shape, np.float32)


def passes(convolve, arrays):
    """{"forward": (function, its arguments), …} for a function of (x, w)."""
    x, w, ct = map(jnp.asarray, arrays)

    def dx(w, ct):
        return jax.linear_transpose(lambda x: convolve(x, w), x)(ct)[0]

    def dw(x, ct):
        return jax.linear_transpose(lambda w: convolve(x, w), w)(ct)[0]

    return {"forward": (jax.jit(convolve), (x, w)), "dx": (jax.jit(dx), (w, ct)), "dw": (jax.jit(dw), (x, ct))}
