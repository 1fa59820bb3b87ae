"""Kernels that differentiate along one axis and smooth along the others: sobel, prewitt, scharr, farid."""

from __future__ import annotations

from math import comb

import jax
import numpy as np
from jax.typing import DTypeLike

from jconv._core import check
from jconv.kernels import _array

# name: (smooth, edge), to correlate with. Farid & Simoncelli, IEEE Trans. Image Processing 13 (2004), 5 taps.
_FACTORS = {
    "sobel": ((1, 2, 1), (-1, 0, 1)),
    "prewitt": ((1, 1, 1), (-1, 0, 1)),
    "scharr": ((3, 10, 3), (-1, 0, 1)),
    "farid": (
        (0.0376593171958126, 0.249153396177344, 0.426374573253687, 0.249153396177344, 0.0376593171958126),
        (-0.109603762960254, -0.276690988455557, 0, 0.276690988455557, 0.109603762960254),
    ),
}


def sobel(
    *, axis: int = -1, ndim: int = 2, size: int = 3, normalized: bool = False, dtype: DTypeLike | None = None
) -> jax.Array:
    """Build Sobel's kernel: the difference [-1, 0, 1] along one axis, binomial smoothing along the others.

    Parameters
    ----------
    axis : int
        Along which it differentiates. Default the last.
    ndim : int
        Rank. Default 2.
    size : int
        Odd, at least 3; a larger one smooths more along all axes. Default 3.
    normalized : bool
        Divide by the response to a unit ramp, so that the kernel estimates the derivative per sample. Default False.
    dtype : dtype, optional
        Of the result. Default: JAX's default float.

    Returns
    -------
    array (size, ...)

    Raises
    ------
    TypeError
        If `dtype` cannot hold the values.
    ValueError
        If `axis` or `size` does not fit.

    Notes
    -----
    The larger sizes are those of OpenCV's `getDerivKernels`.

    Examples
    --------
    >>> sobel(axis=-1, dtype=int).tolist()
    [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    """
    return _build("sobel", axis, ndim, normalized, dtype, size)


def prewitt(*, axis: int = -1, ndim: int = 2, normalized: bool = False, dtype: DTypeLike | None = None) -> jax.Array:
    """Build Prewitt's kernel: the difference [-1, 0, 1] along one axis, the sum of three along the others.

    Parameters
    ----------
    axis : int
        Along which it differentiates. Default the last.
    ndim : int
        Rank. Default 2.
    normalized : bool
        Divide by the response to a unit ramp. Default False.
    dtype : dtype, optional
        Of the result. Default: JAX's default float.

    Returns
    -------
    array (3, ...)

    Raises
    ------
    ValueError
        If `axis` does not fit.

    Examples
    --------
    >>> prewitt(axis=0, dtype=int).tolist()
    [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]
    """
    return _build("prewitt", axis, ndim, normalized, dtype)


def scharr(*, axis: int = -1, ndim: int = 2, normalized: bool = False, dtype: DTypeLike | None = None) -> jax.Array:
    """Build Scharr's kernel: the difference [-1, 0, 1] along one axis, [3, 10, 3] along the others; nearly isotropic.

    Parameters
    ----------
    axis : int
        Along which it differentiates. Default the last.
    ndim : int
        Rank. Default 2.
    normalized : bool
        Divide by the response to a unit ramp. Default False.
    dtype : dtype, optional
        Of the result. Default: JAX's default float.

    Returns
    -------
    array (3, ...)

    Raises
    ------
    ValueError
        If `axis` does not fit.

    Examples
    --------
    >>> scharr(dtype=int).tolist()
    [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]]
    """
    return _build("scharr", axis, ndim, normalized, dtype)


def farid(*, axis: int = -1, ndim: int = 2, normalized: bool = False, dtype: DTypeLike | None = None) -> jax.Array:
    """Build Farid and Simoncelli's kernel: derivative and smoothing factors of five taps that match each other.

    Parameters
    ----------
    axis : int
        Along which it differentiates. Default the last.
    ndim : int
        Rank. Default 2.
    normalized : bool
        Divide by the response to a unit ramp. Default False.
    dtype : dtype, optional
        Of the result. Default: JAX's default float.

    Returns
    -------
    array (5, ...)

    Raises
    ------
    ValueError
        If `axis` does not fit.

    Notes
    -----
    H. Farid and E. P. Simoncelli, IEEE Trans. Image Processing 13 (2004).

    Examples
    --------
    >>> farid(ndim=1).shape
    (5,)
    """
    return _build("farid", axis, ndim, normalized, dtype)


def edge_factors(
    name: str,
    *,
    axis: int = -1,
    ndim: int = 2,
    size: int | None = None,
    normalized: bool = False,
    dtype: DTypeLike | None = None,
) -> tuple[jax.Array, ...]:
    """Build the 1-D factors of an edge kernel; correlating with each in turn is correlating with the whole kernel.

    Parameters
    ----------
    name : {"sobel", "prewitt", "scharr", "farid"}
        The kernel.
    axis : int
        Along which it differentiates. Default the last.
    ndim : int
        Rank of the kernel. Default 2.
    size : int, optional
        Odd number of taps, for "sobel" alone. Default: the kernel's own.
    normalized : bool
        Whether the response to a unit ramp along `axis` is one. Default False.
    dtype : dtype, optional
        Of the result. Default: JAX's default float.

    Returns
    -------
    tuple of `ndim` arrays (size,)

    Raises
    ------
    ValueError
        If `name` is unknown, or `axis` or `size` does not fit.

    Examples
    --------
    >>> [f.tolist() for f in edge_factors("scharr", axis=0, dtype=int)]
    [[-1, 0, 1], [3, 10, 3]]
    """
    return tuple(_array.cast(f, dtype) for f in edge_weights(name, axis, ndim, normalized, size))


def edge_weights(
    name: str, axis: int, ndim: int, normalized: bool = False, size: int | None = None
) -> list[np.ndarray]:
    """`edge_factors` on the host, in double precision."""
    smooth, edge = (np.asarray(f, float) for f in _FACTORS[check.choice("name", name, _FACTORS)])
    if size is not None and size != len(smooth):
        if name != "sobel" or _array.check_odd("size", size) < 3:
            raise ValueError(f"`size` must be {len(smooth)} for {name!r}, got {size}; only 'sobel' has larger ones")
        # The binomial coefficients of 1,030 taps exceed what a float holds.
        if size > 1025:
            raise ValueError(f"`size` must be at most 1025 for 'sobel', got {size}; pass a smaller one")
        binomial = [float(comb(size - 3, k)) for k in range(size - 2)]
        smooth, edge = np.convolve(binomial, smooth), np.convolve(binomial, edge)
    if normalized:
        smooth = smooth / smooth.sum()
        edge = edge / (edge @ np.arange(len(edge)))
    axis = check.axis("axis", axis, check.positive_int("ndim", ndim))
    return [edge if i == axis else smooth for i in range(ndim)]


def _build(
    name: str, axis: int, ndim: int, normalized: bool, dtype: DTypeLike | None, size: int | None = None
) -> jax.Array:
    factors = edge_weights(name, axis, ndim, normalized, size)
    _array.check_size([len(f) for f in factors])
    return _array.cast(np.asarray(_array.outer(factors)), dtype)
