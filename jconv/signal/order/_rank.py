"""`order_filter`, `medfilt` and `medfilt2d`: rank filters with zeros outside."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.arrays import ArrayLike, as_array
from jconv._order.rank import rank_filter


def order_filter(a: ArrayLike, domain: ArrayLike, rank: int) -> jax.Array:
    r"""Replace each sample by the one of a given rank under a footprint, with zeros outside.

    .. math:: y[m] = \operatorname{sort}\{x[m + k] : k \in D\}[\text{rank}]

    Parameters
    ----------
    a : real array of any rank
        The signal.
    domain : array of the rank of `a`
        The footprint D, static: nonzero where a sample counts. Odd along every axis, of the rank of `a`.
    rank : int
        From 0, the smallest; negative ones count from the largest.

    Returns
    -------
    array, in the shape and dtype of `a`
        The samples selected.

    Raises
    ------
    ValueError
        If a size of `domain` is even, its rank differs from that of `a`, or the dtype is complex, half or boolean.
    RuntimeError
        If `rank` is not below the number of samples under the footprint.

    Notes
    -----
    The cost is that of `jconv.ndimage.rank_filter`. The gradient goes to the sample selected; samples equal to it share
    it. `scipy.signal.order_filter`'s API.

    Examples
    --------
    >>> order_filter([3, 1, 2], [1, 1, 1], 0)
    Array([0, 1, 0], dtype=int...)
    """
    a = _real("order_filter", "a", a)
    footprint = np.asarray(domain) != 0
    if any(size % 2 != 1 for size in footprint.shape):
        raise ValueError(
            f"Each dimension of domain argument should have an odd number of elements, got shape {footprint.shape}; "
            "fill up with zeros"
        )
    if footprint.ndim != a.ndim:
        raise ValueError(f"`domain` must have the rank of `a`, got shapes {footprint.shape} and {a.shape}")
    count, rank = int(footprint.sum()), check.integer("rank", rank)
    if not -count <= rank < count:
        raise RuntimeError(f"rank not within filter footprint size: got {rank} for {count} samples")
    return rank_filter(a, footprint, rank % count, boundary="constant")


def medfilt(volume: ArrayLike, kernel_size: int | Sequence[int] | None = None) -> jax.Array:
    r"""Replace each sample by the median of a box around it, with zeros outside.

    .. math:: y[m] = \operatorname{median}\{x[m + k] : |k_i| \le s_i / 2\}

    Parameters
    ----------
    volume : real array of any rank
        The signal.
    kernel_size : int or sequence of int, optional
        The box's sizes s, odd. Default: 3 along every axis.

    Returns
    -------
    array, in the shape and dtype of `volume`
        The medians.

    Raises
    ------
    ValueError
        If a size is even or there is not one for each axis, or the dtype is complex, half or boolean.

    Warns
    -----
    UserWarning
        If the box is larger than `volume`.

    Notes
    -----
    The cost is that of `jconv.ndimage.rank_filter`. The gradient goes to the sample selected; samples equal to it share
    it. `scipy.signal.medfilt`'s API.

    Examples
    --------
    >>> medfilt([1.0, 9.0, 2.0, 3.0])
    Array([1., 2., 3., 2.], dtype=float...)
    """
    x = jnp.atleast_1d(_real("medfilt", "volume", volume))
    sizes = np.asarray(3 if kernel_size is None else kernel_size)
    sizes = np.repeat(sizes, x.ndim) if sizes.ndim == 0 else sizes
    if sizes.shape != (x.ndim,):
        raise ValueError(f"`kernel_size` must be one number or {x.ndim} of them, got {kernel_size}")
    if any(size % 2 != 1 for size in sizes):
        raise ValueError(f"Each element of kernel_size should be odd, got {kernel_size}; add 1")
    if any(size > n for size, n in zip(sizes, x.shape, strict=True)):
        warnings.warn("kernel_size exceeds volume extent: the volume will be zero-padded.", stacklevel=2)
    footprint = np.ones(tuple(int(s) for s in sizes), bool)
    return rank_filter(x, footprint, footprint.size // 2, boundary="constant")


def medfilt2d(input: ArrayLike, kernel_size: int | Sequence[int] = 3) -> jax.Array:
    r"""Replace each sample of an image by the median of a rectangle around it, with zeros outside.

    .. math:: y[i, j] = \operatorname{median}\{x[i + k, j + l] : |k| \le s_1 / 2, |l| \le s_2 / 2\}

    Parameters
    ----------
    input : real array, shape (n1, n2)
        The image.
    kernel_size : int or pair of int
        The rectangle's sizes s, odd. Default: 3.

    Returns
    -------
    array, in the shape and dtype of `input`
        The medians.

    Raises
    ------
    ValueError
        As `medfilt`, and if `input` is not 2-D.

    Notes
    -----
    The cost is that of `jconv.ndimage.rank_filter`. The gradient goes to the sample selected; samples equal to it share
    it. `scipy.signal.medfilt2d`'s API.

    Examples
    --------
    >>> medfilt2d([[1.0, 9.0, 2.0]], (1, 3))
    Array([[1., 2., 2.]], dtype=float...)
    """
    check.rank("input", input, 2, "use jconv.signal.medfilt for other ranks")
    return medfilt(input, kernel_size)


def _real(function: str, name: str, value: ArrayLike) -> jax.Array:
    dtype = getattr(value, "dtype", None)
    dtype = np.dtype(np.asarray(value).dtype if dtype is None else dtype).newbyteorder("=")
    if dtype.kind not in "iu" and dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype={dtype} is not supported by {function}; pass `{name}` as integers, float32 or float64")
    return as_array(name, value)
