"""Kernels that differentiate along one axis and smooth along the others: sobel, prewitt, scharr, farid."""

from __future__ import annotations

from math import comb

import jax
import numpy as np

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


def sobel(*, axis: int = -1, ndim: int = 2, size: int = 3, normalized: bool = False, dtype=None) -> jax.Array:
    """Difference [-1, 0, 1] along `axis`, binomial smoothing along the others.

    `size` (odd) takes more binomial smoothing along all axes, as OpenCV's. `normalized` divides by the response to a
    unit ramp, so that the kernel estimates the derivative per sample.

    >>> sobel(axis=-1, dtype=int).tolist()
    [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    """
    return _build("sobel", axis, ndim, normalized, dtype, size)


def prewitt(*, axis: int = -1, ndim: int = 2, normalized: bool = False, dtype=None) -> jax.Array:
    """Difference [-1, 0, 1] along `axis`, the sum of three along the others; see `sobel`."""
    return _build("prewitt", axis, ndim, normalized, dtype)


def scharr(*, axis: int = -1, ndim: int = 2, normalized: bool = False, dtype=None) -> jax.Array:
    """Difference [-1, 0, 1] along `axis`, smoothing [3, 10, 3] along the others: nearly isotropic; see `sobel`."""
    return _build("scharr", axis, ndim, normalized, dtype)


def farid(*, axis: int = -1, ndim: int = 2, normalized: bool = False, dtype=None) -> jax.Array:
    """Farid and Simoncelli's matched derivative and smoothing factors of five taps; see `sobel`."""
    return _build("farid", axis, ndim, normalized, dtype)


def edge_factors(
    name: str, *, axis: int = -1, ndim: int = 2, size: int | None = None, normalized: bool = False, dtype=None
) -> tuple[jax.Array, ...]:
    """The 1-D factors, one per axis, of the edge kernel `name`; correlating with each in turn is the whole kernel.

    Parameters
    ----------
    name: ``"sobel"``, ``"prewitt"``, ``"scharr"`` or ``"farid"``.
    axis: along which it differentiates.
    ndim: rank of the kernel.
    size: odd number of taps, for ``"sobel"`` alone.
    normalized: whether the response to a unit ramp along `axis` is one.

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
        if name != "sobel" or _array.odd("size", size) < 3:
            raise ValueError(f"`size` must be {len(smooth)} for {name!r}, got {size}; only 'sobel' has larger ones")
        binomial = [comb(size - 3, k) for k in range(size - 2)]
        smooth, edge = np.convolve(binomial, smooth), np.convolve(binomial, edge)
    if normalized:
        smooth = smooth / smooth.sum()
        edge = edge / (edge @ np.arange(len(edge)))
    axis = check.axis("axis", axis, check.positive_int("ndim", ndim))
    return [edge if i == axis else smooth for i in range(ndim)]


def _build(name: str, axis: int, ndim: int, normalized: bool, dtype, size: int | None = None) -> jax.Array:
    kernel = _array.outer(edge_weights(name, axis, ndim, normalized, size))
    return _array.cast(kernel, dtype)
