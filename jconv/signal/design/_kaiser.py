"""The parameters of Kaiser windows for given ripples and transition widths."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jconv.signal._dtypes import ArrayLike, as_array


def kaiser_beta(a: ArrayLike) -> jax.Array:
    r"""Choose the Kaiser window's beta for an attenuation in decibels.

    .. math:: \beta = 0.1102 (a - 8.7)

    above 50 dB, :math:`0.5842 (a - 21)^{0.4} + 0.07886 (a - 21)` above 21 dB, and 0 below.

    Parameters
    ----------
    a : float
        Attenuation in the stop band and ripple in the pass band, in decibels, positive. May be traced.

    Returns
    -------
    Array of the shape of `a`, floating.

    Notes
    -----
    Differentiable. Source: Oppenheim and Schafer, *Discrete-Time Signal Processing*. Follows
    `scipy.signal.kaiser_beta`.

    Examples
    --------
    >>> round(float(kaiser_beta(65)), 4)
    6.2043
    """
    a = as_array("a", a).astype(float)
    above = jnp.where(a > 21, a - 21, 1.0)  # no infinite slope where the formula does not hold
    middle = jnp.where(a > 21, 0.5842 * above**0.4 + 0.07886 * above, 0.0)
    return jnp.where(a > 50, 0.1102 * (a - 8.7), middle)


def kaiser_atten(numtaps: int, width: ArrayLike) -> jax.Array:
    r"""Estimate the attenuation that a Kaiser FIR filter reaches.

    .. math:: a = 2.285\,(n - 1)\,\pi\,\Delta + 7.95

    Parameters
    ----------
    numtaps : int
        The number n of taps.
    width : float
        The transition's width Δ as a fraction of the Nyquist frequency. May be traced.

    Returns
    -------
    Array of the shape of `width`, in decibels.

    Notes
    -----
    Differentiable in `width`.     Follows `scipy.signal.kaiser_atten`.

    Examples
    --------
    >>> round(float(kaiser_atten(211, 0.0375)), 3)
    64.481
    """
    return 2.285 * (numtaps - 1) * math.pi * as_array("width", width).astype(float) + 7.95


def kaiserord(ripple: float, width: float) -> tuple[int, jax.Array]:
    r"""Choose the number of taps and the beta of a Kaiser filter for a ripple and a transition width.

    .. math:: n = \left\lceil \frac{|r| - 7.95}{2.285\,\pi\,\Delta} + 1 \right\rceil

    Parameters
    ----------
    ripple : float
        The largest deviation allowed, in decibels.
    width : float
        The transition's width as a fraction of the Nyquist frequency.

    Returns
    -------
    numtaps : int
        The number n of taps. It is a shape, so that the arguments cannot be traced.
    beta : scalar array
        The window's parameter.

    Raises
    ------
    ValueError
        If the ripple is below 8 dB, where the formula does not hold.

    Notes
    -----
    Follows `scipy.signal.kaiserord`.

    Examples
    --------
    >>> kaiserord(65, 0.05)[0]
    160
    """
    attenuation = abs(ripple)
    if attenuation < 8:
        raise ValueError(
            f"Requested maximum ripple attenuation {attenuation:f} is too small for the Kaiser formula; "
            "`ripple` must be at least 8 dB"
        )
    numtaps = (attenuation - 7.95) / 2.285 / (math.pi * width) + 1
    return math.ceil(numtaps), kaiser_beta(attenuation)
