"""Kernels that fit, steer and split phases: Savitzky–Golay, Laplacian of Gaussian, steerable derivatives, Riesz."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.kernels import _array
from jconv.kernels._gaussians import gaussian, gaussian1d


def laplacian_of_gaussian(
    size: int | None = None, *, sigma: float | jax.Array = 1.0, ndim: int = 2, truncate: float = 4.0, dtype=None
) -> jax.Array:
    r"""The Laplacian of a Gaussian, :math:`\sum_a \partial_a^2 g_\sigma`, of `jconv.ndimage.gaussian_laplace`."""
    orders = [[2 if a == b else 0 for b in range(ndim)] for a in range(ndim)]
    terms = [gaussian(_same(size, ndim), sigma=sigma, order=o, truncate=truncate, dtype=dtype) for o in orders]
    return jnp.sum(jnp.stack(terms), axis=0)


def steerable(
    size: int | None = None,
    *,
    sigma: float = 1.5,
    order: int = 1,
    theta: float | jax.Array = 0.0,
    truncate: float = 4.0,
    dtype=None,
) -> jax.Array:
    r"""The `order`-th derivative of a Gaussian in the direction `theta`: a combination of `order` + 1 fixed kernels.

    .. math:: (\cos\theta\, \partial_x + \sin\theta\, \partial_y)^n g
              = \sum_k \binom{n}{k} \cos^k\theta \sin^{n-k}\theta\; \partial_x^k \partial_y^{n-k} g

    `theta` 0 differentiates along the columns (the last axis); it may be traced.

    Source: W. T. Freeman and E. H. Adelson, IEEE PAMI 13 (1991).
    """
    order = check.integer("order", order)
    radius = None if size is None else _array.odd("size", size) // 2
    lines = [gaussian1d(sigma, order=k, radius=radius, truncate=truncate, dtype=dtype) for k in range(order + 1)]
    terms = [
        math.comb(order, k) * jnp.cos(theta) ** k * jnp.sin(theta) ** (order - k) * lines[order - k][:, None] * lines[k]
        for k in range(order + 1)
    ]
    return jnp.sum(jnp.stack(terms), axis=0).astype(_array.floating(dtype))


def savitzky_golay(
    size: int | Sequence[int] = 5,
    *,
    degree: int = 2,
    derivative: int | Sequence[int] = 0,
    ndim: int = 2,
    dtype=None,
) -> jax.Array:
    """The kernel that fits a polynomial of total `degree` to the window by least squares and takes it, or a
    `derivative` of it (one order per axis), at the centre.

    Source: A. Savitzky and M. J. E. Golay, Analytical Chemistry 36 (1964); with ndim=1, the coefficients of
    `scipy.signal.savgol_coeffs(…, use="dot")`.

    >>> (savitzky_golay(5, ndim=1) * 35).round().astype(int).tolist()
    [-3, 12, 17, 12, -3]
    """
    shape = tuple(_array.odd("size", n) for n in _array.shape(size, ndim))
    orders = check.per_axis("derivative", derivative, len(shape))
    powers = [p for p in itertools.product(range(degree + 1), repeat=len(shape)) if sum(p) <= degree]
    if orders not in powers:
        raise ValueError(f"`derivative` must not exceed the degree, got {orders} for degree {degree}")
    if len(powers) > math.prod(shape) or degree >= min(n for n in shape):
        raise ValueError(f"`degree` must be less than the size, got {degree} for {shape}; pass a larger window")
    grid = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij")
    basis = np.stack([math.prod(g.astype(float) ** k for g, k in zip(grid, p)).ravel() for p in powers], axis=1)  # type: ignore[union-attr]
    fit = np.linalg.pinv(basis)[powers.index(orders)].reshape(shape)
    return jnp.asarray(fit * math.prod(map(math.factorial, orders)), _array.floating(dtype))


def riesz(size: int | Sequence[int] = 15, *, axis: int = -1, ndim: int = 2, dtype=None) -> jax.Array:
    r"""The Riesz transform along `axis`, the n-D Hilbert transform: frequency response :math:`i \nu_a / |\nu|`.

    As a correlation kernel, sampled on odd sizes. The sum of the squares of all axes' responses is minus one, but at
    frequency zero. Source: M. Felsberg and G. Sommer, IEEE Trans. Signal Processing 49 (2001).
    """
    shape = tuple(_array.odd("size", n) for n in _array.shape(size, ndim))
    axis = check.axis("axis", axis, len(shape))
    grid = np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij")
    radius = np.sqrt(sum(g**2 for g in grid))
    transfer = 1j * grid[axis] / np.where(radius == 0, 1, radius)
    # Correlating reads the kernel mirrored: the conjugate response gives the response asked for.
    kernel = np.fft.fftshift(np.fft.ifftn(transfer.conj())).real
    return jnp.asarray(kernel, _array.floating(dtype))


def _same(size: int | None, ndim: int):
    return None if size is None else (size,) * ndim
