"""The kernel that fits a polynomial to its window."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jconv._core import check
from jconv.kernels import _array


def savitzky_golay(
    size: int | Sequence[int] = 5,
    *,
    degree: int = 2,
    derivative: int | Sequence[int] = 0,
    ndim: int = 2,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    """Build the kernel that fits a polynomial to the window by least squares and takes its value at the center.

    Parameters
    ----------
    size : int or sequence of int
        Odd samples per axis, one size for all axes or one each. Default 5.
    degree : int
        Total degree of the polynomial, below the size. Default 2.
    derivative : int or sequence of int
        The derivative of the polynomial to take, one order for all axes or one each. Default 0, its value.
    ndim : int
        Rank, where `size` is one number. Default 2.
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array (size, ...)

    Raises
    ------
    TypeError
        If `dtype` is not floating.
    ValueError
        If a size is even, `degree` is not below the size, or `derivative` exceeds `degree`.

    Notes
    -----
    A. Savitzky and M. J. E. Golay, Analytical Chemistry 36 (1964). With ndim=1, the coefficients of
    `scipy.signal.savgol_coeffs(…, use="dot")`.

    Examples
    --------
    >>> (savitzky_golay(5, ndim=1) * 35).round().astype(int).tolist()
    [-3, 12, 17, 12, -3]
    """
    shape = _array.check_odd_shape(size, ndim)
    orders = check.per_axis("derivative", derivative, len(shape))
    degree = check.integer("degree", degree)
    count = math.comb(degree + len(shape), degree) if degree >= 0 else 0
    if count == 0 or count > math.prod(shape) or degree >= min(shape):
        raise ValueError(f"`degree` must be less than the size and >= 0, got {degree} for {shape}; enlarge the window")
    if sum(orders) > degree or min(orders) < 0:
        raise ValueError(f"`derivative` must not exceed the degree, got {orders} for degree {degree}")
    _array.check_size(shape, copies=2 * count)
    powers = [p for p in itertools.product(range(degree + 1), repeat=len(shape)) if sum(p) <= degree]
    grid = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij")
    columns = [np.prod([g.astype(float) ** k for g, k in zip(grid, p)], axis=0).ravel() for p in powers]
    fit = np.linalg.pinv(np.stack(columns, axis=1))[powers.index(orders)].reshape(shape)
    return jnp.asarray(fit * math.prod(map(math.factorial, orders)), _array.check_floating(dtype))
