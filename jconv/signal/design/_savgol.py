"""Savitzky–Golay smoothing and differentiation."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.boundary import pad
from jconv.signal._dtypes import ArrayLike, as_array, cast
from jconv.signal.convolution._linear import linear

_MODES = {"mirror": "reflect", "constant": "constant", "nearest": "edge", "wrap": "wrap", "interp": "constant"}


def savgol_coeffs(
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: ArrayLike = 1.0,
    pos: float | None = None,
    use: Literal["conv", "dot"] = "conv",
) -> jax.Array:
    r"""Compute the weights of a Savitzky–Golay filter.

    .. math:: c = \arg\min \|c\| \ \text{ subject to } \ \sum_n c[n]\, x_n^j = j!\,\delta^{-j}\, [j = d], \quad j \le p

    the derivative of order d, at `pos`, of the polynomial of degree p that fits the window best.

    Parameters
    ----------
    window_length : int
        The number L of samples in a window.
    polyorder : int
        The degree p, less than `window_length`.
    deriv : int
        The order d of the derivative. Default 0.
    delta : float
        The sampling distance δ. May be traced. Default 1.
    pos : float, optional
        Where in the window, counted in samples from its first one. Default its middle, (L - 1) / 2.
    use : {"conv", "dot"}
        The order of the weights: for a convolution, or for a dot product. Default "conv".

    Returns
    -------
    Array, shape (window_length,), floating.

    Raises
    ------
    ValueError
        If `polyorder`, `pos` or `use` does not fit.

    Notes
    -----
    Computed in double precision at trace time, in polynomials that are orthogonal on the window's points, so that high
    degrees lose no digits. Differentiable in `delta`. Source: Savitzky and Golay, *Analytical Chemistry* 36 (1964).
    Follows `scipy.signal.savgol_coeffs`.

    Examples
    --------
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
    weights = _fit(window_length, polyorder, deriv, np.array([pos], np.float64))[0]
    if use == "conv":
        weights = weights[::-1].copy()
    return jnp.asarray(weights, float) / as_array("delta", delta).astype(float) ** deriv


def savgol_filter(
    x: ArrayLike,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: ArrayLike = 1.0,
    axis: int = -1,
    mode: Literal["interp", "mirror", "constant", "nearest", "wrap"] = "interp",
    cval: ArrayLike = 0.0,
    *,
    align: Literal["middle", "sample"] = "middle",
) -> jax.Array:
    r"""Smooth or differentiate by fitting a polynomial to every window.

    .. math:: y[m] = \sum_k c[k]\, x[m + \lfloor L/2 \rfloor - k]

    with the weights c of `savgol_coeffs`.

    Parameters
    ----------
    x : array_like
        The signal; integers are filtered as floating numbers.
    window_length, polyorder, deriv, delta
        As in `savgol_coeffs`.
    axis : int
        The axis to filter along. Default -1.
    mode : {"interp", "mirror", "constant", "nearest", "wrap"}
        How `x` continues outside; "interp" evaluates the polynomial of the first and of the last window instead.
        Default "interp".
    cval : float
        The value outside under "constant". Default 0.
    align : {"middle", "sample"}
        Where the polynomial of a window of even length is evaluated: in the middle, which lies half a sample behind
        each sample, as SciPy does; or at the sample. For odd lengths both are the same. Default "middle".

    Returns
    -------
    Array of the shape of `x`, float32 for float32 input, else float64.

    Raises
    ------
    ValueError
        If a word is unknown, or the window is longer than `x` under "interp".

    Notes
    -----
    Linear in `x`; differentiable in `x`, `delta` and `cval`. A NaN reaches as far as the window. Follows
    `scipy.signal.savgol_filter`, which is less accurate at the edges from degree 10 on.

    Examples
    --------
    >>> [round(float(v), 2) for v in savgol_filter([2.0, 2, 5, 2, 1, 0, 1, 4, 9], 5, 2)]
    [1.66, 3.17, 3.54, 2.86, 0.66, 0.17, 1.0, 4.0, 9.0]
    """
    if mode not in _MODES:
        raise ValueError(f"mode must be 'mirror', 'constant', 'nearest' 'wrap' or 'interp', got `mode`={mode!r}")
    check.choice("align", align, ("middle", "sample"))
    x = as_array("x", x)
    axis = check.axis("axis", axis, x.ndim)
    x = cast(x, jnp.float32 if x.dtype == jnp.float32 else float)
    check.positive_int("window_length", window_length)
    n, half = x.shape[axis], window_length // 2
    before, after = window_length - 1 - half, half
    weights = savgol_coeffs(window_length, polyorder, deriv, delta, before if align == "sample" else None)
    rows = jnp.moveaxis(x, axis, -1)
    if mode == "interp" and window_length > n:
        raise ValueError(
            f"If mode is 'interp', window_length must be less than or equal to the size of x; got {window_length} for "
            f"{n} samples; shorten the window or choose another mode"
        )
    if rows.size == 0:
        return x
    if mode != "interp":
        widths = [(0, 0)] * (rows.ndim - 1) + [(before, after)]
        kept = ((window_length - 1, n),)
        y = linear(pad(rows, widths, _MODES[mode], cval), weights.astype(x.dtype), spans=kept)  # pyright: ignore[reportArgumentType]
    else:
        inner = linear(rows, weights.astype(x.dtype), spans=((2 * half, n - 2 * half),))
        # The outer samples: the polynomial of the first and the last window, as one static matrix each.
        scale = as_array("delta", delta).astype(x.dtype) ** deriv

        def evaluate(window: jax.Array, places: np.ndarray) -> jax.Array:
            matrix = jnp.asarray(_fit(window_length, polyorder, deriv, places), x.dtype) / scale
            return jnp.einsum("ij,...j->...i", matrix, window, precision="highest")

        head = evaluate(rows[..., :window_length], np.arange(half, dtype=np.float64))
        tail = evaluate(
            rows[..., n - window_length :], np.arange(window_length - half, window_length, dtype=np.float64)
        )
        y = jnp.concatenate([head, inner, tail], axis=-1)
    return jnp.moveaxis(y, -1, axis)


def _fit(size: int, degree: int, deriv: int, places: np.ndarray) -> np.ndarray:
    """Return the matrix (places, size) from samples at 0 … size - 1 to a derivative of the best polynomial at `places`.

    The polynomials q_j of degree j are orthonormal on the points. Each is t q_{j-1} without its components along those
    before it, and the d-th derivative of t q is t q⁽ᵈ⁾ + d q⁽ᵈ⁻¹⁾, so that the same recurrence gives all derivatives at
    any place (Brubeck, Nakatsukasa and Trefethen, "Vandermonde with Arnoldi", *SIAM Review* 63, 2021). The fit is
    Σ_j q_j⁽ᵈ⁾(place) ⟨q_j, samples⟩.
    """
    middle, half = (size - 1) / 2, max((size - 1) / 2, 1.0)
    points, at = (np.arange(size) - middle) / half, (places - middle) / half
    basis = np.zeros((degree + 1, size))
    values = np.zeros((degree + 1, deriv + 1, len(at)))  # of each polynomial and its derivatives
    basis[0], values[0, 0] = size**-0.5, size**-0.5
    for j in range(1, degree + 1):
        new, new_values = points * basis[j - 1], at * values[j - 1]
        new_values[1:] += np.arange(1, deriv + 1)[:, None] * values[j - 1, :-1]
        for _ in range(2):  # once more for what rounding leaves
            parts = basis[:j] @ new
            new = new - parts @ basis[:j]
            new_values = new_values - np.tensordot(parts, values[:j], 1)
        norm = np.linalg.norm(new)
        basis[j], values[j] = new / norm, new_values / norm
    return values[:, deriv].T @ basis / half**deriv
