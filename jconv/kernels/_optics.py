"""Blurs of cameras and telescopes: motion, disk, Airy, Moffat. All sum to one."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from jconv.kernels import _array
from jconv.kernels._discretize import discretize


def motion(size: int = 9, *, angle: float | jax.Array = 0.0, length: float | jax.Array | None = None, dtype=None):
    """Uniform motion along a straight path through the centre: every sample is the path's length inside its pixel.

    Parameters
    ----------
    size: odd size of the kernel.
    angle: direction in radians; 0 runs along the columns (the last axis), pi/2 along the rows.
    length: of the path in samples; `size` if None.

    Notes
    -----
    Differentiable in angle and length almost everywhere (not where the path meets a pixel's corner).
    At angle 0 it is the box of `size` samples, as in OpenCV and kornia.

    >>> motion(3, dtype=jnp.float32)[1].round(3).tolist()
    [0.333..., 0.333..., 0.333...]
    """
    dtype = _array.floating(dtype)
    size = _array.odd("size", size)
    half = (size if length is None else length) / 2
    y, x = np.meshgrid(np.arange(size) - size // 2, np.arange(size) - size // 2, indexing="ij")
    enter, leave = -half, half
    # The path t (cos, sin) is inside a pixel while it is inside its column and inside its row.
    for coordinate, direction in ((x, jnp.cos(angle)), (y, jnp.sin(angle))):
        slope = jnp.where(jnp.abs(direction) < 1e-9, 1e-9, direction)
        ends = (coordinate - 0.5) / slope, (coordinate + 0.5) / slope
        enter = jnp.maximum(enter, jnp.minimum(*ends))
        leave = jnp.minimum(leave, jnp.maximum(*ends))
    path = jnp.maximum(leave - enter, 0)
    return (path / path.sum()).astype(dtype)


def disk(radius: float = 3.0, *, mode: str = "center", dtype=None) -> jax.Array:
    """The mean over a disk, the blur of an ideal lens out of focus; `mode` as in `discretize`.

    >>> (disk(1.0) * 5).tolist()
    [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]
    """
    reach = _reach(radius + (mode != "center") * 0.5, "radius")
    kernel = discretize(lambda y, x: np.where(x * x + y * y <= radius**2, 1.0, 0.0), (reach, reach), mode=mode)
    return _normalized(kernel, dtype)


def airy(radius: float = 2.0, *, size: int | None = None, mode: str = "center", dtype=None) -> jax.Array:
    r"""The image of a point through a round aperture, :math:`(2 J_1(\rho) / \rho)^2`, its first dark ring at `radius`.

    `size` (odd) defaults to eight radii. Source: G. B. Airy (1835); astropy's `AiryDisk2DKernel`.
    """
    size = _reach(4 * radius, "radius") if size is None else _array.odd("size", size)
    scale = 3.8317059702075125 / radius

    def profile(y, x):
        rho = np.hypot(x, y) * scale
        safe = np.where(rho == 0, 1, rho)
        return np.where(rho == 0, 1, 2 * _bessel_j1(safe) / safe) ** 2

    return _normalized(discretize(profile, (size, size), mode=mode), dtype)


def moffat(
    gamma: float = 2.0, *, alpha: float = 2.5, size: int | None = None, mode: str = "center", dtype=None
) -> jax.Array:
    r"""Moffat's seeing profile, :math:`(1 + r^2 / \gamma^2)^{-\alpha}`; `size` (odd) defaults to 8 `gamma`.

    Source: A. F. J. Moffat, Astronomy and Astrophysics 3 (1969).
    """
    size = _reach(4 * gamma, "gamma") if size is None else _array.odd("size", size)
    profile = lambda y, x: (1 + (x * x + y * y) / gamma**2) ** -alpha
    return _normalized(discretize(profile, (size, size), mode=mode), dtype)


def _reach(radius: float, name: str) -> int:
    if not radius > 0:
        raise ValueError(f"`{name}` must be positive, got {radius}; pass a number of samples")
    return 2 * math.floor(radius + 1e-12) + 1


def _normalized(kernel: jax.Array, dtype) -> jax.Array:
    return (kernel / kernel.sum()).astype(_array.floating(dtype))


def _bessel_j1(x: np.ndarray) -> np.ndarray:
    """Bessel's integral by the trapezoidal rule, which converges geometrically once it resolves the largest x."""
    count = 2 * math.ceil(float(np.max(x))) + 64
    tau = 2 * np.pi * np.arange(count) / count
    return np.sum([np.cos(t - x * np.sin(t)) for t in tau], axis=0) / count
