"""The small kernels of every textbook: identity, box, laplacian, sharpen, emboss."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np
from jax.typing import DTypeLike

from jconv.kernels import _array
from jconv.kernels._array import Real


def identity(size: int | Sequence[int] = 3, *, ndim: int = 2, dtype: DTypeLike | None = None) -> jax.Array:
    """Build the kernel that changes nothing: one at the center, zero elsewhere.

    Parameters
    ----------
    size : int or sequence of int
        Samples per axis, one size for all axes or one each. Default 3.
    ndim : int
        Rank, where `size` is one number. Default 2.
    dtype : dtype, optional
        Of the result. Default: JAX's default float.

    Returns
    -------
    array (size, ...)
        The one stands at `size // 2` along each axis.

    Raises
    ------
    ValueError
        If a size is below 1, or the kernel would not fit into memory.

    Examples
    --------
    >>> identity(3).tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    shape = _array.check_shape(size, ndim)
    kernel = np.zeros(shape)
    kernel[tuple(s // 2 for s in shape)] = 1
    return _array.cast(kernel, dtype)


def box(
    size: int | Sequence[int] = 3, *, ndim: int = 2, normalized: bool = True, dtype: DTypeLike | None = None
) -> jax.Array:
    """Build the moving average.

    Parameters
    ----------
    size : int or sequence of int
        Samples per axis, one size for all axes or one each. Default 3.
    ndim : int
        Rank, where `size` is one number. Default 2.
    normalized : bool
        Every sample is 1 / (number of samples); if False, 1. Default True.
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
        If a size is below 1, or the kernel would not fit into memory.

    Examples
    --------
    >>> box((1, 4)).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    kernel = np.ones(_array.check_shape(size, ndim))
    return _array.cast(kernel / kernel.size if normalized else kernel, dtype)


def laplacian(*, ndim: int = 2, diagonals: bool = False, dtype: DTypeLike | None = None) -> jax.Array:
    r"""Build the sum of second differences along all axes, of three samples per axis.

    .. math:: \sum_a \partial^2 / \partial x_a^2

    Parameters
    ----------
    ndim : int
        Rank. Default 2.
    diagonals : bool
        Weigh all 3ⁿ - 1 neighbours by one, instead of the 2n nearest ones. Default False.
    dtype : dtype, optional
        Of the result. Default: JAX's default float.

    Returns
    -------
    array (3, ...)
        Its center is negative.

    Raises
    ------
    ValueError
        If `ndim` is below 1.

    Examples
    --------
    >>> laplacian(dtype=int).tolist()
    [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    """
    return _array.cast(laplacian_weights(ndim, diagonals), dtype)


def laplacian_weights(ndim: int, diagonals: bool = False) -> np.ndarray:
    """`laplacian` on the host, in double precision."""
    distance = np.abs(np.indices(_array.check_shape(3, ndim)) - 1).sum(axis=0)
    kernel = np.where((distance > 0) if diagonals else (distance == 1), 1.0, 0.0)
    kernel[(1,) * ndim] = -kernel.sum()
    return kernel


def sharpen(*, amount: Real = 1.0, ndim: int = 2, diagonals: bool = False, dtype: DTypeLike | None = None) -> jax.Array:
    """Build the identity minus `amount` times the Laplacian: edges become steeper, the mean stays.

    Parameters
    ----------
    amount : float
        Strength; may be traced. Default 1.
    ndim : int
        Rank. Default 2.
    diagonals : bool
        As in `laplacian`. Default False.
    dtype : dtype, optional
        Of the result. Default: JAX's default float.

    Returns
    -------
    array (3, ...)
        Its sum is one. Linear in `amount`.

    Raises
    ------
    TypeError
        If `dtype` cannot hold the values.
    ValueError
        If `ndim` is below 1.

    Examples
    --------
    >>> sharpen(dtype=int).tolist()
    [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    """
    curvature = laplacian_weights(ndim, diagonals)
    center = np.zeros_like(curvature)
    center[(1,) * ndim] = 1
    return _array.cast(center - amount * curvature, dtype)


def emboss(*, strength: Real = 1.0, dtype: DTypeLike | None = None) -> jax.Array:
    """Build a relief lit from the upper left: the identity plus a difference along the diagonal.

    Parameters
    ----------
    strength : float
        Weight of the difference; may be traced. Default 1.
    dtype : dtype, optional
        Of the result. Default: JAX's default float.

    Returns
    -------
    array (3, 3)
        Its sum is one. Linear in `strength`.

    Raises
    ------
    TypeError
        If `dtype` cannot hold the values.

    Examples
    --------
    >>> emboss(dtype=int).tolist()
    [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]
    """
    rows, columns = np.indices((3, 3)) - 1.0
    center = (rows == 0) & (columns == 0)
    return _array.cast(center + strength * (rows + columns), dtype)
