"""Convolutions that have a closed form: line shapes and densities, differentiable, without overflow in the tails.

Every function takes points `t` of any shape first; parameters broadcast against it and may be traced. Densities have
area 1. Derivatives are those of the formulas, in both modes and any order.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf, erfc

from jconv.continuous._faddeeva import erfcx, faddeeva

_ROOT_2 = np.sqrt(2.0)
_ROOT_2PI = np.sqrt(2 * np.pi)


def gaussian(t: Any, *, mean: Any = 0.0, std: Any = 1.0) -> jax.Array:
    """exp(-(t - mean)²/(2 std²)) / (std √(2π)); two of them convolve to means added, variances added."""
    u = (jnp.asarray(t) - mean) / std
    return jnp.exp(-u * u / 2) / (std * _ROOT_2PI)


def lorentzian(t: Any, *, centre: Any = 0.0, width: Any = 1.0) -> jax.Array:
    """width / (π ((t - centre)² + width²)), `width` half that at half maximum; two convolve to widths added."""
    u = jnp.asarray(t) - centre
    return width / (np.pi * (u * u + width * width))


def voigt(t: Any, *, centre: Any = 0.0, std: Any = 1.0, width: Any = 1.0) -> jax.Array:
    """Gaussian ⊗ Lorentzian: Re w(z) / (std √(2π)), z = (t - centre + i width) / (std √2).

    Relative accuracy a few eps everywhere, far wings included. `scipy.special.voigt_profile`'s formula.
    """
    t = jnp.asarray(t)
    z = (t - centre + 1j * width) / (std * _ROOT_2)
    return faddeeva(z).real / (std * _ROOT_2PI)


def exponential_gaussian(t: Any, *, rate: Any = 1.0, mean: Any = 0.0, std: Any = 1.0) -> jax.Array:
    """Exponentially modified Gaussian: rate·exp(-rate x), x > 0, ⊗ Gaussian.

        rate/2 · exp(-u²/2) · erfcx(v),  u = (t - mean)/std,  v = (rate·std - u)/√2

    and for v < 0, where erfcx would overflow, rate/2 · exp(rate²std²/2 - rate·(t - mean)) · erfc(v).

    >>> round(float(exponential_gaussian(1.0, rate=2.0, std=0.5)), 6)
    0.375459
    """
    u = (jnp.asarray(t) - mean) / std
    v = (rate * std - u) / _ROOT_2
    left = v >= 0
    early = jnp.exp(-u * u / 2) * erfcx(jnp.where(left, v, 0))
    late = jnp.exp(jnp.where(left, 0, rate * std * (rate * std / 2 - u))) * erfc(jnp.where(left, 0, v))
    return rate / 2 * jnp.where(left, early, late)


def laplace_gaussian(t: Any, *, rate: Any = 1.0, mean: Any = 0.0, std: Any = 1.0) -> jax.Array:
    """Laplace density rate/2·exp(-rate |x|) ⊗ Gaussian: half an exponential to either side."""
    t = jnp.asarray(t) - mean
    after = exponential_gaussian(t, rate=rate, std=std)
    before = exponential_gaussian(-t, rate=rate, std=std)
    return (after + before) / 2


def box_gaussian(t: Any, *, lower: Any = -0.5, upper: Any = 0.5, mean: Any = 0.0, std: Any = 1.0) -> jax.Array:
    """1 on (lower, upper) ⊗ Gaussian: Φ((t - mean - lower)/std) - Φ((t - mean - upper)/std), of the smaller tails."""
    t = jnp.asarray(t) - mean
    a, b = (t - upper) / (std * _ROOT_2), (t - lower) / (std * _ROOT_2)
    flip = a + b < 0
    a, b = jnp.where(flip, -b, a), jnp.where(flip, -a, b)
    tails = (erfc(jnp.where(a > 0, a, 0)) - erfc(jnp.where(a > 0, b, 0))) / 2
    return jnp.where(a > 0, tails, (erf(b) - erf(a)) / 2)


def box_lorentzian(t: Any, *, lower: Any = -0.5, upper: Any = 0.5, centre: Any = 0.0, width: Any = 1.0) -> jax.Array:
    """1 on (lower, upper) ⊗ Lorentzian: the angle under which the box is seen from t + i·width, over π."""
    t = jnp.asarray(t) - centre
    a, b = (t - upper) / width, (t - lower) / width
    return jnp.arctan2(b - a, 1 + a * b) / np.pi


def box_exponential(t: Any, *, lower: Any = 0.0, upper: Any = 1.0, rate: Any = 1.0) -> jax.Array:
    """1 on (lower, upper) ⊗ rate·exp(-rate x), x > 0: loading, then decay."""
    t = jnp.asarray(t)
    loading = -jnp.expm1(-rate * jnp.clip(t - lower, 0, upper - lower))
    return loading * jnp.exp(-rate * jnp.maximum(t - upper, 0))


def biexponential(t: Any, *, rates: tuple[Any, Any] = (1.0, 2.0)) -> jax.Array:
    """a·exp(-a x) ⊗ b·exp(-b x), x > 0: a b (exp(-a t) - exp(-b t))/(b - a), exact also where a and b meet."""
    a, b = rates
    t = jnp.maximum(jnp.asarray(t), 0)
    u = (b - a) * t
    small = jnp.abs(u) < 1e-2
    safe = jnp.where(small, 1.0, u)
    series = 1 - u / 2 * (1 - u / 3 * (1 - u / 4 * (1 - u / 5 * (1 - u / 6 * (1 - u / 7 * (1 - u / 8))))))
    # (1 - exp(-u))/u, from the slower of the two, so that nothing overflows.
    swapped = safe < 0
    ratio = jnp.where(
        small,
        series * jnp.exp(-a * t),
        -jnp.expm1(-jnp.abs(safe)) / jnp.abs(safe) * jnp.exp(-jnp.where(swapped, b, a) * t),
    )
    return a * b * t * ratio


def gaussian_damped_cosine(
    t: Any, *, rate: Any = 1.0, frequency: Any = 1.0, mean: Any = 0.0, std: Any = 1.0
) -> jax.Array:
    """exp(-rate x)·cos(frequency x), x > 0, ⊗ Gaussian: a modified Gaussian of complex rate, real part."""
    u = (jnp.asarray(t) - mean) / std
    complex_rate = rate - 1j * jnp.asarray(frequency)
    v = (complex_rate * std - u) / _ROOT_2
    # erfcx(v) = w(iv). On the left half-plane erfcx(v) = 2 exp(v²) - erfcx(-v), whose growth is undone by exp(-u²/2).
    left = v.real >= 0
    near = jnp.exp(-u * u / 2) * faddeeva(1j * jnp.where(left, v, -v))
    late = jnp.exp(jnp.where(left, 0, complex_rate * std * (complex_rate * std / 2 - u)))
    return (jnp.where(left, near, 2 * late - near) / 2).real
