"""The small kernels of every textbook: identity, box, laplacian, sharpen, emboss."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np

from jconv.kernels import _array


def identity(size: int | Sequence[int] = 3, *, ndim: int = 2, dtype=None) -> jax.Array:
    """The kernel that changes nothing: one at the centre, `size // 2` along each axis, and zero elsewhere.

    Parameters
    ----------
    size: one size for all of the `ndim` axes, or a sequence with one each.
    ndim: rank, where `size` is one number.
    dtype: of the result; JAX's default float if None.

    >>> identity(3).tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    shape = _array.shape(size, ndim)
    kernel = np.zeros(shape)
    kernel[tuple(s // 2 for s in shape)] = 1
    return _array.cast(kernel, dtype)


def box(size: int | Sequence[int] = 3, *, ndim: int = 2, normalized: bool = True, dtype=None) -> jax.Array:
    """The moving average: every sample 1 / (number of samples), or 1 where not `normalized`.

    >>> box((1, 4)).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    kernel = np.ones(_array.shape(size, ndim))
    return _array.cast(kernel / kernel.size if normalized else kernel, dtype)


def laplacian(*, ndim: int = 2, diagonals: bool = False, dtype=None) -> jax.Array:
    """The sum of second differences, Σ ∂²/∂xᵢ², of 3 samples per axis; its centre is negative.

    `diagonals` weighs every one of the 3ⁿ - 1 neighbours by one instead of the 2 n nearest ones.

    >>> laplacian(dtype=int).tolist()
    [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    """
    return _array.cast(laplacian_weights(ndim, diagonals), dtype)


def laplacian_weights(ndim: int, diagonals: bool = False) -> np.ndarray:
    """`laplacian` on the host, in double precision."""
    distance = np.abs(np.indices(_array.shape(3, ndim)) - 1).sum(axis=0)
    kernel = np.where((distance > 0) if diagonals else (distance == 1), 1.0, 0.0)
    kernel[(1,) * ndim] = -kernel.sum()
    return kernel


def sharpen(*, amount: float = 1.0, ndim: int = 2, diagonals: bool = False, dtype=None) -> jax.Array:
    """The identity minus `amount` times the Laplacian: edges are steepened, the mean stays.

    >>> sharpen(dtype=int).tolist()
    [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    """
    curvature = laplacian_weights(ndim, diagonals)
    center = np.zeros_like(curvature)
    center[(1,) * ndim] = 1
    return _array.cast(center - amount * curvature, dtype)


def emboss(*, strength: float = 1.0, dtype=None) -> jax.Array:
    """A relief lit from the upper left: the identity plus `strength` times the difference along the diagonal.

    >>> emboss(dtype=int).tolist()
    [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]
    """
    rows, columns = np.indices((3, 3)) - 1.0
    center = (rows == 0) & (columns == 0)
    return _array.cast(center + strength * (rows + columns), dtype)
