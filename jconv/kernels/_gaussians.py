"""The Gaussian and its derivatives as sampled, integrated and discrete kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.kernels import _array
from jconv.kernels._array import Real

_Array = jax.Array | np.ndarray


def gaussian(
    size: int | Sequence[int] | None = 5,
    *,
    sigma: Real | Sequence[Real] = 1.0,
    order: int | Sequence[int] = 0,
    form: str = "sampled",
    truncate: float = 4.0,
    ndim: int = 2,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    r"""Build the Gaussian, or a derivative of it, as a kernel whose sum (for order 0) is one.

    .. math:: K[i] = \prod_a g_{\sigma_a}(i_a - c_a), \quad g_\sigma(x) \propto e^{-x^2 / 2 \sigma^2}

    Parameters
    ----------
    size : int or sequence of int, optional
        Odd samples per axis, one or one each. None takes `2 * round(truncate * sigma) + 1`. Default 5.
    sigma : float or sequence of float
        Standard deviation in samples, one or one per axis; may be traced where `size` is given. Default 1.
    order : int or sequence of int
        Order of the derivative, one or one per axis. Default 0.
    form : {"sampled", "integrated", "discrete"}
        How the function becomes samples; see `gaussian1d`. Default "sampled".
    truncate : float
        Radius in standard deviations where `size` is None. Default 4.
    ndim : int
        Rank, where neither `size`, `sigma` nor `order` is a sequence. Default 2.
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array (size, ...)

    Raises
    ------
    TypeError
        If `sigma` is traced without `size`, or `dtype` is not floating.
    ValueError
        If `sigma` or `order` is negative, `size` is even, `form` is unknown, the sequences differ in length, or the
        kernel would not fit into memory.

    Notes
    -----
    As a *correlation* kernel the odd derivatives are mirrored, exactly as in `scipy.ndimage.gaussian_filter`, so that
    correlating with them differentiates. The kernel is separable: `gaussian1d` gives its factors. Differentiable in
    `sigma`.

    Examples
    --------
    >>> gaussian(3, sigma=0.5).round(3).tolist()
    [[0.011..., 0.084..., 0.011...], [0.084..., 0.619..., 0.084...], [0.011..., 0.084..., 0.011...]]
    """
    dtype = _array.check_floating(dtype)
    lengths = [length for v in (size, sigma, order) if (length := _length(v)) is not None]
    ndim = lengths[-1] if lengths else check.positive_int("ndim", ndim)
    spread = lambda value: tuple(value) if _length(value) is not None else (value,) * ndim
    sizes, sigmas = spread(size), spread(sigma)
    orders = check.per_axis("order", order, ndim)
    if not len(sizes) == len(sigmas) == ndim:
        raise ValueError(
            f"`size`, `sigma` and `order` must agree in length, got {size}, {sigma} and {order}; pass one value for "
            "each, or one per axis"
        )
    radii = [
        _check_arguments(s, o, None if n is None else _array.check_odd("size", n) // 2, form, truncate)[1]
        for s, o, n in zip(sigmas, orders, sizes)
    ]
    _array.check_size([2 * r + 1 for r in radii])
    factors = [gaussian1d(s, order=o, radius=r, form=form) for s, o, r in zip(sigmas, orders, radii)]
    return jnp.asarray(_array.outer(factors), dtype)


def _length(value: object) -> int | None:
    """Return the length of a sequence or of a 1-D array, whose entries may be traced; None for a number."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return len(value)
    return len(value) if isinstance(value, np.ndarray | jax.Array) and value.ndim else None


def gaussian1d(
    sigma: Real,
    *,
    order: int = 0,
    radius: int | None = None,
    form: str = "sampled",
    truncate: float = 4.0,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    r"""Build a Gaussian, or a derivative of it, as 2 radius + 1 samples to correlate with.

    .. math:: g_\sigma^{(n)}(i), \quad g_\sigma(x) \propto e^{-x^2 / 2 \sigma^2}

    Parameters
    ----------
    sigma : float
        Standard deviation in samples, at least 0; may be traced where `radius` is given.
    order : int
        Order n of the derivative. Default 0.
    radius : int, optional
        Half the length. Default `round(truncate * sigma)`, which needs a known `sigma`.
    form : {"sampled", "integrated", "discrete"}
        "sampled" (default) takes the function's values at the samples and divides by their sum (SciPy's).
        "integrated" takes its integral over each sample's interval [i - ½, i + ½], so that a narrow Gaussian keeps its
        width. "discrete" is Lindeberg's discrete analogue :math:`e^{-\sigma^2} I_i(\sigma^2)`, the one whose cascades
        are exact: sigma² adds up.
    truncate : float
        Radius in standard deviations where `radius` is not given. Default 4.
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array (2 radius + 1,)

    Raises
    ------
    TypeError
        If `sigma` is traced without `radius`, or `dtype` is not floating.
    ValueError
        If `sigma`, `order` or `radius` is negative, `form` is unknown, or the samples would not fit into memory.

    Notes
    -----
    Differentiable in `sigma`; at sigma = 0 the kernel is the unit impulse, and its gradient there is zero.

    T. Lindeberg, *Scale-space for discrete signals*, IEEE PAMI 12 (1990); `scipy.ndimage.gaussian_filter1d`.

    Examples
    --------
    >>> gaussian1d(1.0, radius=1).round(3).tolist()
    [0.27..., 0.45..., 0.27...]
    """
    order, radius = _check_arguments(sigma, order, radius, form, truncate)
    dtype = _array.check_floating(dtype)
    if is_traced(sigma):
        return jnp.asarray(_FORMS[form](jnp, sigma, order, radius), dtype)
    if float(sigma) == 0:
        return jnp.asarray((np.arange(-radius, radius + 1) == 0) * (order == 0), dtype)
    exact = np.asarray(_FORMS[form](np, float(sigma), order, radius))
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


def _check_arguments(sigma: Real, order: int, radius: int | None, form: str, truncate: float) -> tuple[int, int]:
    """Check the order and the radius of a Gaussian's samples; an error says what is wrong with the arguments."""
    _array.check_known("truncate", truncate, "it decides the size of the kernel")
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
        if not 0 <= float(truncate) < math.inf:
            raise ValueError(f"`truncate` must not be negative, got {truncate}; pass a number of standard deviations")
        radius = int(truncate * float(sigma) + 0.5)
    if check.integer("radius", radius) < 0:
        raise ValueError(f"`radius` must be at least 0, got {radius}; pass a number of samples")
    _array.check_size((2 * radius + 1,))
    return order, radius


def _avoid_zero(xp: ModuleType, sigma: Real) -> Real:
    """`sigma`, with 0 replaced by a width so small that the kernel is the impulse, and its gradient zero."""
    return sigma if xp is np else xp.where(sigma > 1e-3, sigma, 1e-3)


def _derivative(xp: ModuleType, x: _Array, sigma: Real, order: int) -> _Array:
    """q(x) with dⁿ/dxⁿ exp(-x²/2σ²) = q(x) exp(-x²/2σ²), by q ← q' - q x/σ²; the coefficients are of powers of x/σ."""
    coefficients = [1.0]
    for _ in range(order):
        slope = [*(k * c for k, c in enumerate(coefficients) if k), 0.0, 0.0]
        shifted = [0.0, *coefficients]
        coefficients = [a - b for a, b in zip(slope, shifted)]
    u = x / sigma
    return (
        xp.asarray(sum(c * u**k for k, c in enumerate(coefficients) if c)) / sigma**order if order else xp.ones_like(u)
    )


def _sampled(xp: ModuleType, sigma: Real, order: int, radius: int) -> _Array:
    sigma = _avoid_zero(xp, sigma)
    x = xp.arange(-radius, radius + 1) + 0.0 * sigma
    weights = xp.exp(-0.5 * (x / sigma) ** 2)
    return (_derivative(xp, x, sigma, order) * (weights / weights.sum()))[::-1]


def _integrated(xp: ModuleType, sigma: Real, order: int, radius: int) -> _Array:
    sigma = _avoid_zero(xp, sigma)
    edges = (xp.arange(-radius, radius + 2) - 0.5) / (sigma * math.sqrt(2))
    erf = np.vectorize(math.erf) if xp is np else jax.scipy.special.erf
    distribution = erf(edges) / 2
    mass = distribution[-1] - distribution[0]
    if order:
        density = xp.exp(-(edges**2)) / (sigma * math.sqrt(2 * math.pi))
        distribution = _derivative(xp, edges * math.sqrt(2) * sigma, sigma, order - 1) * density
    return (distribution[1:] - distribution[:-1])[::-1] / mass


def _discrete(xp: ModuleType, sigma: Real, order: int, radius: int) -> _Array:
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
