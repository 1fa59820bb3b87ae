"""`convolve`, `correlate` and their kin: n-D, every mode, every boundary."""

from __future__ import annotations

import warnings
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv import engine
from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal._dtypes import ArrayLike, as_array, cast, inexact_type, is_floating, result_type
from jconv.signal.convolution._by_fft import convolve_by_fft
from jconv.signal.convolution._extent import MODES, Mode, check_mode, check_same_rank, spans, valid_needs_swap
from jconv.signal.convolution._linear import boundary_rule, linear

Method = Literal["auto", "direct", "fft"]
METHODS = get_args(Method)


def convolve(
    in1: ArrayLike,
    in2: ArrayLike,
    mode: Mode = "full",
    method: Method = "auto",
    *,
    boundary: str = "fill",
    fillvalue: ArrayLike = 0,
    algorithm: str | engine.Plan = "auto",
    precision: lax.PrecisionLike = None,
    memory_budget: int | None = None,
) -> jax.Array:
    r"""Convolve two n-D arrays.

    .. math:: y[m] = \sum_k x[m - k]\, h[k]

    Parameters
    ----------
    in1, in2 : array_like, shapes (n1, …) and (k1, …) of one rank
        Booleans, integers, real or complex numbers.
    mode : {"full", "valid", "same"}
        Which samples to return: all n + k - 1; the \|n - k\| + 1 that need no value outside (one array must contain the
        other); or the n of `in1`, from sample (k - 1) // 2 on. Default "full".
    method : {"auto", "direct", "fft"}
        "auto" lets the engine choose the fastest algorithm, which may be an FFT. "direct" admits only sums: a NaN,
        an infinity or a large sample then reaches as far as the other array and no further. Integers are exact under
        every method. Default "auto".
    boundary : {"fill", "wrap", "symm", "reflect", "edge"}
        How `in1` continues outside; SciPy's `convolve` has "fill" with 0 only. Default "fill".
    fillvalue : scalar
        The value outside under boundary="fill". Default 0.
    algorithm, precision, memory_budget
        As in `jconv.engine.correlate`, for the method "auto"; precision="highest" admits direct sums only.

    Returns
    -------
    Array, shape by `mode`, dtype by NumPy's promotion.

    Raises
    ------
    ValueError
        If the ranks differ, an array is empty, a word is unknown, or neither array contains the other in "valid".
    TypeError
        If JAX cannot hold a dtype, or an array is masked.

    Warns
    -----
    RuntimeWarning
        Outside of jit: if NaN or infinity spoils an explicit method="fft".

    Notes
    -----
    By "direct" the rounding of each output is relative to Σ|x||h| there; by "auto" and "fft" it may be relative to the
    largest output, as in SciPy. float16 and bfloat16 are summed in float32. The gradient is that of the formula, in
    both arrays and `fillvalue`. Follows `scipy.signal.convolve`. Difference: integers are exact also by "fft".

    Examples
    --------
    >>> convolve([1, 2, 3], [0, 1, 0.5])
    Array([0. , 1. , 2.5, 4. , 1.5], dtype=float...)
    """
    in1, in2 = as_array("in1", in1), as_array("in2", in2)
    check_mode(mode)
    check.choice("method", method, METHODS)
    check_same_rank(in1, in2)
    dtype = result_type(in1, in2)
    if in1.ndim == 0:
        return cast(in1, dtype) * cast(in2, dtype)
    if mode == "same" and in1.size == 0:
        return jnp.zeros(in1.shape, dtype)
    check.not_empty("in1", in1)
    check.not_empty("in2", in2)
    rule = boundary_rule(boundary)
    outside = None if rule != "constant" or is_zero(fillvalue) else fill(fillvalue, dtype)
    if mode == "valid" and valid_needs_swap(in1.shape, in2.shape):
        in1, in2 = in2, in1
    kept = spans(mode, in1.shape, in2.shape)
    plain = rule == "constant" and outside is None
    if method == "fft" and plain and is_floating(dtype):
        x, h = cast(in1, inexact_type(dtype)), cast(in2, inexact_type(dtype))
        out = convolve_by_fft(x, h, axes=tuple(range(in1.ndim)), spans=kept)
        _warn_of_nan(out)
        return cast(out, dtype)
    x, h = cast(in1, dtype), cast(in2, dtype)
    if plain and h.size > x.size:
        x, h = h, x  # commutative; the smaller array makes the better kernel
    if method == "direct":
        return linear(x, h, outside, spans=kept, rule=rule, memory_budget=memory_budget)
    if method == "fft" and is_floating(dtype):
        algorithm = "fft"
    return linear(
        x, h, outside, spans=kept, rule=rule, algorithm=algorithm, precision=precision, memory_budget=memory_budget,
        spreads=True,
    )  # fmt: skip


def correlate(
    in1: ArrayLike,
    in2: ArrayLike,
    mode: Mode = "full",
    method: Method = "auto",
    *,
    boundary: str = "fill",
    fillvalue: ArrayLike = 0,
    algorithm: str | engine.Plan = "auto",
    precision: lax.PrecisionLike = None,
    memory_budget: int | None = None,
) -> jax.Array:
    r"""Cross-correlate two n-D arrays.

    .. math:: z[m] = \sum_l x[l]\, \overline{y[l - m + k - 1]}

    Sample m belongs to the lag m - (k - 1); see `correlation_lags`.

    Parameters
    ----------
    in1, in2 : array_like, shapes (n1, …) and (k1, …) of one rank
        The arrays x and y.
    mode, method, boundary, fillvalue, algorithm, precision, memory_budget
        As in `convolve`.

    Returns
    -------
    Array, shape by `mode`, dtype by NumPy's promotion.

    Raises
    ------
    ValueError, TypeError
        As `convolve`.

    Notes
    -----
    Equals `convolve` of `in1` with `in2` reversed and conjugated, gradients, rounding and warnings included.
    Follows `scipy.signal.correlate`. In mode "same" an even kernel sits one sample off from `correlate2d`, as in SciPy.

    Examples
    --------
    >>> correlate([1, 2, 3], [0, 1, 0.5])
    Array([0.5, 2. , 3.5, 3. , 0. ], dtype=float...)
    """
    in2 = reverse_conj(as_array("in2", in2))
    return convolve(
        in1, in2, mode, method, boundary=boundary, fillvalue=fillvalue, algorithm=algorithm, precision=precision,
        memory_budget=memory_budget,
    )  # fmt: skip


def correlation_lags(in1_len: int, in2_len: int, mode: Mode = "full") -> jax.Array:
    r"""List the lags at which `correlate` of 1-D arrays takes its samples.

    .. math:: \text{lag}[m] = m - (k - 1)

    Parameters
    ----------
    in1_len, in2_len : int
        The numbers of samples, n and k.
    mode : {"full", "valid", "same"}
        As in `correlate`. Default "full".

    Returns
    -------
    Array of integers, shape as that of `correlate` under `mode`.

    Raises
    ------
    ValueError
        If a length is below 1 or the mode is unknown.

    Notes
    -----
    Follows `scipy.signal.correlation_lags`.

    Examples
    --------
    >>> correlation_lags(4, 2)
    Array([-1,  0,  1,  2,  3], dtype=int...)
    """
    n, k = check.positive_int("in1_len", in1_len), check.positive_int("in2_len", in2_len)
    if mode not in MODES:
        raise ValueError(f"Mode {mode} is invalid: `mode` must be one of {MODES}")
    if mode == "same":
        first = (n + k - 1) // 2 - n // 2 - (k - 1)
        return jnp.arange(first, first + n)
    ((start, length),) = spans(mode, (n,), (k,))
    return jnp.arange(start - (k - 1), start - (k - 1) + length)


def _warn_of_nan(out: jax.Array) -> None:
    if not is_traced(out) and out.size and not np.isfinite(out.reshape(-1)[0]):
        warnings.warn(
            "Use of fft convolution on input with NAN or inf results in NAN or inf output. "
            "Consider using method='direct' instead.",
            RuntimeWarning,
            stacklevel=3,
        )


def is_zero(fillvalue: ArrayLike) -> bool:
    """Whether `fillvalue` is the static number 0, which needs no explicit padding."""
    return isinstance(fillvalue, (bool, int, float, complex)) and fillvalue == 0


def fill(fillvalue: ArrayLike, dtype: np.dtype) -> jax.Array:
    """`fillvalue` as a scalar of `dtype`, or a ValueError."""
    value = as_array("fillvalue", fillvalue)
    if value.size != 1:
        raise ValueError(
            f"`fillvalue` must be scalar or an array with one element, got shape {value.shape}; pass one number"
        )
    if jnp.iscomplexobj(value) and dtype.kind != "c":
        raise ValueError(
            f"could not cast `fillvalue` directly to the output dtype {dtype}: it is complex; "
            "pass a real value or complex arrays"
        )
    return value.reshape(()).astype(dtype)


def reverse_conj(x: jax.Array) -> jax.Array:
    """`x` reversed along every axis and conjugated, which turns correlation into convolution."""
    x = lax.rev(x, range(x.ndim))
    return lax.conj(x) if jnp.iscomplexobj(x) else x
