"""Savitzky–Golay smoothing and differentiation."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.boundary import pad
from jconv.signal._dtypes import as_array, cast
from jconv.signal.convolution._linear import linear

_MODES = {"mirror": "reflect", "constant": "constant", "nearest": "edge", "wrap": "wrap", "interp": "constant"}


def savgol_coeffs(
    window_length: int, polyorder: int, deriv: int = 0, delta: Any = 1.0, pos: float | None = None, use: str = "conv"
) -> jax.Array:
    r"""The weights of a Savitzky–Golay filter.

    .. math:: c = \arg\min \|c\| \ \text{ subject to } \ \sum_n c[n]\, x_n^j = j!\,\delta^{-j}\, [j = d], \quad j \le p

    the derivative of order d, at `pos`, of the polynomial of degree p that fits the window best.

    Parameters
    ----------
    window_length : int
    polyorder : int
        Less than `window_length`.
    deriv : int
    delta : float
        The sampling distance. May be traced.
    pos : float, optional
        Where in the window; its middle by default.
    use : {"conv", "dot"}
        The order of the weights: for a convolution, or for a dot product.

    Returns
    -------
    Array, shape (window_length,), floating.

    Raises
    ------
    ValueError
        If `polyorder`, `pos` or `use` does not fit.

    Notes
    -----
    Computed in float64 at trace time. Source: Savitzky and Golay, *Analytical Chemistry* 36 (1964).
    Mirrors `scipy.signal.savgol_coeffs`.

    >>> [round(float(c), 4) for c in savgol_coeffs(5, 2)]
    [-0.0857, 0.3429, 0.4857, 0.3429, -0.0857]
    """
    check.positive_int("window_length", window_length)
    if polyorder >= window_length:
        raise ValueError(
            f"polyorder must be less than window_length, got {polyorder} and {window_length}; widen the window"
        )
    if pos is None:
        pos = (window_length - 1) / 2
    if not 0 <= pos < window_length:
        raise ValueError(f"pos must be nonnegative and less than window_length, got {pos} for {window_length}")
    check.choice("use", use, ("conv", "dot"))
    if deriv > polyorder:
        return jnp.zeros(window_length)
    x = np.arange(-pos, window_length - pos, dtype=np.float64)[:window_length]
    weights = _fit(x, polyorder)[deriv] * math.factorial(deriv)
    if use == "conv":
        weights = weights[::-1]
    return jnp.asarray(weights.copy()) / jnp.asarray(delta, float) ** deriv


def savgol_filter(
    x: Any,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: Any = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: Any = 0.0,
) -> jax.Array:
    r"""Smooth or differentiate by fitting a polynomial to every window.

    .. math:: y[m] = \sum_k c[k]\, x[m + \lfloor L/2 \rfloor - k]

    with the weights c of `savgol_coeffs`.

    Parameters
    ----------
    x : array_like
    window_length, polyorder, deriv, delta
        As in `savgol_coeffs`.
    axis : int
    mode : {"interp", "mirror", "constant", "nearest", "wrap"}
        How `x` continues outside; "interp" evaluates the polynomial of the first and of the last window instead.
    cval : float
        The value outside under "constant".

    Returns
    -------
    Array of the shape of `x`, float32 for float32 input, else float64.

    Raises
    ------
    ValueError
        If a word is unknown, or the window is longer than `x` under "interp".

    Notes
    -----
    Linear in `x`; differentiable in `x`, `delta` and `cval`. Mirrors `scipy.signal.savgol_filter`.

    >>> [round(float(v), 2) for v in savgol_filter([2.0, 2, 5, 2, 1, 0, 1, 4, 9], 5, 2)]
    [1.66, 3.17, 3.54, 2.86, 0.66, 0.17, 1.0, 4.0, 9.0]
    """
    if mode not in _MODES:
        raise ValueError(f"mode must be 'mirror', 'constant', 'nearest' 'wrap' or 'interp', got `mode`={mode!r}")
    x = as_array("x", x)
    axis = check.axis("axis", axis, x.ndim)
    x = cast(x, jnp.float32 if x.dtype == jnp.float32 else float)
    weights = savgol_coeffs(window_length, polyorder, deriv, delta)
    rows = jnp.moveaxis(x, axis, -1)
    n, half = rows.shape[-1], window_length // 2
    if mode == "interp" and window_length > n:
        raise ValueError(
            f"If mode is 'interp', window_length must be less than or equal to the size of x; got {window_length} for "
            f"{n} samples; shorten the window or choose another mode"
        )
    before, after = window_length - 1 - half, half
    if mode != "interp":
        widths = [(0, 0)] * (rows.ndim - 1) + [(before, after)]
        kept = ((window_length - 1, n),)
        y = linear(pad(rows, widths, _MODES[mode], cval), weights.astype(x.dtype), spans=kept)
    else:
        inner = linear(rows, weights.astype(x.dtype), spans=((2 * half, n - 2 * half),))
        # The outer samples: the polynomial of the first and the last window, as one static matrix each.
        fit = _fit(np.arange(window_length), polyorder)
        scale = jnp.asarray(delta, x.dtype) ** deriv
        left = jnp.asarray(_values(fit, np.arange(half), deriv), x.dtype) / scale
        right = jnp.asarray(_values(fit, np.arange(window_length - half, window_length), deriv), x.dtype) / scale
        head = jnp.einsum("ij,...j->...i", left, rows[..., :window_length], precision="highest")
        tail = jnp.einsum("ij,...j->...i", right, rows[..., n - window_length :], precision="highest")
        y = jnp.concatenate([head, inner, tail], axis=-1)
    return jnp.moveaxis(y, -1, axis)


def _fit(x: np.ndarray, order: int) -> np.ndarray:
    """The matrix (order + 1, len(x)) from samples at `x` to the coefficients of the best polynomial."""
    scale = max(np.abs(x).max(), 1.0)
    powers = np.arange(order + 1)
    return np.linalg.pinv((x[:, None] / scale) ** powers, rcond=1e-15) / scale ** powers[:, None]


def _values(fit: np.ndarray, at: np.ndarray, deriv: int) -> np.ndarray:
    """The matrix from samples to the derivative of the fitted polynomial at `at`."""
    order = fit.shape[0] - 1
    rows = np.zeros((len(at), fit.shape[1]))
    for power in range(deriv, order + 1):
        rows += math.perm(power, deriv) * np.outer(np.asarray(at, float) ** (power - deriv), fit[power])
    return rows
