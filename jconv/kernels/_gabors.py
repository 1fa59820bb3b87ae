"""Oriented band-pass kernels: Gabor, log-Gabor and banks of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.kernels import _array


def gabor(
    frequency: float | jax.Array = 0.25,
    *,
    theta: float | jax.Array = 0.0,
    bandwidth: float = 1.0,
    sigma: float | tuple[float, float] | None = None,
    offset: float | jax.Array = 0.0,
    size: int | Sequence[int] | None = None,
    truncate: float = 3.0,
    dtype=None,
) -> jax.Array:
    r"""A plane wave under a Gaussian, the real (even) part by default.

    .. math:: K = \frac{1}{2 \pi \sigma_x \sigma_y}
              e^{-x'^2 / 2 \sigma_x^2 - y'^2 / 2 \sigma_y^2} \cos(2 \pi f x' + \phi)

    Parameters
    ----------
    frequency: of the wave, cycles per sample.
    theta: direction of the wave in radians; 0 runs along the columns (the last axis), pi/2 along the rows.
    bandwidth: in octaves; sets `sigma` where that is None.
    sigma: standard deviations along and across the wave.
    offset: phase in radians; -pi/2 is the odd part. A complex `dtype` gives both at once, :math:`e^{i(\ldots)}`.
    size: odd shape; None takes `truncate` standard deviations, which needs concrete parameters.

    Notes
    -----
    Differentiable in frequency, theta, sigma and offset where `size` is given. scikit-image's `gabor_kernel`.

    Source: J. G. Daugman, J. Opt. Soc. Am. A 2 (1985).

    >>> gabor(0.25).shape
    (15, 15)
    """
    dtype = _array.floating(dtype)
    width: Any = sigma
    if width is None:
        ratio = (2.0**bandwidth + 1) / (2.0**bandwidth - 1)
        width = math.sqrt(math.log(2) / 2) / math.pi * ratio / frequency  # type: ignore[operator]
    along, across = width if isinstance(width, tuple) else (width, width)
    if size is None:
        if is_traced([frequency, theta, along, across]):
            raise TypeError("`size` must be given where the parameters are traced; pass the largest you need")
        c, s = abs(math.cos(theta)), abs(math.sin(theta))  # type: ignore[arg-type]
        reach = [max(truncate * along * a, truncate * across * b, 1) for a, b in ((s, c), (c, s))]
        size = [2 * math.ceil(r) + 1 for r in reach]  # type: ignore[arg-type]
    rows, columns = (np.arange(n) - n // 2 for n in (_array.odd("size", n) for n in _array.shape(size)))
    y, x = rows[:, None], columns[None, :]
    u = x * jnp.cos(theta) + y * jnp.sin(theta)
    v = -x * jnp.sin(theta) + y * jnp.cos(theta)
    envelope = jnp.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2)) / (2 * math.pi * along * across)
    phase = 2 * math.pi * frequency * u + offset
    wave = jnp.exp(1j * phase) if jnp.issubdtype(dtype, jnp.complexfloating) else jnp.cos(phase)
    return (envelope * wave).astype(dtype)


def gabor_bank(
    frequencies: Sequence[float] = (0.1, 0.2, 0.4),
    *,
    orientations: int = 4,
    bandwidth: float = 1.0,
    size: int | None = None,
    dtype=None,
) -> jax.Array:
    """Gabor kernels of every frequency and of `orientations` directions over half a turn: (n, m, size, size)."""
    angles = _directions(orientations)
    if size is None:
        size = max(gabor(min(frequencies), theta=a, bandwidth=bandwidth).shape[i] for a in angles for i in (0, 1))
    return _bank(lambda f, a: gabor(f, theta=a, bandwidth=bandwidth, size=size, dtype=dtype), frequencies, angles)


def log_gabor(
    size: int | Sequence[int] = 15,
    *,
    frequency: float | jax.Array = 0.2,
    theta: float | jax.Array = 0.0,
    bandwidth: float = 0.65,
    spread: float = math.pi / 8,
    dtype=None,
) -> jax.Array:
    r"""The log-Gabor kernel: a Gaussian on the logarithm of the frequency and on the angle; no response to a constant.

    .. math:: H(f, \phi) = e^{-\ln^2 (f / f_0) / 2 \ln^2 \beta} e^{-(\phi - \theta)^2 / 2 \alpha^2}

    Parameters
    ----------
    size: shape of the kernel, sampled on as many frequencies.
    frequency: :math:`f_0`, cycles per sample.
    theta: direction, as in `gabor`.
    bandwidth: :math:`\beta`, the ratio of the standard deviation to the frequency (0.65 is about 1.5 octaves).
    spread: :math:`\alpha` in radians.
    dtype: real for the even part, complex for even + i odd.

    Source: D. J. Field, J. Opt. Soc. Am. A 4 (1987).
    """
    dtype = _array.floating(dtype)
    shape = _array.shape(size)
    fy, fx = np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij")
    radius, angle = np.hypot(fx, fy), np.arctan2(fy, fx)
    turn = jnp.arctan2(jnp.sin(angle - theta), jnp.cos(angle - theta))
    radial = jnp.exp(-0.5 * (jnp.log(np.where(radius == 0, 1, radius) / frequency) / math.log(bandwidth)) ** 2)
    transfer = jnp.where(radius == 0, 0, radial) * jnp.exp(-0.5 * (turn / spread) ** 2)
    kernel = jnp.fft.fftshift(jnp.fft.ifft2(transfer))
    return (kernel if jnp.issubdtype(dtype, jnp.complexfloating) else kernel.real).astype(dtype)


def log_gabor_bank(
    size: int | Sequence[int] = 31,
    *,
    frequencies: Sequence[float] = (0.08, 0.16, 0.32),
    orientations: int = 4,
    dtype=None,
) -> jax.Array:
    """Log-Gabor kernels of every frequency and of `orientations` directions over half a turn: (n, m, height, width)."""
    angles = _directions(orientations)
    build = lambda f, a: log_gabor(size, frequency=f, theta=a, spread=math.pi / (2 * len(angles)), dtype=dtype)
    return _bank(build, frequencies, angles)


def _directions(count: int) -> list[float]:
    """Angles that divide half a turn evenly."""
    count = check.positive_int("orientations", count)
    return [math.pi * k / count for k in range(count)]


def _bank(build: Callable[[float, float], jax.Array], frequencies, angles) -> jax.Array:
    return jnp.stack([jnp.stack([build(f, a) for a in angles]) for f in frequencies])
