"""The Gaussian and its derivatives as sampled, integrated and discrete kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.kernels import _array


def gaussian(
    size: int | Sequence[int] | None = 5,
    *,
    sigma: float | Sequence[float] | jax.Array = 1.0,
    order: int | Sequence[int] = 0,
    form: str = "sampled",
    truncate: float = 4.0,
    ndim: int = 2,
    dtype=None,
) -> jax.Array:
    r"""The Gaussian, or a derivative of it, as a kernel whose sum (order 0) is one.

    .. math:: K[i] = \prod_a g_{\sigma_a}(i_a - c_a), \quad g_\sigma(x) \propto e^{-x^2 / 2 \sigma^2}

    Parameters
    ----------
    size: samples per axis (odd), one or one each; None takes `2 * round(truncate * sigma) + 1`.
    sigma: standard deviation in samples, one or one per axis; may be traced where `size` is given.
    order: order of the derivative, one or one per axis.
    form: how the function becomes samples, see `gaussian1d`.
    truncate: the radius in standard deviations where `size` is None.
    ndim: rank, where neither `size`, `sigma` nor `order` is a sequence.

    Notes
    -----
    As a *correlation* kernel the odd derivatives are mirrored, exactly as in `scipy.ndimage.gaussian_filter`, so that
    correlating with them differentiates. The kernel is separable: `gaussian1d` gives its factors.

    >>> gaussian(3, sigma=0.5).round(3).tolist()
    [[0.011..., 0.084..., 0.011...], [0.084..., 0.619..., 0.084...], [0.011..., 0.084..., 0.011...]]
    """
    dtype = _array.floating(dtype)
    for value in (size, sigma, order):
        if isinstance(value, (Sequence, np.ndarray, jax.Array)) and np.ndim(value):
            ndim = len(value)
    sizes = size if isinstance(size, Sequence) else (size,) * ndim
    sigmas = sigma if np.ndim(sigma) else (sigma,) * ndim  # type: ignore[arg-type]
    orders = check.per_axis("order", order, ndim)
    if not len(sizes) == len(sigmas) == ndim:  # type: ignore[arg-type]
        raise ValueError(f"`size`, `sigma` and `order` must agree in length, got {size}, {sigma} and {order}")
    factors = [
        gaussian1d(s, order=o, radius=None if n is None else _array.odd("size", n) // 2, form=form, truncate=truncate)
        for s, o, n in zip(sigmas, orders, sizes)  # type: ignore[arg-type]
    ]
    return jnp.asarray(_array.outer(factors), dtype)


def gaussian1d(
    sigma: float | jax.Array,
    *,
    order: int = 0,
    radius: int | None = None,
    form: str = "sampled",
    truncate: float = 4.0,
    dtype=None,
) -> jax.Array:
    r"""The `order`-th derivative of a Gaussian, as `2 radius + 1` samples to correlate with.

    Parameters
    ----------
    sigma: standard deviation in samples, traced or not.
    form: ``"sampled"`` takes the function's values at the samples and divides by their sum (SciPy's);
        ``"integrated"`` takes its integral over each sample's interval [i - ½, i + ½], so that a narrow Gaussian
        keeps its width; ``"discrete"`` is Lindeberg's discrete analogue :math:`e^{-\sigma^2} I_i(\sigma^2)`, the one
        whose cascades are exact: sigma² adds up.
    radius: half the length; None takes `round(truncate * sigma)`, which needs a concrete `sigma`.

    Notes
    -----
    Differentiable in `sigma`; at sigma = 0 the kernel is the unit impulse, and its gradient there is zero.

    Source: T. Lindeberg, *Scale-space for discrete signals*, IEEE PAMI 12 (1990); `scipy.ndimage.gaussian_filter1d`.

    >>> gaussian1d(1.0, radius=1).round(3).tolist()
    [0.27..., 0.45..., 0.27...]
    """
    order, radius = _checked(sigma, order, radius, form, truncate)
    dtype = _array.floating(dtype)
    if is_traced(sigma):
        return _FORMS[form](jnp, sigma, order, radius).astype(dtype)
    if float(sigma) == 0:
        return jnp.asarray((np.arange(-radius, radius + 1) == 0) * (order == 0), dtype)
    exact = _FORMS[form](np, float(sigma), order, radius)
    return jnp.asarray(_round_with_sum(exact, dtype) if order == 0 and dtype.itemsize >= 4 else exact.astype(dtype))


def _round_with_sum(exact: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round a symmetric kernel so that its sum stays what it was, for the mean of an image to be kept.

    Some taps are rounded to the neighbour of their nearest number, starting from the centre, where the numbers lie
    furthest apart. No tap errs by more than its own rounding, so that the small ones keep their sign.
    """
    kernel = exact.astype(dtype)
    radius = len(kernel) // 2
    missing = float(exact.sum() - kernel.sum(dtype=exact.dtype))
    for k in range(radius + 1):
        ends = {radius - k, radius + k}
        step = float(np.spacing(kernel[radius - k])) * len(ends)
        if kernel[radius - k] > 0 and abs(missing) > step / 2:
            towards = dtype.type(np.inf if missing > 0 else 0)
            for end in ends:
                kernel[end] = np.nextafter(kernel[end], towards)
            missing -= float(np.copysign(step, missing))
    return kernel


def _checked(sigma: float | jax.Array, order: int, radius: int | None, form: str, truncate: float) -> tuple[int, int]:
    """The order and the radius of a Gaussian's samples, or the error that says what is wrong with the arguments."""
    check.choice("form", form, _FORMS)
    order = check.integer("order", order)
    if order < 0:
        raise ValueError(f"`order` must be at least 0, got {order}; 0 is the Gaussian itself")
    traced = is_traced(sigma)
    if not traced and not 0 <= float(sigma) < math.inf:
        raise ValueError(f"`sigma` must not be negative, got {sigma}; pass a standard deviation in samples")
    if radius is None:
        if traced:
            raise TypeError("`radius` (or `size`) must be given where `sigma` is traced; pass the largest you need")
        radius = int(truncate * float(sigma) + 0.5)
    if check.integer("radius", radius) < 0:
        raise ValueError(f"`radius` must be at least 0, got {radius}; pass a number of samples")
    return order, radius


def _safe(xp, sigma):
    """`sigma`, with 0 replaced by a width so small that the kernel is the impulse, and its gradient zero."""
    return sigma if xp is np else xp.where(sigma > 1e-3, sigma, 1e-3)


def _derivative(xp, x, sigma, order: int):
    """q(x) with dⁿ/dxⁿ exp(-x²/2σ²) = q(x) exp(-x²/2σ²), by q ← q' - q x/σ²; the coefficients are of powers of x/σ."""
    coefficients = [1.0]
    for _ in range(order):
        slope = [*(k * c for k, c in enumerate(coefficients) if k), 0.0, 0.0]
        shifted = [0.0, *coefficients]
        coefficients = [a - b for a, b in zip(slope, shifted)]
    u = x / sigma
    return sum(c * u**k for k, c in enumerate(coefficients) if c) / sigma**order if order else xp.ones_like(u)


def _sampled(xp, sigma, order: int, radius: int):
    sigma = _safe(xp, sigma)
    x = xp.arange(-radius, radius + 1) + 0.0 * sigma
    weights = xp.exp(-0.5 * (x / sigma) ** 2)
    return (_derivative(xp, x, sigma, order) * (weights / weights.sum()))[::-1]


def _integrated(xp, sigma, order: int, radius: int):
    sigma = _safe(xp, sigma)
    edges = (xp.arange(-radius, radius + 2) - 0.5) / (sigma * math.sqrt(2))
    erf = np.vectorize(math.erf) if xp is np else jax.scipy.special.erf
    distribution = erf(edges) / 2
    mass = distribution[-1] - distribution[0]
    if order:
        density = xp.exp(-(edges**2)) / (sigma * math.sqrt(2 * math.pi))
        distribution = _derivative(xp, edges * math.sqrt(2) * sigma, sigma, order - 1) * density
    return (distribution[1:] - distribution[:-1])[::-1] / mass


def _discrete(xp, sigma, order: int, radius: int):
    # T(n, t) has the transform exp(-t (1 - cos θ)): sum it on enough frequencies that its copies stay off the window.
    reach = 4 * radius + 32 if xp is jnp else int(radius + 12 * sigma + 32)
    theta = np.pi * np.arange(2 * reach) / reach
    waves = np.outer(np.arange(-radius, radius + 1), theta)
    multiplier = (2 * np.cos(theta) - 2) ** (order // 2) / (2 * reach)
    transform = xp.exp(-(sigma**2) * (1 - np.cos(theta)))
    mass = (np.cos(waves) @ transform).sum() / (2 * reach)
    table = np.sin(waves) * np.sin(theta) if order % 2 else np.cos(waves)
    return (table * multiplier) @ transform / mass


_FORMS = {"sampled": _sampled, "integrated": _integrated, "discrete": _discrete}
