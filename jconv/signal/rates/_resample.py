"""`resample_poly` and `decimate`: change the sampling rate by a filter."""

from __future__ import annotations

import math
import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv.signal._dtypes import as_array, result_type
from jconv.signal._extend import MODES
from jconv.signal.design._cheby1 import cheby1_sos
from jconv.signal.design._firwin import firwin
from jconv.signal.rates._upfirdn import output_length, upfirdn
from jconv.signal.recursion._filtfilt import filtfilt, sosfiltfilt
from jconv.signal.recursion._lfilter import lfilter
from jconv.signal.recursion._sosfilt import sosfilt


def _median(x: jax.Array, axis: int, keepdims: bool) -> jax.Array:
    """The median; of complex numbers as NumPy has it, ordered by their real parts, then by their imaginary ones."""
    if not jnp.iscomplexobj(x):
        return jnp.median(x, axis=axis, keepdims=keepdims)
    ordered, half = jnp.sort(x, axis=axis), x.shape[axis] // 2
    middle = lax.slice_in_dim(ordered, half - (x.shape[axis] + 1) % 2, half + 1, axis=axis)
    return jnp.mean(middle, axis=axis, keepdims=keepdims)


_BACKGROUND = {"mean": jnp.mean, "median": _median, "minimum": jnp.min, "maximum": jnp.max}


def resample_poly(
    x: Any,
    up: int,
    down: int,
    axis: int = 0,
    window: Any = ("kaiser", 5.0),
    padtype: str = "constant",
    cval: Any = None,
) -> jax.Array:
    r"""Resample by the rational factor up/down with a zero-phase FIR filter.

    .. math:: y[m] = \sum_j h[m d - j u + c]\, x[j]

    with the filter's middle tap c.

    Parameters
    ----------
    x : array_like
    up, down : int
    axis : int
    window
        A window's name as in `get_window`, for a low-pass of 20·max(up, down) + 1 taps; or the taps themselves.
    padtype : str
        How `x` continues outside: "mean", "median", "minimum", "maximum" or a mode of `upfirdn`.
    cval : scalar, optional
        The value outside under "constant"; 0 by default.

    Returns
    -------
    Array with ⌈n·up / down⌉ samples along `axis`.

    Raises
    ------
    ValueError
        If a factor is no positive integer, `padtype` is unknown, or `cval` comes with another `padtype`.

    Notes
    -----
    Differentiable in `x`, `cval` and the taps. Mirrors `scipy.signal.resample_poly`.

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
    after = 0
    while output_length(h.size + before + after, n, up, down) < wanted + skipped:
        after += 1
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
    x: Any, q: int, n: int | None = None, ftype: Any = "iir", axis: int = -1, zero_phase: bool = True
) -> jax.Array:
    r"""Low-pass filter and keep every q-th sample.

    .. math:: y[m] = (h * x)[q m]

    Parameters
    ----------
    x : array_like
    q : int
        The factor.
    n : int, optional
        The filter's order; 20 q for "fir", 8 for "iir".
    ftype : {"iir", "fir"} or a system
        A Hamming-windowed low-pass, a Chebyshev filter of type I with 0.05 dB ripple, or an object with
        `to_tf()` such as `scipy.signal.dlti`.
    axis : int
    zero_phase : bool
        Compensate the filter's delay: shift "fir" by half its length, run "iir" forwards and backwards.

    Returns
    -------
    Array with ⌈n / q⌉ samples along `axis`.

    Raises
    ------
    ValueError, TypeError
        If `ftype` is unknown, or `q` or `n` is no integer.

    Notes
    -----
    Linear in `x`; differentiable. Mirrors `scipy.signal.decimate`.

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
    if hasattr(ftype, "to_tf"):
        system = ftype.to_tf()
        b, a = np.atleast_1d(np.squeeze(system.num)), np.atleast_1d(system.den)
        if not np.any(a[1:]):
            # No poles but at the origin: what is left of the denominator is a delay.
            return _decimate_fir(x, jnp.asarray(b / a[0]).astype(_filter_type(b, dtype)), q, axis, zero_phase)
        b, a = (jnp.asarray(c).astype(_filter_type(c, dtype)) for c in (b, a))
        return (filtfilt if zero_phase else lfilter)(b, a, x, axis=axis)[every]
    if ftype == "fir":
        taps = firwin((20 * q if n is None else n) + 1, 1.0 / q, window="hamming").astype(dtype)
        return _decimate_fir(x, taps, q, axis, zero_phase)
    if ftype == "iir":
        sos = jnp.asarray(cheby1_sos(8 if n is None else n, 0.05, 0.8 / q)).astype(dtype)
        return (sosfiltfilt if zero_phase else sosfilt)(sos, x, axis=axis)[every]
    raise ValueError(f"invalid ftype {ftype!r}; `ftype` must be 'iir', 'fir' or a system with `to_tf()`")


def _filter_type(c: np.ndarray, dtype: Any) -> np.dtype:
    return result_type(dtype, np.complex64) if np.iscomplexobj(c) else np.dtype(dtype)


def _decimate_fir(x: jax.Array, taps: jax.Array, q: int, axis: int, zero_phase: bool) -> jax.Array:
    if zero_phase:
        return resample_poly(x, 1, q, axis=axis, window=taps)
    wanted = -(-x.shape[axis] // q)
    return lax.slice_in_dim(upfirdn(taps, x, up=1, down=q, axis=axis), 0, wanted, axis=axis)
