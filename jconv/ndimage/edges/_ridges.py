"""Second-order structure: `structure_tensor`, `hessian_matrix`, and the ridge filters built on eigenvalues."""

from __future__ import annotations

import itertools
import math

import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage.linear._derivatives import sobel
from jconv.ndimage.linear._gaussian import gaussian_filter

_SIGMAS = (1, 3, 5, 7, 9)


def structure_tensor(input, sigma=1.0, mode="constant", cval=0.0):
    r"""The Gaussian-weighted products of the Sobel derivatives, :math:`g_\sigma * (\partial_a x\, \partial_b x)`.

    Returns the upper triangle as an array (n (n + 1) / 2, \*image shape), in the order (0,0), (0,1), …, (1,1), ….
    scikit-image's `structure_tensor`.
    """
    x = _floating(input)
    slopes = [sobel(x, axis, mode=mode, cval=cval) for axis in range(x.ndim)]
    pairs = itertools.combinations_with_replacement(slopes, 2)
    return jnp.stack([gaussian_filter(a * b, sigma, mode=mode, cval=cval) for a, b in pairs])


def hessian_matrix(input, sigma=1.0, mode="reflect", cval=0.0):
    r"""The second derivatives of the Gaussian-smoothed image, :math:`\partial_a \partial_b\, g_\sigma * x`.

    Two passes of first derivatives at :math:`\sigma / \sqrt 2`, each. Returns the upper triangle, as
    `structure_tensor` does. scikit-image's `hessian_matrix` with ``use_gaussian_derivatives=True``.
    """
    x = _floating(input)
    sigmas = arguments.sequence("sigma", sigma, x.ndim)
    truncate = 8 if all(s > 1 for s in sigmas) else 100
    narrow = [s / math.sqrt(2) for s in sigmas]

    def slope(a, axis):
        order = [int(axis == b) for b in range(x.ndim)]
        return gaussian_filter(a, narrow, order, mode=mode, cval=cval, truncate=truncate)

    first = [slope(x, a) for a in range(x.ndim)]
    return jnp.stack([slope(first[a], b) for a, b in itertools.combinations_with_replacement(range(x.ndim), 2)])


def eigenvalues(elements):
    r"""The eigenvalues, descending, of the symmetric matrices whose upper triangles are `elements`.

    (n (n + 1) / 2, \*shape) → (n, \*shape). Where two eigenvalues of a 2 by 2 matrix meet, the derivative of their
    distance is taken as zero. scikit-image's `hessian_matrix_eigvals`.
    """
    elements = jnp.asarray(elements)
    n = (math.isqrt(8 * elements.shape[0] + 1) - 1) // 2
    if n * (n + 1) // 2 != elements.shape[0] or n == 0:
        raise ValueError(f"`elements` must hold an upper triangle, got {elements.shape[0]} elements; 3 are 2 by 2")
    if n == 1:
        return elements
    if n == 2:
        a, b, c = elements
        squared = b**2 + ((a - c) / 2) ** 2
        half = jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1)), 0)
        return jnp.stack([(a + c) / 2 + half, (a + c) / 2 - half])
    index = np.zeros((n, n), int)
    index[np.triu_indices(n)] = index.T[np.triu_indices(n)] = np.arange(len(elements))
    index = np.maximum(index, index.T)
    matrices = jnp.moveaxis(elements[index], (0, 1), (-2, -1))
    return jnp.moveaxis(jnp.linalg.eigvalsh(matrices)[..., ::-1], -1, 0)


def meijering(input, sigmas=_SIGMAS, alpha=None, black_ridges=True, mode="reflect", cval=0.0):
    """Neurite filter: the largest of the eigenvalues' mixtures, over scales, each scale divided by its maximum.

    scikit-image's `meijering`. Source: E. Meijering et al., Cytometry A 58 (2004).
    """
    x, sigmas = _ridge_arguments(input, sigmas, black_ridges, (1, 2, 3))
    alpha = 1 / (x.ndim + 1) if alpha is None else alpha

    def response(values, sigma):
        others = jnp.sum(values, axis=0) - values
        mixed = values + alpha * others
        strongest = jnp.take_along_axis(mixed, jnp.abs(mixed).argmax(0)[None], 0)[0]
        found = jnp.maximum(strongest, 0)
        peak = found.max()
        return found / jnp.where(peak > 0, peak, 1)

    return _over_scales(x, sigmas, mode, cval, response)


def sato(input, sigmas=_SIGMAS, black_ridges=True, mode="reflect", cval=0.0):
    """Tubeness: the geometric mean of the positive eigenvalues but the least, times sigma², largest over scales.

    scikit-image's `sato`. Source: Y. Sato et al., Medical Image Analysis 2 (1998).
    """
    x, sigmas = _ridge_arguments(input, sigmas, black_ridges, (2, 3))

    def response(values, sigma):
        product = jnp.prod(jnp.maximum(values[:-1], 0), axis=0)
        if x.ndim == 2:
            return sigma**2 * product
        return sigma**2 * jnp.where(product > 0, jnp.where(product > 0, product, 1) ** (1 / (x.ndim - 1)), 0)

    return _over_scales(x, sigmas, mode, cval, response)


def frangi(input, sigmas=_SIGMAS, alpha=0.5, beta=0.5, gamma=None, black_ridges=True, mode="reflect", cval=0.0):
    r"""Vesselness: plate against line (alpha), blob against line (beta), structure against noise (gamma).

    .. math:: (1 - e^{-R_A^2 / 2 \alpha^2})\, e^{-R_B^2 / 2 \beta^2}\, (1 - e^{-S^2 / 2 \gamma^2})

    `gamma` defaults to half the largest Hessian norm at the first scale. scikit-image's `frangi`.

    Source: A. F. Frangi et al., *Multiscale vessel enhancement filtering*, MICCAI 1998.
    """
    x, sigmas = _ridge_arguments(input, sigmas, black_ridges, (2, 3))

    def response(values, sigma):
        nonlocal gamma
        values = jnp.take_along_axis(values, jnp.abs(values).argsort(0), 0)
        least, *rest = values[0], *jnp.maximum(values[1:], 1e-10)
        plate = 1.0
        if x.ndim == 3:
            plate = 1 - jnp.exp(-((rest[0] / rest[1]) ** 2) / (2 * alpha**2))
        blob = jnp.abs(least) / (rest[0] if x.ndim == 2 else jnp.sqrt(rest[0] * rest[1]))
        squared_norm = (values**2).sum(0)
        if gamma is None:
            largest = squared_norm.max()
            half = jnp.sqrt(jnp.where(largest > 0, largest, 4)) / 2
            gamma = half
        return plate * jnp.exp(-(blob**2) / (2 * beta**2)) * (1 - jnp.exp(-squared_norm / (2 * gamma**2)))

    return _over_scales(x, sigmas, mode, cval, response)


def hessian(input, sigmas=_SIGMAS, alpha=0.5, beta=0.5, gamma=15, black_ridges=True, mode="reflect", cval=0.0):
    """Hybrid Hessian filter: `frangi` with a fixed `gamma`, one where it finds nothing. scikit-image's `hessian`.

    Source: C.-C. Ng et al., *Automatic wrinkle detection using hybrid Hessian filter*, ACCV 2014.
    """
    found = frangi(input, sigmas, alpha, beta, gamma, black_ridges, mode, cval)
    return jnp.where(found <= 0, 1, found)


def _over_scales(x, sigmas, mode, cval, response):
    best = jnp.zeros_like(x)
    for sigma in sigmas:
        best = jnp.maximum(best, response(eigenvalues(hessian_matrix(x, sigma, mode, cval)), sigma))
    return best


def _ridge_arguments(input, sigmas, black_ridges, ranks):
    x = _floating(input)
    check.rank("input", x, ranks, "filter each image of a stack under jax.vmap")
    sigmas = tuple(sigmas) if np.ndim(sigmas) else (sigmas,)
    if not sigmas or not all(s > 0 for s in sigmas):
        raise ValueError(f"`sigmas` must be positive, at least one of them, got {sigmas}; pass scales in samples")
    return (x if black_ridges else -x), sigmas


def _floating(input):
    x = arguments.image(input, real=True)
    return x.astype(_output.working_dtype(x.dtype, x.dtype))
