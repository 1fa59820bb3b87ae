"""Log-Gabor kernels, one or a bank of them: band-pass in octaves and direction, without response to a constant."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jconv._core.concrete import is_traced
from jconv.kernels import _array
from jconv.kernels._array import Real
from jconv.kernels._gabors import bank_directions, stack_bank


def log_gabor(
    size: int | Sequence[int] = 15,
    *,
    frequency: Real = 0.2,
    theta: Real = 0.0,
    bandwidth: Real = 0.65,
    spread: Real = math.pi / 8,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    r"""Build the log-Gabor kernel: a Gaussian on the logarithm of the frequency and on the angle.

    .. math:: H(f, \phi) = e^{-\ln^2 (f / f_0) / 2 \ln^2 \beta} e^{-(\phi - \theta)^2 / 2 \alpha^2}

    Parameters
    ----------
    size : int or pair of int
        Shape of the kernel; the response is sampled on as many frequencies. Default 15.
    frequency : float
        :math:`f_0`, cycles per sample, positive. Default 0.2.
    theta : float
        Direction in radians, as in `gabor`. Default 0.
    bandwidth : float
        :math:`\beta`, the ratio of the standard deviation to the frequency, positive and not 1. Default 0.65, about
        1.5 octaves.
    spread : float
        :math:`\alpha`, radians, positive. Default pi/8.
    dtype : dtype, optional
        Floating for the even part, complex for even + i odd. Default: JAX's default float.

    Returns
    -------
    array (rows, columns)

    Raises
    ------
    TypeError
        If `dtype` is not floating.
    ValueError
        If `frequency`, `bandwidth` or `spread` is not positive, `bandwidth` is 1, or a size is below 1.

    Notes
    -----
    It does not respond to a constant. Differentiable in all real parameters. D. J. Field, J. Opt. Soc. Am. A 4 (1987).

    Examples
    --------
    >>> log_gabor(9).shape
    (9, 9)
    """
    dtype = _array.check_floating(dtype)
    shape = _array.check_shape(size)
    _array.check_positive("frequency", frequency, "cycles per sample")
    _array.check_positive("bandwidth", bandwidth, "a ratio such as 0.65")
    _array.check_positive("spread", spread, "radians")
    if not is_traced(bandwidth) and float(bandwidth) == 1:
        raise ValueError("`bandwidth` must not be 1, whose logarithm is 0: a band of no width; pass 0.65")
    return _sample_response(shape, frequency, theta, bandwidth, spread, dtype)


@functools.partial(jax.jit, static_argnames=("shape", "dtype"))
def _sample_response(
    shape: tuple[int, ...], frequency: Real, theta: Real, bandwidth: Real, spread: Real, dtype: np.dtype
) -> jax.Array:
    fy, fx = np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij")
    radius, angle = np.hypot(fx, fy), np.arctan2(fy, fx)
    turn = jnp.arctan2(jnp.sin(angle - theta), jnp.cos(angle - theta))
    octaves = jnp.log(np.where(radius == 0, 1, radius) / frequency) / jnp.log(bandwidth)
    transfer = jnp.where(radius == 0, 0, jnp.exp(-0.5 * octaves**2)) * jnp.exp(-0.5 * (turn / spread) ** 2)
    kernel = jnp.fft.fftshift(jnp.fft.ifft2(transfer))
    return (kernel if jnp.issubdtype(dtype, jnp.complexfloating) else kernel.real).astype(dtype)


def log_gabor_bank(
    size: int | Sequence[int] = 31,
    *,
    frequencies: Sequence[Real] | jax.Array = (0.08, 0.16, 0.32),
    orientations: int = 4,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    """Build log-Gabor kernels of every frequency and of directions that divide half a turn.

    Parameters
    ----------
    size : int or pair of int
        Shape of all kernels. Default 31.
    frequencies : sequence of float
        Cycles per sample. Default (0.08, 0.16, 0.32).
    orientations : int
        Number of directions; their spread follows. Default 4.
    dtype : dtype, optional
        As in `log_gabor`. Default: JAX's default float.

    Returns
    -------
    array (frequencies, orientations, rows, columns)

    Raises
    ------
    ValueError
        If `orientations` is below 1, a frequency is not positive, or the bank would not fit into memory.

    Notes
    -----
    Differentiable in the frequencies; see `log_gabor`.

    Examples
    --------
    >>> log_gabor_bank(9, orientations=2).shape
    (3, 2, 9, 9)
    """
    angles = bank_directions(orientations)
    build = lambda f, a: log_gabor(size, frequency=f, theta=a, spread=math.pi / (2 * len(angles)), dtype=dtype)
    return stack_bank(build, frequencies, angles, _array.check_shape(size))
