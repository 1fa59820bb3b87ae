"""`choose_conv_method`: direct or FFT, as the planner answers, or by measurement."""

from __future__ import annotations

import math
import time
from typing import Literal, overload

import jax
import numpy as np

from jconv.signal._dtypes import ArrayLike, as_array, is_floating, result_type
from jconv.signal.convolution._convolve import Method, convolve
from jconv.signal.convolution._extent import Mode, check_mode, check_same_rank, spans, valid_needs_swap, window
from jconv.signal.convolution._integers import is_fft_faster

Answer = Literal["direct", "fft"]


@overload
def choose_conv_method(
    in1: ArrayLike, in2: ArrayLike, mode: Mode = "full", measure: Literal[False] = False
) -> Answer: ...
@overload
def choose_conv_method(
    in1: ArrayLike, in2: ArrayLike, mode: Mode, measure: Literal[True]
) -> tuple[Answer, dict[Answer, float]]: ...
@overload
def choose_conv_method(
    in1: ArrayLike, in2: ArrayLike, mode: Mode = "full", *, measure: Literal[True]
) -> tuple[Answer, dict[Answer, float]]: ...
def choose_conv_method(
    in1: ArrayLike, in2: ArrayLike, mode: Mode = "full", measure: bool = False
) -> Answer | tuple[Answer, dict[Answer, float]]:
    r"""Name the faster of the methods of `convolve` for arrays of these shapes and dtypes.

    .. math:: \arg\min_{m \in \{\text{direct}, \text{fft}\}} \text{seconds}(m)

    by the engine's cost model, or measured.

    Parameters
    ----------
    in1, in2 : array_like of one rank, or `jax.ShapeDtypeStruct`
        Only shapes and dtypes matter, unless `measure` is set.
    mode : {"full", "valid", "same"}
        As in `convolve`. Default "full".
    measure : bool
        Time both methods on the actual device instead, outside of jit. Default False.

    Returns
    -------
    "direct" or "fft"; with `measure` also a dictionary of the seconds that each took.

    Raises
    ------
    ValueError
        If the ranks differ, the mode is unknown, or neither array contains the other in mode "valid".

    Notes
    -----
    "fft" means that the planner would choose an algorithm whose error is that of Fourier transforms: one transform, or
    blocks of them. `jconv.plan` prints all candidates. Integers and booleans are summed exactly, so their answer is
    always "direct". Costs well under a millisecond without `measure`. Follows `scipy.signal.choose_conv_method`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> choose_conv_method(jnp.zeros(50_000), jnp.zeros(20_000))
    'fft'
    """
    if measure:
        x, h = as_array("in1", in1), as_array("in2", in2)
        times: dict[Answer, float] = {"fft": _seconds(x, h, mode, "fft"), "direct": _seconds(x, h, mode, "direct")}
        return min(times, key=lambda method: times[method]), times
    x, h = (jax.ShapeDtypeStruct(np.shape(a), getattr(a, "dtype", None) or np.asarray(a).dtype) for a in (in1, in2))
    check_mode(mode)
    check_same_rank(x, h)
    if mode == "valid" and x.ndim and valid_needs_swap(x.shape, h.shape):
        x, h = h, x
    dtype = result_type(x, h)
    if x.ndim == 0 or 0 in (x.size, h.size) or not is_floating(dtype):
        return "direct"
    kept = spans(mode, x.shape, h.shape)
    if h.size > x.size:
        x, h = h, x
    faster = is_fft_faster(x.shape, h.shape, window(x.shape, h.shape, kept), dtype)
    return "fft" if faster else "direct"


def _seconds(x: jax.Array, h: jax.Array, mode: Mode, method: Method) -> float:
    run = jax.jit(lambda x, h: convolve(x, h, mode, method))
    run(x, h).block_until_ready()
    best = math.inf
    for _ in range(3):
        start = time.perf_counter()
        run(x, h).block_until_ready()
        best = min(best, time.perf_counter() - start)
    return best
