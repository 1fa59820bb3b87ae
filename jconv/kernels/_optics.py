"""Blurs of cameras and telescopes: motion, disk, Airy, Moffat. All sum to one."""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jconv._core.concrete import is_traced
from jconv.kernels import _array
from jconv.kernels._array import Real
from jconv.kernels._bessel import jinc
from jconv.kernels._discretize import discretize

_FIRST_ZERO = 3.8317059702075125
"""Of the Bessel function J1."""


def motion(
    size: int = 9, *, angle: Real = 0.0, length: Real | None = None, dtype: DTypeLike | None = None
) -> jax.Array:
    """Build the blur of uniform motion along a straight path through the center.

    Every sample is the length of the path inside its pixel, as a share of the whole.

    Parameters
    ----------
    size : int
        Odd size of the kernel. Default 9.
    angle : float
        Direction in radians: 0 (default) runs along the columns (the last axis), pi/2 along the rows.
    length : float, optional
        Length of the path in samples, at least 0. Default `size`.
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array (size, size)
        Its sum is one. With `length` up to 1 it is the unit impulse.

    Raises
    ------
    TypeError
        If `dtype` is not floating.
    ValueError
        If `size` is even or `length` is negative.

    Notes
    -----
    Differentiable in angle and length almost everywhere (not where the path meets a pixel's corner). At angle 0 it is
    the box of `size` samples, as in OpenCV and kornia.

    Examples
    --------
    >>> motion(3, dtype=jnp.float32)[1].round(3).tolist()
    [0.333..., 0.333..., 0.333...]
    """
    dtype = _array.check_floating(dtype)
    size = _array.check_odd("size", size)
    _array.check_size((size, size))
    if length is not None and not is_traced(length) and not 0 <= float(length) < math.inf:
        raise ValueError(f"`length` must not be negative, got {length}; pass a number of samples")
    return _path(size, jnp.asarray(angle, float), jnp.asarray(size if length is None else length, float), dtype)


@functools.partial(jax.jit, static_argnames=("size", "dtype"))
def _path(size: int, angle: jax.Array, length: jax.Array, dtype: np.dtype) -> jax.Array:
    """Return the share of a path through the center in every pixel."""
    half = length / 2
    y, x = np.meshgrid(np.arange(size) - size // 2, np.arange(size) - size // 2, indexing="ij")
    enter, leave = -half, half
    # The path t (cos, sin) is inside a pixel while it is inside its column and inside its row.
    for coordinate, direction in ((x, jnp.cos(angle)), (y, jnp.sin(angle))):
        slope = jnp.where(jnp.abs(direction) < 1e-9, 1e-9, direction)
        ends = (coordinate - 0.5) / slope, (coordinate + 0.5) / slope
        enter = jnp.maximum(enter, jnp.minimum(*ends))
        leave = jnp.minimum(leave, jnp.maximum(*ends))
    path = jnp.maximum(leave - enter, 0)
    total = path.sum()
    has_length = total > 0
    impulse = (x == 0) & (y == 0)
    return jnp.where(has_length, path / jnp.where(has_length, total, 1), impulse).astype(dtype)


def disk(radius: float = 3.0, *, mode: str = "center", dtype: DTypeLike | None = None) -> jax.Array:
    """Build the mean over a disk, the blur of an ideal lens out of focus.

    Parameters
    ----------
    radius : float
        In samples, positive and known. Default 3.
    mode : {"center", "interpolate", "oversample", "integrate"}
        How the disk becomes samples; see `discretize`. Default "center".
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array (2 floor(radius) + 1, 2 floor(radius) + 1)
        Its sum is one.

    Raises
    ------
    TypeError
        If `radius` is traced, or `dtype` is not floating.
    ValueError
        If `radius` is not positive, `mode` is unknown, or the kernel would not fit into memory.

    Examples
    --------
    >>> (disk(1.0) * 5).tolist()
    [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]
    """
    _array.check_known("radius", radius, "samples in or out of the disk have no gradient in it; use `airy` or `moffat`")
    size = _default_size("radius", radius, 1, 0.0 if mode == "center" else 0.5)
    inside = lambda y, x: np.where(x * x + y * y <= float(radius) ** 2, 1.0, 0.0)
    return _normalize(discretize(inside, (size, size), mode=mode), dtype)


def airy(
    radius: Real = 2.0, *, size: int | None = None, mode: str = "center", dtype: DTypeLike | None = None
) -> jax.Array:
    r"""Build the image of a point through a round aperture.

    .. math:: \left(\frac{2 J_1(\rho)}{\rho}\right)^2, \quad \rho = 3.8317\, r / \text{radius}

    Parameters
    ----------
    radius : float
        Of the first dark ring, in samples, positive. Default 2.
    size : int, optional
        Odd size of the kernel. Default about eight radii, which needs a known `radius`.
    mode : {"center", "interpolate", "oversample", "integrate"}
        How the function becomes samples; see `discretize`. Default "center".
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array (size, size)
        Its sum is one.

    Raises
    ------
    TypeError
        If `radius` is traced without `size`, or `dtype` is not floating.
    ValueError
        If `radius` is not positive, `size` is even, or `mode` is unknown.

    Notes
    -----
    Differentiable in `radius` where `size` is given. G. B. Airy (1835); astropy's `AiryDisk2DKernel`.

    Examples
    --------
    >>> [round(v, 3) for v in airy(1.0, size=3)[0].tolist()]
    [0.015, 0.0, 0.015]
    """
    size = _default_size("radius", radius, 4) if size is None else _array.check_odd("size", size)
    _array.check_positive("radius", radius, "a number of samples")
    scale = _FIRST_ZERO / radius
    profile = lambda y, x: jinc(np.hypot(x, y) * scale) ** 2
    return _normalize(discretize(profile, (size, size), mode=mode), dtype)


def moffat(
    gamma: Real = 2.0,
    *,
    alpha: Real = 2.5,
    size: int | None = None,
    mode: str = "center",
    dtype: DTypeLike | None = None,
) -> jax.Array:
    r"""Build Moffat's profile of stars seen through the atmosphere.

    .. math:: (1 + r^2 / \gamma^2)^{-\alpha}

    Parameters
    ----------
    gamma : float
        Core width in samples, positive. Default 2.
    alpha : float
        Power of the wings. Default 2.5.
    size : int, optional
        Odd size of the kernel. Default about 8 `gamma`, which needs a known `gamma`.
    mode : {"center", "interpolate", "oversample", "integrate"}
        How the function becomes samples; see `discretize`. Default "center".
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array (size, size)
        Its sum is one.

    Raises
    ------
    TypeError
        If `gamma` is traced without `size`, or `dtype` is not floating.
    ValueError
        If `gamma` is not positive, `size` is even, or `mode` is unknown.

    Notes
    -----
    Differentiable in `gamma` and `alpha` where `size` is given. A. F. J. Moffat, Astronomy and Astrophysics 3 (1969).

    Examples
    --------
    >>> [round(v, 3) for v in moffat(1.0, size=3)[0].tolist()]
    [0.033, 0.09, 0.033]
    """
    size = _default_size("gamma", gamma, 4) if size is None else _array.check_odd("size", size)
    _array.check_positive("gamma", gamma, "a number of samples")
    profile = lambda y, x: (1 + (x * x + y * y) / gamma**2) ** -alpha
    return _normalize(discretize(profile, (size, size), mode=mode), dtype)


def _default_size(name: str, radius: Real, factor: int, margin: float = 0.0) -> int:
    """Return the odd size that holds `factor` radii to either side."""
    if is_traced(radius):
        raise TypeError(f"`size` must be given where `{name}` is traced; pass the largest you need")
    _array.check_positive(name, radius, "a number of samples")
    return 2 * math.floor(factor * float(radius) + margin + 1e-12) + 1


def _normalize(kernel: jax.Array, dtype: DTypeLike | None) -> jax.Array:
    return (kernel / kernel.sum()).astype(_array.check_floating(dtype))
