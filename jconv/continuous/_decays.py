"""Exponential decays: with a Gaussian, with each other, after a box, and damped oscillations."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import erfc
from jax.typing import ArrayLike

from jconv.continuous._faddeeva import erfcx, faddeeva
from jconv.continuous._line_shapes import NEGLIGIBLE
from jconv.continuous._types import Real

_ROOT_2 = math.sqrt(2.0)
_TINY = 1e-30
"""Stands for a std of 0 where the onset of a decay is looked at itself."""


@jax.jit
def exponential_gaussian(t: ArrayLike, *, rate: Real = 1.0, mean: Real = 0.0, std: Real = 1.0) -> jax.Array:
    r"""Evaluate the exponentially modified Gaussian, an exponential decay convolved with a Gaussian.

    .. math:: e(t) = \frac{a}{2} e^{-u^2 / 2}\, \mathrm{erfcx}(v), \quad
              u = (t - \mu) / \sigma, \quad v = (a \sigma - u) / \sqrt 2

    Parameters
    ----------
    t : array (...)
        Points.
    rate : array
        Decay rate a > 0; the density is a·exp(-a x), x > 0. Default 1.
    mean : array
        Its mean µ. Default 0.
    std : array
        Standard deviation σ >= 0 of the Gaussian. Default 1.

    Returns
    -------
    array (...)

    Notes
    -----
    For v < 0, where erfcx would overflow, it is computed as a/2 · exp(a²σ²/2 - a(t - µ)) · erfc(v).

    Examples
    --------
    >>> round(float(exponential_gaussian(1.0, rate=2.0, std=0.5)), 6)
    0.375459
    """
    distance = jnp.asarray(t) - mean
    near_distance, near_std, is_before, is_behind = _near(distance, rate * jnp.square(std), std)
    u = near_distance / near_std
    v = (rate * near_std - u) / _ROOT_2
    left = v >= 0
    early = jnp.exp(-u * u / 2) * erfcx(jnp.where(left, v, 0))
    late = jnp.exp(jnp.where(left, 0, rate * near_std * (rate * near_std / 2 - u))) * erfc(jnp.where(left, 0, v))
    near = rate / 2 * jnp.where(left, early, late)
    decay = rate * jnp.exp(jnp.where(is_behind, rate * (rate * jnp.square(std) / 2 - distance), 0))
    return jnp.where(is_behind, decay, jnp.where(is_before, 0, near))


def laplace_gaussian(t: ArrayLike, *, rate: Real = 1.0, mean: Real = 0.0, std: Real = 1.0) -> jax.Array:
    r"""Evaluate a Laplace density convolved with a Gaussian: half an exponential to either side.

    .. math:: \frac{a}{2} e^{-a |x|} \otimes g(x)

    Parameters
    ----------
    t : array (...)
        Points.
    rate : array
        Decay rate a > 0 to both sides. Default 1.
    mean : array
        Its mean µ. Default 0.
    std : array
        Standard deviation σ >= 0 of the Gaussian. Default 1.

    Returns
    -------
    array (...)

    Notes
    -----
    The sum of two `exponential_gaussian`.

    Examples
    --------
    >>> round(float(laplace_gaussian(0.0)), 6)
    0.261578
    """
    distance = jnp.asarray(t) - mean
    after = exponential_gaussian(distance, rate=rate, std=std)
    before = exponential_gaussian(-distance, rate=rate, std=std)
    return (after + before) / 2


@jax.jit
def gaussian_damped_cosine(
    t: ArrayLike,
    *,
    rate: Real = 1.0,
    frequency: Real = 1.0,
    mean: Real = 0.0,
    std: Real = 1.0,
) -> jax.Array:
    r"""Evaluate a damped cosine that begins at 0, convolved with a Gaussian.

    .. math:: e^{-a x} \cos(\omega x)\, [x > 0] \otimes g(x)

    Parameters
    ----------
    t : array (...)
        Points.
    rate : array
        Decay rate a >= 0. Default 1.
    frequency : array
        Angular frequency ω, radians per unit of t. Default 1.
    mean : array
        Its mean µ. Default 0.
    std : array
        Standard deviation σ >= 0 of the Gaussian. Default 1.

    Returns
    -------
    array (...)

    Notes
    -----
    The real part of an exponentially modified Gaussian of complex rate a - iω.

    Examples
    --------
    >>> round(float(gaussian_damped_cosine(1.0, frequency=3.0, std=0.5)), 6)
    -0.104479
    """
    distance = jnp.asarray(t) - mean
    near_distance, near_std, is_before, is_behind = _near(distance, rate * jnp.square(std), std)
    complex_rate = rate - 1j * jnp.asarray(frequency)
    u = near_distance / near_std
    v = (complex_rate * near_std - u) / _ROOT_2
    # erfcx(v) = w(iv). On the left half-plane erfcx(v) = 2 exp(v²) - erfcx(-v), whose growth is undone by exp(-u²/2).
    left = v.real >= 0
    first = jnp.exp(-u * u / 2) * faddeeva(1j * jnp.where(left, v, -v))
    late = jnp.exp(jnp.where(left, 0, complex_rate * near_std * (complex_rate * near_std / 2 - u)))
    near = jnp.where(left, first, 2 * late - first) / 2
    decay = jnp.exp(jnp.where(is_behind, complex_rate * (complex_rate * jnp.square(std) / 2 - distance), 0))
    return jnp.where(is_behind, decay, jnp.where(is_before, 0, near)).real


@jax.jit
def biexponential(t: ArrayLike, *, rates: tuple[Real, Real] = (1.0, 2.0)) -> jax.Array:
    r"""Evaluate one exponential decay convolved with another.

    .. math:: \frac{a b}{b - a} (e^{-a t} - e^{-b t}), \quad t > 0

    Parameters
    ----------
    t : array (...)
        Points.
    rates : pair of arrays
        The decay rates a and b, positive. Default 1 and 2.

    Returns
    -------
    array (...)

    Notes
    -----
    Exact also where a and b meet: a²·t·exp(-a t).

    Examples
    --------
    >>> round(float(biexponential(1.0, rates=(1.0, 1.0))), 6)
    0.367879
    """
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


def box_exponential(t: ArrayLike, *, lower: Real = 0.0, upper: Real = 1.0, rate: Real = 1.0) -> jax.Array:
    r"""Evaluate a box of height 1 convolved with an exponential decay: loading, then decay.

    .. math:: (1 - e^{-a\, \mathrm{clip}(t - l,\, 0,\, u - l)})\, e^{-a \max(t - u,\, 0)}

    Parameters
    ----------
    t : array (...)
        Points.
    lower, upper : arrays
        Ends of the box. Default 0 and 1.
    rate : array
        Decay rate a > 0; the density is a·exp(-a x), x > 0. Default 1.

    Returns
    -------
    array (...)

    Examples
    --------
    >>> round(float(box_exponential(1.0)), 6)
    0.632121
    """
    t = jnp.asarray(t)
    loading = -jnp.expm1(-rate * jnp.clip(t - lower, 0, upper - lower))
    return loading * jnp.exp(-rate * jnp.maximum(t - upper, 0))


def _near(distance: jax.Array, delay: Real, std: Real) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Distance and std where a Gaussian smears the onset of a decay; harmless values where it does not.

    Before the onset the result is 0, behind it the decay itself, shifted by `delay`: neither needs a division by std,
    so that std = 0 is no exception. On the onset itself, std 0 gives half the jump.
    """
    reach = NEGLIGIBLE * jnp.asarray(std)
    on_jump = (distance == 0) & (reach == 0)
    is_before, is_behind = (distance <= -reach) & ~on_jump, (distance - delay >= reach) & ~on_jump
    near_std = jnp.where(on_jump, _TINY, jnp.where(is_before | is_behind, 1, std))
    return jnp.where(is_before | is_behind | on_jump, 0, distance), near_std, is_before, is_behind
