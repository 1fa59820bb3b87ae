"""Kernels that steer and split phases: the Laplacian of a Gaussian, steerable derivatives, the Riesz transform."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jconv._core import check
from jconv.kernels import _array
from jconv.kernels._array import Real
from jconv.kernels._gaussians import gaussian, gaussian1d


def laplacian_of_gaussian(
    size: int | None = None,
    *,
    sigma: Real | Sequence[Real] = 1.0,
    ndim: int = 2,
    truncate: float = 4.0,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    r"""Build the Laplacian of a Gaussian.

    .. math:: \sum_a \partial_a^2 g_\sigma

    Parameters
    ----------
    size : int, optional
        Odd samples per axis. Default: `truncate` standard deviations, which needs a known `sigma`.
    sigma : float or sequence of float
        Standard deviation in samples, one or one per axis; may be traced where `size` is given. Default 1.
    ndim : int
        Rank. Default 2.
    truncate : float
        Radius in standard deviations where `size` is not given. Default 4.
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
        If `sigma` is negative, or `size` is even.

    Notes
    -----
    Differentiable in `sigma`. It is the kernel of `jconv.ndimage.gaussian_laplace`.

    Examples
    --------
    >>> laplacian_of_gaussian(sigma=0.5).shape
    (5, 5)
    """
    sizes = None if size is None else (size,) * check.positive_int("ndim", ndim)
    orders = [[2 if a == b else 0 for b in range(ndim)] for a in range(ndim)]
    terms = [gaussian(sizes, sigma=sigma, order=o, truncate=truncate, ndim=ndim, dtype=dtype) for o in orders]
    return jnp.sum(jnp.stack(terms), axis=0)


def steerable(
    size: int | None = None,
    *,
    sigma: Real = 1.5,
    order: int = 1,
    theta: Real = 0.0,
    truncate: float = 4.0,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    r"""Build the derivative of a Gaussian in any direction, a combination of `order` + 1 fixed kernels.

    .. math:: (\cos\theta\, \partial_x + \sin\theta\, \partial_y)^n g
              = \sum_k \binom{n}{k} \cos^k\theta \sin^{n-k}\theta\; \partial_x^k \partial_y^{n-k} g

    Parameters
    ----------
    size : int, optional
        Odd samples per axis. Default: `truncate` standard deviations, which needs a known `sigma`.
    sigma : float
        Standard deviation in samples; may be traced where `size` is given. Default 1.5.
    order : int
        n, at least 0. Default 1.
    theta : float
        Direction in radians: 0 (default) differentiates along the columns (the last axis). May be traced.
    truncate : float
        Radius in standard deviations where `size` is not given. Default 4.
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array (size, size)

    Raises
    ------
    TypeError
        If `sigma` is traced without `size`, or `dtype` is not floating.
    ValueError
        If `order` or `sigma` is negative, or `size` is even.

    Notes
    -----
    Differentiable in `sigma` and `theta`. W. T. Freeman and E. H. Adelson, IEEE PAMI 13 (1991).

    Examples
    --------
    >>> steerable(5, theta=0.3).shape
    (5, 5)
    """
    order = check.integer("order", order)
    radius = None if size is None else _array.check_odd_shape(size)[0] // 2
    lines = [gaussian1d(sigma, order=k, radius=radius, truncate=truncate, dtype=dtype) for k in range(order + 1)]
    if not lines:
        raise ValueError(f"`order` must be at least 0, got {order}; 0 is the Gaussian itself")
    _array.check_size((len(lines[0]),) * 2, copies=order + 1)
    terms = [
        math.comb(order, k) * jnp.cos(theta) ** k * jnp.sin(theta) ** (order - k) * lines[order - k][:, None] * lines[k]
        for k in range(order + 1)
    ]
    return jnp.sum(jnp.stack(terms), axis=0).astype(_array.check_floating(dtype))


def riesz(
    size: int | Sequence[int] = 15, *, axis: int = -1, ndim: int = 2, dtype: DTypeLike | None = None
) -> jax.Array:
    r"""Build the Riesz transform along one axis, the n-D Hilbert transform.

    .. math:: H(\nu) = i \nu_a / |\nu|

    Parameters
    ----------
    size : int or sequence of int
        Odd samples per axis, one size for all axes or one each. Default 15.
    axis : int
        a. Default the last.
    ndim : int
        Rank, where `size` is one number. Default 2.
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array (size, ...)
        To correlate with.

    Raises
    ------
    TypeError
        If `dtype` is not floating.
    ValueError
        If a size is even, or `axis` does not fit.

    Notes
    -----
    The sum of the squares of all axes' responses is minus one, except at frequency zero.
    M. Felsberg and G. Sommer, IEEE Trans. Signal Processing 49 (2001).

    Examples
    --------
    >>> riesz(5).shape
    (5, 5)
    """
    shape = _array.check_odd_shape(size, ndim)
    axis = check.axis("axis", axis, len(shape))
    grid = np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij")
    radius = np.sqrt(np.sum(np.square(grid), axis=0))
    transfer = 1j * grid[axis] / np.where(radius == 0, 1, radius)
    # Correlating reads the kernel mirrored: the conjugate response gives the response asked for.
    kernel = np.fft.fftshift(np.fft.ifftn(transfer.conj())).real
    return jnp.asarray(kernel, _array.check_floating(dtype))
