"""A Gaussian against any function."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax.typing import ArrayLike

from jconv.continuous._arguments import AnyRule
from jconv.continuous._convolve import convolve
from jconv.continuous._quadrature import Convolved
from jconv.continuous._types import Points, Real, ScalarFunction


def smooth_gaussian(
    f: ScalarFunction,
    t: ArrayLike,
    *,
    std: Real,
    mean: Real = 0.0,
    support_f: Points = (-math.inf, math.inf),
    breaks_f: Points = (),
    rule: AnyRule | None = None,
) -> Convolved:
    r"""Smooth a function by a Gaussian, in the short window where the Gaussian lives.

    .. math:: v(t) = \int f(x)\, \frac{e^{-(t - x - \mu)^2 / 2 \sigma^2}}{\sigma \sqrt{2 \pi}}\, dx

    Parameters
    ----------
    f : callable
        A function of a scalar, as in `convolve`.
    t : array (...)
        Points.
    std, mean : scalars
        σ, positive, and µ of the Gaussian; may be traced. Default mean 0.
    support_f, breaks_f, rule
        As in `convolve`.

    Returns
    -------
    Convolved
        (value, error), each of shape t.shape + channels. The error leaves out what f weighs beyond the window.

    Notes
    -----
    Beyond 12 std (7 in float32) the area of a Gaussian is 4e-33 (3e-12): the window is bounded whatever the support of
    f, and 96 nodes per piece do. Derivatives as of `convolve`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> round(float(smooth_gaussian(jnp.cos, 0.0, std=1.0).value), 6)
    0.606531
    """
    dtype = jnp.result_type(jnp.asarray(t), std, mean, 0.0)
    reach = 12.0 if jnp.finfo(dtype).bits == 64 else 7.0
    g = lambda y: jnp.exp(-(((y - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
    window = (mean - reach * std, mean + reach * std)
    return convolve(f, g, t, support_f=support_f, breaks_f=breaks_f, support_g=window, rule=rule)
