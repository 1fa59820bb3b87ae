"""`choose_conv_method`: direct or FFT, as the planner answers, or by measurement."""

from __future__ import annotations

import math
import time
from typing import Any

import jax
import numpy as np

from jconv import engine
from jconv.signal._dtypes import as_array, result_type
from jconv.signal.convolution._convolve import convolve
from jconv.signal.convolution._extent import check_mode, check_same_rank, spans, valid_needs_swap
from jconv.signal.convolution._linear import window

_BY_FFT = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


def choose_conv_method(
    in1: Any, in2: Any, mode: str = "full", measure: bool = False
) -> str | tuple[str, dict[str, float]]:
    r"""The faster of `convolve`'s methods for arrays of these shapes and dtypes.

    .. math:: \arg\min_{m \in \{\text{direct}, \text{fft}\}} \text{seconds}(m)

    by the engine's cost model, or measured.

    Parameters
    ----------
    in1, in2 : array_like of one rank
    mode : {"full", "valid", "same"}
    measure : bool
        Time both on the actual device instead. Not inside jit.

    Returns
    -------
    "direct" or "fft"; with `measure` also a dictionary of the seconds that each took.

    Raises
    ------
    ValueError
        As `convolve`.

    Notes
    -----
    "fft" means that the planner would use one, whole or in blocks; `jconv.engine.plan` tells more. Integers and bools
    are summed exactly, so their answer is always "direct". Mirrors `scipy.signal.choose_conv_method`.

    >>> import jax.numpy as jnp
    >>> choose_conv_method(jnp.zeros(50_000), jnp.zeros(20_000))
    'fft'
    """
    if measure:
        x, h = as_array("in1", in1), as_array("in2", in2)
        times = {method: _seconds(x, h, mode, method) for method in ("fft", "direct")}
        return min(times, key=lambda m: times[m]), times
    x, h = (a if isinstance(a, jax.Array) else np.asarray(a) for a in (in1, in2))
    check_mode(mode)
    check_same_rank(x, h)
    if mode == "valid" and x.ndim and valid_needs_swap(x.shape, h.shape):
        x, h = h, x
    if x.ndim == 0 or not all(np.dtype(a.dtype).name in _BY_FFT for a in (x, h)):
        return "direct"
    kept, dtype = spans(mode, x.shape, h.shape), result_type(x, h)
    if h.size > x.size:
        x, h = h, x
    widths = window(jax.ShapeDtypeStruct(x.shape, dtype), h, kept)
    seen = [n + min(0, b) + min(0, a) for n, (b, a) in zip(x.shape, widths, strict=True)]
    plan = engine.plan(
        jax.ShapeDtypeStruct((1, 1, *seen), dtype),
        jax.ShapeDtypeStruct((1, 1, *h.shape), dtype),
        (1,) * h.ndim,
        [(max(0, b), max(0, a)) for b, a in widths],
    )
    return "fft" if plan.algorithm in ("fft", "overlap_add") else "direct"


def _seconds(x: jax.Array, h: jax.Array, mode: str, method: str) -> float:
    run = jax.jit(lambda x, h: convolve(x, h, mode, method))
    run(x, h).block_until_ready()
    best = math.inf
    for _ in range(3):
        start = time.perf_counter()
        run(x, h).block_until_ready()
        best = min(best, time.perf_counter() - start)
    return best
