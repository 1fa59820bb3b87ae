"""Line shapes: Gaussian, Lorentzian and Voigt, and a box seen through them."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import erf, erfc
from jax.typing import ArrayLike

from jconv.continuous._faddeeva import faddeeva, voigt_far_out
from jconv.continuous._types import Real

_ROOT_2 = math.sqrt(2.0)
_ROOT_2PI = math.sqrt(2 * math.pi)
NEGLIGIBLE = 40.0
"""Standard deviations beyond which a Gaussian tail underflows in float64: exp(-40²/2) is 4e-348."""


def gaussian(t: ArrayLike, *, mean: Real = 0.0, std: Real = 1.0) -> jax.Array:
    r"""Evaluate the normal density.

    .. math:: g(t) = \frac{1}{\sigma \sqrt{2 \pi}} e^{-(t - \mu)^2 / 2 \sigma^2}

    Parameters
    ----------
    t : array (...)
        Points.
    mean : array
        Its mean µ. Default 0.
    std : array
        Standard deviation σ >= 0 of the Gaussian. Default 1.

    Returns
    -------
    array (...)

    Notes
    -----
    Two of them convolve to one: means add up, and so do variances.

    Examples
    --------
    >>> round(float(gaussian(0.0)), 6)
    0.398942
    """
    distance = jnp.asarray(t) - mean
    is_delta = jnp.asarray(std) == 0
    safe = jnp.where(is_delta, 1, std)
    u = distance / safe
    return jnp.where(is_delta, _delta(distance), jnp.exp(-u * u / 2) / (safe * _ROOT_2PI))


def lorentzian(t: ArrayLike, *, center: Real = 0.0, width: Real = 1.0) -> jax.Array:
    r"""Evaluate the Lorentzian (Cauchy) density.

    .. math:: l(t) = \frac{\gamma}{\pi ((t - c)^2 + \gamma^2)}

    Parameters
    ----------
    t : array (...)
        Points.
    center : array
        Place of the maximum, c. Default 0.
    width : array
        Half the width at half maximum, γ >= 0. Default 1.

    Returns
    -------
    array (...)

    Notes
    -----
    Two of them convolve to one: centers add up, and so do widths.

    Examples
    --------
    >>> round(float(lorentzian(0.0)), 6)
    0.31831
    """
    distance = jnp.asarray(t) - center
    squares = distance * distance + jnp.square(width)
    on_delta = squares == 0
    return jnp.where(on_delta, _delta(distance), width / (math.pi * jnp.where(on_delta, 1, squares)))


@jax.jit
def voigt(t: ArrayLike, *, center: Real = 0.0, std: Real = 1.0, width: Real = 1.0) -> jax.Array:
    r"""Evaluate the Voigt profile, a Gaussian convolved with a Lorentzian.

    .. math:: v(t) = \frac{\mathrm{Re}\, w(z)}{\sigma \sqrt{2 \pi}}, \quad
              z = \frac{t - c + i \gamma}{\sigma \sqrt 2}

    Parameters
    ----------
    t : array (...)
        Points.
    center : array
        Place of the maximum, c. Default 0.
    std : array
        Standard deviation σ >= 0 of the Gaussian. Default 1.
    width : array
        Half the width at half maximum, γ >= 0. Default 1.

    Returns
    -------
    array (...)

    Notes
    -----
    Relative accuracy a few eps everywhere, far wings included. With std 0 it is the Lorentzian, with width 0 the
    Gaussian, gradients included. The formula is that of `scipy.special.voigt_profile`.

    Examples
    --------
    >>> round(float(voigt(0.5, std=0.7, width=0.3)), 6)
    0.348375
    """
    t = jnp.asarray(t)
    dtype = jnp.result_type(t, center, std, width, 0.0)
    t, center, std, width = jnp.broadcast_arrays(*(jnp.asarray(v, dtype) for v in (t, center, std, width)))
    return _voigt(t - center, std, width)


def _voigt(distance: jax.Array, std: jax.Array, width: jax.Array) -> jax.Array:
    # |z| >= 8: there the asymptotic series of w has the last bit right, and needs no division by std.
    is_far = distance**2 + width**2 >= 128 * std**2
    near_std = jnp.where(is_far, 1, std)
    z = (jnp.where(is_far, 0, distance) + 1j * jnp.where(is_far, 1, width)) / (near_std * _ROOT_2)
    near = faddeeva(z).real / (near_std * _ROOT_2PI)
    outside = lambda v, inside: jnp.where(is_far, v, inside)
    return jnp.where(is_far, voigt_far_out(outside(distance, 1), outside(std, 0), outside(width, 0)), near)


@jax.jit
def box_gaussian(
    t: ArrayLike, *, lower: Real = -0.5, upper: Real = 0.5, mean: Real = 0.0, std: Real = 1.0
) -> jax.Array:
    r"""Evaluate a box of height 1 convolved with a Gaussian.

    .. math:: \Phi\left(\frac{t - \mu - l}{\sigma}\right) - \Phi\left(\frac{t - \mu - u}{\sigma}\right)

    Parameters
    ----------
    t : array (...)
        Points.
    lower, upper : arrays
        Ends of the box. Default -0.5 and 0.5.
    mean : array
        Its mean µ. Default 0.
    std : array
        Standard deviation σ >= 0 of the Gaussian. Default 1.

    Returns
    -------
    array (...)

    Notes
    -----
    The difference is taken of the smaller tails, so that it keeps its relative accuracy far out.

    Examples
    --------
    >>> round(float(box_gaussian(0.0)), 6)
    0.382925
    """
    distance = jnp.asarray(t) - mean
    a, b = _in_deviations(distance - upper, std) / _ROOT_2, _in_deviations(distance - lower, std) / _ROOT_2
    flip = a + b < 0
    a, b = jnp.where(flip, -b, a), jnp.where(flip, -a, b)
    tails = (erfc(jnp.where(a > 0, a, 0)) - erfc(jnp.where(a > 0, b, 0))) / 2
    return jnp.where(a > 0, tails, (erf(b) - erf(a)) / 2)


def box_lorentzian(
    t: ArrayLike, *, lower: Real = -0.5, upper: Real = 0.5, center: Real = 0.0, width: Real = 1.0
) -> jax.Array:
    r"""Evaluate a box of height 1 convolved with a Lorentzian.

    .. math:: \frac{1}{\pi} \arg\left((t - c - u - i \gamma)(t - c - l + i \gamma)\right)

    Parameters
    ----------
    t : array (...)
        Points.
    lower, upper : arrays
        Ends of the box. Default -0.5 and 0.5.
    center : array
        Place of the maximum, c. Default 0.
    width : array
        Half the width at half maximum, γ >= 0. Default 1.

    Returns
    -------
    array (...)

    Notes
    -----
    The angle under which the box is seen from t + iγ, over π.

    Examples
    --------
    >>> round(float(box_lorentzian(0.0)), 6)
    0.295167
    """
    distance = jnp.asarray(t) - center
    a, b = distance - upper, distance - lower
    sine, cosine = (b - a) * width, jnp.square(width) + a * b
    on_edge = (sine == 0) & (cosine == 0)  # a width of 0, seen from an end of the box
    return jnp.where(on_edge, 0.5, jnp.arctan2(sine, jnp.where(on_edge, 1, cosine)) / math.pi)


def _in_deviations(distance: jax.Array, std: Real) -> jax.Array:
    """Divide distance by std, held at ±40 beyond; ±40 or 0 for std 0."""
    is_far = jnp.abs(distance) >= NEGLIGIBLE * jnp.asarray(std)
    return jnp.where(is_far, NEGLIGIBLE * jnp.sign(distance), distance / jnp.where(is_far, 1, std))


def _delta(distance: jax.Array) -> jax.Array:
    """Return a Dirac delta as a function: inf at its place, 0 elsewhere."""
    return jnp.where(distance == 0, jnp.inf, 0.0)
