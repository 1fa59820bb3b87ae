"""`choose_conv_method`: direct or FFT, by estimate or by measurement."""

from __future__ import annotations

import math
import time
from typing import Any

import jax
import numpy as np

from jconv.signal._dtypes import as_array
from jconv.signal._extent import check_mode, check_same_rank, spans, valid_needs_swap
from jconv.signal._fft import fast_length
from jconv.signal.convolve import convolve


def choose_conv_method(
    in1: Any, in2: Any, mode: str = "full", measure: bool = False
) -> str | tuple[str, dict[str, float]]:
    r"""The faster of `convolve`'s methods for arrays of these shapes and dtypes.

    .. math:: \text{direct: } \prod_i m_i \min(n, k) \qquad \text{fft: } \prod_i N_i \log N

    products, for m samples of output and transforms of length N.

    Parameters
    ----------
    in1, in2 : array_like of one rank
    mode : {"full", "valid", "same"}
    measure : bool
        Time both on the actual device instead of estimating. Not inside jit.

    Returns
    -------
    "direct" or "fft"; with `measure` also a dictionary of the seconds that each took.

    Raises
    ------
    ValueError
        As `convolve`.

    Notes
    -----
    Integers and booleans are summed exactly, so their answer is always "direct".
    Mirrors `scipy.signal.choose_conv_method`.

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
    kept = spans(mode, x.shape, h.shape)
    direct = math.prod(length for _, length in kept) * min(x.size, h.size)
    lengths = [
        fast_length(max(n, k, start + length, n + k - 1 - start))
        for n, k, (start, length) in zip(x.shape, h.shape, kept, strict=True)
    ]
    total = math.prod(lengths)
    return "fft" if _FFT_WEIGHT * total * math.log2(total + 1) + _FFT_OVERHEAD < direct else "direct"


_BY_FFT = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")

# Three transforms cost about 8 products for each N log2 N on a CPU, and a call about as much as 10^5 products.
_FFT_WEIGHT = 8.0
_FFT_OVERHEAD = 1e5


def _seconds(x: jax.Array, h: jax.Array, mode: str, method: str) -> float:
    run = jax.jit(lambda x, h: convolve(x, h, mode, method))
    run(x, h).block_until_ready()
    best = math.inf
    for _ in range(3):
        start = time.perf_counter()
        run(x, h).block_until_ready()
        best = min(best, time.perf_counter() - start)
    return best
