"""`resample_poly` and `decimate`: change the sampling rate by a filter."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv.signal._dtypes import ArrayLike, as_array, result_type
from jconv.signal._extend import MODES
from jconv.signal.design._cheby1 import cheby1_sos
from jconv.signal.design._firwin import firwin
from jconv.signal.rates._upfirdn import upfirdn
from jconv.signal.recursion import filtfilt, lfilter, sosfilt, sosfiltfilt


def _median(x: jax.Array, axis: int, keepdims: bool) -> jax.Array:
    """Return the median; of complex numbers as in NumPy, ordered by their real parts, then by their imaginary ones."""
    if not jnp.iscomplexobj(x):
        return jnp.median(x, axis=axis, keepdims=keepdims)
    ordered, half = jnp.sort(x, axis=axis), x.shape[axis] // 2
    middle = lax.slice_in_dim(ordered, half - (x.shape[axis] + 1) % 2, half + 1, axis=axis)
    return jnp.mean(middle, axis=axis, keepdims=keepdims)


_BACKGROUND: dict[str, Callable[..., jax.Array]] = {
    "mean": jnp.mean,
    "median": _median,
    "minimum": jnp.min,
    "maximum": jnp.max,
}


class TransferFunction(Protocol):
    """A system that knows its transfer function, such as `scipy.signal.dlti`."""

    def to_tf(self) -> Polynomials: ...


class Polynomials(Protocol):
    """Numerator and denominator."""

    num: np.ndarray
    den: np.ndarray


def resample_poly(
    x: ArrayLike,
    up: int,
    down: int,
    axis: int = 0,
    window: str | float | tuple | Sequence[float] | np.ndarray | jax.Array = ("kaiser", 5.0),
    padtype: str = "constant",
    cval: ArrayLike | None = None,
) -> jax.Array:
    r"""Resample by the rational factor up/down with a zero-phase FIR filter.

    .. math:: y[m] = \sum_j h[m d - j u + c]\, x[j]

    with the filter's middle tap c.

    Parameters
    ----------
    x : array (..., n, ...)
        The signals.
    up, down : int
        The factors u and d.
    axis : int
        The axis of time. Default 0.
    window : str, float, tuple or array (k,)
        A window's name as in `get_window`, for a low-pass of 20 max(u, d) + 1 taps; or the taps themselves, as a list
        or an array. Default ("kaiser", 5.0).
    padtype : str
        How `x` continues outside: "mean", "median", "minimum", "maximum" or a mode of `upfirdn`. Default "constant".
    cval : scalar, optional
        The value outside under "constant". Default 0.

    Returns
    -------
    y : array (..., ceil(n u / d), ...)

    Raises
    ------
    ValueError
        If a factor is not a positive integer, `padtype` is unknown, or `cval` comes with another `padtype`.

    Notes
    -----
    Cost and memory are those of `upfirdn`: about 20 products an output, and memory in proportion to input, filter and
    output. Differentiable in `x`, `cval` and the taps. Follows `scipy.signal.resample_poly`.

    Examples
    --------
    >>> resample_poly([1.0, 2, 3, 4], 2, 1).shape
    (8,)
    """
    x = as_array("x", x)
    for name, value in (("up", up), ("down", down)):
        if value != int(value):
            raise ValueError(f"{name} must be an integer, got {value!r}")
    up, down = int(up), int(down)
    if up < 1 or down < 1:
        raise ValueError(f"up and down must be >= 1, got {up} and {down}")
    if cval is not None and padtype != "constant":
        raise ValueError(f"cval has no effect when padtype is {padtype!r}; use padtype='constant' or leave `cval` out")
    if padtype not in _BACKGROUND and padtype not in MODES:
        raise ValueError(f"padtype must be one of: {', '.join([*_BACKGROUND, *MODES])}; got {padtype!r}")
    axis = check.axis("axis", axis, x.ndim)
    common = math.gcd(up, down)
    up, down = up // common, down // common
    if up == down == 1:
        return x
    n = x.shape[axis]
    wanted = -(-n * up // down)
    if x.size == 0:
        return jnp.zeros((*x.shape[:axis], wanted, *x.shape[axis + 1 :]), result_type(x, np.float32))
    if isinstance(window, (list, np.ndarray, jax.Array)):
        h = as_array("window", window)
        if h.ndim != 1:
            raise ValueError(f"window must be 1-D, got shape {h.shape}; pass the taps of one filter")
        half = (h.size - 1) // 2
    else:
        half = 10 * max(up, down)
        h = firwin(2 * half + 1, 1.0 / max(up, down), window=window)
        if x.dtype.kind in "fcV":
            h = h.astype(x.dtype)
    h = h * up
    # Zeros before the taps bring the middle tap onto an output sample, zeros behind them give the last outputs.
    before = down - half % down
    skipped = (half + before) // down
    after = max(0, (wanted + skipped - 1) * down + 1 - (n - 1) * up - h.size - before)
    h = jnp.pad(h, (before, after))
    if padtype in _BACKGROUND:
        if x.dtype.kind in "biu":
            x = x.astype(result_type(np.float64))
        level = _BACKGROUND[padtype](x, axis=axis, keepdims=True)
        y = upfirdn(h, x - level, up, down, axis=axis)
        return lax.slice_in_dim(y, skipped, skipped + wanted, axis=axis) + level
    y = upfirdn(h, x, up, down, axis=axis, mode=padtype, cval=0 if cval is None else cval)
    return lax.slice_in_dim(y, skipped, skipped + wanted, axis=axis)


def decimate(
    x: ArrayLike,
    q: int,
    n: int | None = None,
    ftype: str | TransferFunction = "iir",
    axis: int = -1,
    zero_phase: bool = True,
    *,
    unit_gain: bool = False,
) -> jax.Array:
    r"""Low-pass filter and keep every q-th sample.

    .. math:: y[m] = (h * x)[q m]

    Parameters
    ----------
    x : array (..., n, ...)
        The signals.
    q : int
        The factor.
    n : int, optional
        The filter's order. Default 20 q for "fir", 8 for "iir".
    ftype : {"iir", "fir"} or a system
        A Chebyshev filter of type I with 0.05 dB ripple, a Hamming-windowed low-pass, or an object with `to_tf()` such
        as `scipy.signal.dlti`. Default "iir".
    axis : int
        The axis of time. Default -1.
    zero_phase : bool
        Compensate the filter's delay: shift "fir" by half its length, run "iir" forwards and backwards. Default True.
    unit_gain : bool
        Whether a constant stays what it is under "iir". Default False, as in SciPy: the ripple of an even order lies
        below 1, so that each pass takes 0.6 % off a constant.

    Returns
    -------
    y : array (..., ceil(n / q), ...)

    Raises
    ------
    TypeError
        If `q` or `n` is not an integer.
    ValueError
        If `ftype` is unknown.

    Notes
    -----
    Costs and errors are those of `sosfilt` or `upfirdn`. Linear in `x`; differentiable. Follows
    `scipy.signal.decimate`.

    Examples
    --------
    >>> decimate([1.0] * 40, 2, ftype="fir")[8:12].round(1)
    Array([1., 1., 1., 1.], dtype=float...)
    """
    x = as_array("x", x)
    q = operator.index(q)
    if n is not None:
        n = operator.index(n)
    axis = check.axis("axis", axis, x.ndim)
    dtype = x.dtype if x.dtype.kind in "fc" and x.dtype != jnp.float16 else result_type(np.float64)
    every = (slice(None),) * axis + (slice(None, None, q),)
    to_tf = getattr(ftype, "to_tf", None)
    if to_tf is not None:
        system = to_tf()
        b, a = np.atleast_1d(np.squeeze(system.num)), np.atleast_1d(system.den)
        if not np.any(a[1:]):
            # No poles but at the origin: what is left of the denominator is a delay.
            return _decimate_fir(x, jnp.asarray(b / a[0]).astype(_filter_type(b, dtype)), q, axis, zero_phase)
        filtered = (filtfilt if zero_phase else lfilter)(b, a, x.astype(dtype), axis=axis)
        return filtered.astype(_filter_type(np.concatenate([b, a]), dtype))[every]
    if ftype == "fir":
        taps = firwin((20 * q if n is None else n) + 1, 1.0 / q, window="hamming").astype(dtype)
        return _decimate_fir(x, taps, q, axis, zero_phase)
    if ftype == "iir":
        sos = cheby1_sos(8 if n is None else n, 0.05, 0.8 / q)
        if unit_gain:
            sos[0, :3] /= np.prod(sos[:, :3].sum(axis=1) / sos[:, 3:].sum(axis=1))
        return (sosfiltfilt if zero_phase else sosfilt)(sos, x.astype(dtype), axis=axis).astype(dtype)[every]
    raise ValueError(f"invalid ftype {ftype!r}; `ftype` must be 'iir', 'fir' or a system with `to_tf()`")


def _filter_type(c: np.ndarray, dtype: np.dtype) -> np.dtype:
    return result_type(dtype, np.complex64) if np.iscomplexobj(c) else np.dtype(dtype)


def _decimate_fir(x: jax.Array, taps: jax.Array, q: int, axis: int, zero_phase: bool) -> jax.Array:
    if zero_phase:
        return resample_poly(x, 1, q, axis=axis, window=taps)
    wanted = -(-x.shape[axis] // q)
    return lax.slice_in_dim(upfirdn(taps, x, up=1, down=q, axis=axis), 0, wanted, axis=axis)
