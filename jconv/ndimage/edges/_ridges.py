"""Ridge filters over scales, built on the eigenvalues of the Hessian: `meijering`, `sato`, `frangi`, `hessian`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.arrays import ArrayLike
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage.edges._tensors import eigenvalues, hessian_matrix, hessian_radii
from jconv.ndimage.enhancement._enhance import gaussian_smooth

_SIGMAS = (1, 3, 5, 7, 9)

Response = Callable[[jax.Array, Number, jax.Array], tuple[jax.Array, jax.Array]]
"""From the eigenvalues (n, *shape) of a scale, the scale and a number that is handed from scale to scale, 0 at the
first, to the response and that number."""


def meijering(
    input: ArrayLike,
    sigmas: Number | Sequence[Number] = _SIGMAS,
    alpha: Number | None = None,
    black_ridges: bool = True,
    mode: str = "reflect",
    cval: Value = 0.0,
    *,
    radius: int | None = None,
) -> jax.Array:
    r"""Find neurites: the largest of the eigenvalues' mixtures, over scales, each scale divided by its maximum.

    .. math:: y = \max_\sigma \frac{\max(0, \lambda_m)}{\max_i \lambda_m}, \quad
              \lambda_m = \lambda_a + \alpha \sum_{b \ne a} \lambda_b

    Parameters
    ----------
    input : array of rank one, two or three, real
        The image.
    sigmas : number or sequence of numbers
        Scales in samples, above zero; may be traced. Default 1, 3, 5, 7, 9.
    alpha : number, optional
        Share of the other eigenvalues. Default 1 / (rank + 1).
    black_ridges : bool
        Whether ridges are darker than what is around them. Default True.
    mode, cval
        As for `jconv.ndimage.correlate`.
    radius : int, optional
        As for `jconv.ndimage.hessian_matrix`; must be given where a sigma is traced.

    Returns
    -------
    array, in the shape of `input`
        The response, 0 … 1.

    Raises
    ------
    ValueError
        For an image of another rank, or scales that are not positive.
    TypeError
        For traced scales without `radius`.

    Notes
    -----
    What lies within rounding of zero counts as zero, so that a flat image has no ridges. Differentiable in the image,
    the scales and `alpha`. scikit-image's `meijering`. Source: E. Meijering et al., Cytometry A 58 (2004).

    Examples
    --------
    >>> meijering(jnp.ones((9, 9)).at[4].set(0.0), [1.0])[4, 4].round(3).item()
    1.0
    """
    x, scales = _ridge_arguments(input, sigmas, black_ridges, (1, 2, 3))
    share = 1 / (x.ndim + 1) if alpha is None else alpha

    def response(values: jax.Array, sigma: Number, state: jax.Array) -> tuple[jax.Array, jax.Array]:
        others = jnp.sum(values, axis=0) - values
        mixed = values + share * others
        strongest = jnp.take_along_axis(mixed, jnp.abs(mixed).argmax(0)[None], 0)[0]
        positive = jnp.maximum(strongest, 0)
        peak = _largest(positive)
        return positive / jnp.where(peak > 0, peak, 1), state

    return _over_scales(x, scales, mode, cval, radius, response)


def sato(
    input: ArrayLike,
    sigmas: Number | Sequence[Number] = _SIGMAS,
    black_ridges: bool = True,
    mode: str = "reflect",
    cval: Value = 0.0,
    *,
    radius: int | None = None,
) -> jax.Array:
    r"""Find tubes: the geometric mean of the positive eigenvalues but the least, times σ², largest over scales.

    .. math:: y = \max_\sigma \sigma^2 \Big(\prod_{a < n - 1} \max(0, \lambda_a)\Big)^{1 / (n - 1)}

    Parameters
    ----------
    input : array of rank n, two or three, real
        The image.
    sigmas, black_ridges, mode, cval, radius
        As for `meijering`.

    Returns
    -------
    array, in the shape of `input`
        The response, in the image's units.

    Raises
    ------
    ValueError, TypeError
        As `meijering`.

    Notes
    -----
    Differentiable in the image and the scales. scikit-image's `sato`. Source: Y. Sato et al., Medical Image Analysis 2
    (1998).

    Examples
    --------
    >>> sato(jnp.ones((9, 9)), [1.0]).max().item()
    0.0
    """
    x, scales = _ridge_arguments(input, sigmas, black_ridges, (2, 3))

    def response(values: jax.Array, sigma: Number, state: jax.Array) -> tuple[jax.Array, jax.Array]:
        product = jnp.prod(jnp.maximum(values[:-1], 0), axis=0)
        if x.ndim == 2:
            return sigma**2 * product, state
        root = jnp.where(product > 0, product, 1) ** (1 / (x.ndim - 1))
        return sigma**2 * jnp.where(product == 0, 0, jnp.where(product > 0, root, product)), state

    return _over_scales(x, scales, mode, cval, radius, response)


def frangi(
    input: ArrayLike,
    sigmas: Number | Sequence[Number] = _SIGMAS,
    alpha: Number = 0.5,
    beta: Number = 0.5,
    gamma: Number | None = None,
    black_ridges: bool = True,
    mode: str = "reflect",
    cval: Value = 0.0,
    *,
    scale_normalized: bool = False,
    radius: int | None = None,
) -> jax.Array:
    r"""Find vessels: plate against line (alpha), blob against line (beta), structure against noise (gamma).

    .. math:: y = \max_\sigma\, (1 - e^{-R_A^2 / 2 \alpha^2})\, e^{-R_B^2 / 2 \beta^2}\, (1 - e^{-S^2 / 2 \gamma^2})

    Parameters
    ----------
    input : array of rank two or three, real
        The image.
    sigmas : number or sequence of numbers
        As for `meijering`.
    alpha, beta : number
        Sensitivity to plates (in volumes) and to blobs, above zero. Default 0.5.
    gamma : number, optional
        Sensitivity to the Hessian's norm, in its units, above zero. Default: half the largest norm at the first scale.
    black_ridges, mode, cval
        As for `meijering`.
    scale_normalized : bool
        Whether the Hessian of each scale is multiplied by σ², as Frangi's paper has it, so that wide vessels count as
        much as narrow ones. Default False, as in scikit-image, where wide vessels fade with σ².
    radius : int, optional
        As for `meijering`.

    Returns
    -------
    array, in the shape of `input`
        The response, 0 … 1.

    Raises
    ------
    ValueError
        For an image of another rank, or a parameter that is not positive.
    TypeError
        For traced scales without `radius`.

    Notes
    -----
    What lies within rounding of zero counts as zero, so that a flat image has no vessels, and its gradient is zero.
    Differentiable in the image, the scales, `alpha`, `beta` and `gamma`. scikit-image's `frangi`.
    Source: A. F. Frangi et al., *Multiscale vessel enhancement filtering*, MICCAI 1998.

    Examples
    --------
    >>> frangi(jnp.ones((9, 9)), [1.0]).max().item()
    0.0
    """
    x, scales = _ridge_arguments(input, sigmas, black_ridges, (2, 3))
    given = {"alpha": alpha, "beta": beta} | ({} if gamma is None else {"gamma": gamma})
    for name, value in given.items():
        arguments.positive(name, value, "a sensitivity")

    def response(values: jax.Array, sigma: Number, first: jax.Array) -> tuple[jax.Array, jax.Array]:
        values = jnp.take_along_axis(values, jnp.abs(values).argsort(0), 0)
        least, *rest = values[0], *jnp.maximum(values[1:], 1e-10)
        plate: jax.Array | float = 1.0
        if x.ndim == 3:
            plate = 1 - jnp.exp(-((rest[0] / rest[1]) ** 2) / (2 * alpha**2))
        blob = jnp.abs(least) / (rest[0] if x.ndim == 2 else jnp.sqrt(rest[0]) * jnp.sqrt(rest[1]))
        norm = _norm(values)
        if gamma is None:
            largest = _largest(norm)
            first = jnp.where(first > 0, first, jnp.where(largest > 0, largest, 2) / 2)
        strength = norm / (first if gamma is None else gamma)
        return plate * jnp.exp(-(blob**2) / (2 * beta**2)) * -jnp.expm1(-(strength**2) / 2), first

    return _over_scales(x, scales, mode, cval, radius, response, normalized=scale_normalized)


def hessian(
    input: ArrayLike,
    sigmas: Number | Sequence[Number] = _SIGMAS,
    alpha: Number = 0.5,
    beta: Number = 0.5,
    gamma: Number = 15,
    black_ridges: bool = True,
    mode: str = "reflect",
    cval: Value = 0.0,
    *,
    radius: int | None = None,
) -> jax.Array:
    r"""Find wrinkles: `frangi` with a fixed `gamma`, and one where it finds nothing.

    .. math:: y = \begin{cases} f & f > 0 \\ 1 & \text{else} \end{cases}, \quad f = \mathrm{frangi}(x)

    Parameters
    ----------
    input : array of rank two or three, real
        The image.
    sigmas, alpha, beta
        As for `frangi`.
    gamma : number
        Sensitivity to the Hessian's norm, above zero. Default 15.
    black_ridges, mode, cval, radius
        As for `frangi`.

    Returns
    -------
    array, in the shape of `input`
        The response, above 0 and up to 1.

    Raises
    ------
    ValueError, TypeError
        As `frangi`.

    Notes
    -----
    Differentiable where `frangi` finds something. scikit-image's `hessian`. Source: C.-C. Ng et al., *Automatic wrinkle
    detection using hybrid Hessian filter*, ACCV 2014.

    Examples
    --------
    >>> hessian(jnp.ones((9, 9)), [1.0]).min().item()
    1.0
    """
    response = frangi(input, sigmas, alpha, beta, gamma, black_ridges, mode, cval, radius=radius)
    return jnp.where(response <= 0, 1, response)


def _over_scales(
    x: jax.Array,
    sigmas: Sequence[Number],
    mode: str,
    cval: Value,
    radius: int | None,
    response: Response,
    *,
    normalized: bool = False,
) -> jax.Array:
    """Take the largest response over all scales.

    Known scales go through one loop, with kernels as wide as the widest: a program for each would take several times
    as long to compile.
    """

    def step(state: tuple[jax.Array, jax.Array], sigma: Number) -> tuple[tuple[jax.Array, jax.Array], None]:
        best, handed = state
        values = eigenvalues(hessian_matrix(x, sigma, mode, cval, radius=radius))
        # Rounding of the second derivatives, whose weights sum to about 1/σ² in magnitude (the factor is a guess).
        size = gaussian_smooth(lax.stop_gradient(jnp.abs(x)), sigma, mode, abs(cval), radius=radius)
        noise = _NOISE * jnp.finfo(x.dtype).eps * size / sigma**2
        values = jnp.where(jnp.abs(values) <= noise, 0, values)
        found, handed = response(values * sigma**2 if normalized else values, sigma, handed)
        return (jnp.maximum(best, found), handed), None

    start = jnp.zeros_like(x), jnp.zeros((), x.dtype)
    if len(sigmas) == 1 or radius is not None or any(map(is_traced, sigmas)):
        state = start
        for sigma in sigmas:
            state, _ = step(state, sigma)
        return state[0]
    radius = max(hessian_radii([s], x.dtype)[0] for s in sigmas)
    return lax.scan(step, start, jnp.asarray([float(s) for s in sigmas], x.dtype))[0][0]


_NOISE = 8.0
"""Eigenvalues up to so many units of rounding are taken for zero."""


def _norm(values: jax.Array) -> jax.Array:
    """Return the length along the first axis, without overflow; its derivative at zero is zero."""
    peak = jnp.abs(values).max(0)
    scale = lax.stop_gradient(jnp.where(peak > 0, peak, 1))
    squares = ((values / scale) ** 2).sum(0)
    return scale * jnp.where(squares == 0, 0, jnp.sqrt(jnp.where(squares == 0, 1, squares)))


def _largest(values: jax.Array) -> jax.Array:
    """Return the largest of the finite values: a bad sample spoils its surroundings alone."""
    return jnp.max(jnp.where(jnp.isfinite(values), values, 0), initial=0)


def _ridge_arguments(
    input: ArrayLike, sigmas: Number | Sequence[Number], black_ridges: bool, ranks: tuple[int, ...]
) -> tuple[jax.Array, list[Number]]:
    """Return the image, with dark ridges as bright ones, and its scales."""
    x, _ = _output.floating(arguments.image(input, real=True))
    check.rank("input", x, ranks, "filter each image of a stack under jax.vmap")
    scales = list(sigmas) if isinstance(sigmas, Sequence) or np.ndim(sigmas) else [sigmas]  # type: ignore[arg-type]
    if not scales or not all(is_traced(s) or 0 < float(s) < float("inf") for s in scales):
        raise ValueError(f"`sigmas` must be positive, at least one of them, got {sigmas}; pass scales in samples")
    return (x if black_ridges else -x), scales  # type: ignore[return-value]
