"""Gabor kernels, one or a bank of them: a plane wave under a Gaussian."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.kernels import _array
from jconv.kernels._array import Real


def gabor(
    frequency: Real = 0.25,
    *,
    theta: Real = 0.0,
    bandwidth: Real = 1.0,
    sigma: Real | tuple[Real, Real] | None = None,
    offset: Real = 0.0,
    size: int | Sequence[int] | None = None,
    truncate: float = 3.0,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    r"""Build a plane wave under a Gaussian, the real (even) part by default.

    .. math:: K = \frac{1}{2 \pi \sigma_x \sigma_y}
              e^{-x'^2 / 2 \sigma_x^2 - y'^2 / 2 \sigma_y^2} \cos(2 \pi f x' + \phi)

    Parameters
    ----------
    frequency : float
        f, cycles per sample. Default 0.25.
    theta : float
        Direction of the wave in radians: 0 (default) runs along the columns (the last axis), pi/2 along the rows.
    bandwidth : float
        In octaves, positive; sets `sigma` where that is not given. Default 1.
    sigma : float or pair of floats, optional
        Standard deviations along and across the wave, in samples.
    offset : float
        Phase φ in radians; -pi/2 is the odd part. Default 0.
    size : int or pair of int, optional
        Odd shape. Default: `truncate` standard deviations, which needs known parameters.
    truncate : float
        Radius in standard deviations where `size` is not given. Default 3.
    dtype : dtype, optional
        Floating, or complex for both parts at once, :math:`e^{i(\ldots)}`. Default: JAX's default float.

    Returns
    -------
    array (rows, columns)

    Raises
    ------
    TypeError
        If `size` is not given and parameters are traced, or `dtype` is not floating.
    ValueError
        If `sigma` or `bandwidth` is not positive, `frequency` is 0 without `sigma`, or `size` is even.

    Notes
    -----
    Differentiable in frequency, theta, bandwidth, sigma and offset where `size` is given. scikit-image's
    `gabor_kernel`. J. G. Daugman, J. Opt. Soc. Am. A 2 (1985).

    Examples
    --------
    >>> gabor(0.25).shape
    (15, 15)
    """
    dtype = _array.check_floating(dtype)
    along, across = _widths(frequency, bandwidth, sigma)
    _array.check_known("truncate", truncate, "it decides the size of the kernel")
    if size is None:
        if is_traced([frequency, theta, along, across]):
            raise TypeError("`size` must be given where the parameters are traced; pass the largest you need")
        c, s = abs(math.cos(theta)), abs(math.sin(theta))
        reach = [max(truncate * float(along) * a, truncate * float(across) * b, 1) for a, b in ((s, c), (c, s))]
        size = [2 * math.ceil(r) + 1 for r in reach]
    rows, columns = (np.arange(n) - n // 2 for n in _array.check_odd_shape(size))
    return _wave(rows[:, None], columns[None, :], frequency, theta, along, across, offset, dtype)


@functools.partial(jax.jit, static_argnames="dtype")
def _wave(
    y: jax.Array,
    x: jax.Array,
    frequency: Real,
    theta: Real,
    along: Real,
    across: Real,
    offset: Real,
    dtype: np.dtype,
) -> jax.Array:
    u = x * jnp.cos(theta) + y * jnp.sin(theta)
    v = -x * jnp.sin(theta) + y * jnp.cos(theta)
    envelope = jnp.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2)) / (2 * math.pi * along * across)
    phase = 2 * math.pi * frequency * u + offset
    wave = jnp.exp(1j * phase) if jnp.issubdtype(dtype, jnp.complexfloating) else jnp.cos(phase)
    return (envelope * wave).astype(dtype)


def _widths(frequency: Real, bandwidth: Real, sigma: Real | tuple[Real, Real] | None) -> tuple[Real, Real]:
    """Return the standard deviations along and across the wave."""
    if sigma is not None:
        along, across = sigma if isinstance(sigma, tuple | list) else (sigma, sigma)
        for width in (along, across):
            _array.check_positive("sigma", width, "standard deviations in samples")
        return along, across
    _array.check_positive("bandwidth", bandwidth, "a number of octaves")
    if not is_traced(frequency) and float(frequency) == 0:
        raise ValueError("`sigma` must be given where `frequency` is 0; the bandwidth in octaves sets no width there")
    ratio = (2.0**bandwidth + 1) / (2.0**bandwidth - 1)
    width = math.sqrt(math.log(2) / 2) / math.pi * ratio / frequency
    return width, width


def gabor_bank(
    frequencies: Sequence[Real] | jax.Array = (0.1, 0.2, 0.4),
    *,
    orientations: int = 4,
    bandwidth: Real = 1.0,
    size: int | None = None,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    """Build Gabor kernels of every frequency and of directions that divide half a turn.

    Parameters
    ----------
    frequencies : sequence of float
        Cycles per sample. Default (0.1, 0.2, 0.4).
    orientations : int
        Number of directions. Default 4.
    bandwidth : float
        In octaves. Default 1.
    size : int, optional
        Odd size of all kernels. Default: the largest that one of them needs.
    dtype : dtype, optional
        As in `gabor`. Default: JAX's default float.

    Returns
    -------
    array (frequencies, orientations, size, size)

    Raises
    ------
    TypeError
        If `size` is not given and parameters are traced.
    ValueError
        If `orientations` is below 1, or the bank would not fit into memory.

    Notes
    -----
    Differentiable in frequencies and bandwidth where `size` is given; see `gabor`.

    Examples
    --------
    >>> gabor_bank((0.2, 0.3), orientations=3, size=11).shape
    (2, 3, 11, 11)
    """
    angles = bank_directions(orientations)
    if size is None:
        if is_traced([*frequencies, bandwidth]):
            raise TypeError("`size` must be given where the parameters are traced; pass the largest you need")
        lowest = min(frequencies)
        size = max(gabor(lowest, theta=a, bandwidth=bandwidth).shape[i] for a in angles for i in (0, 1))
    build = lambda f, a: gabor(f, theta=a, bandwidth=bandwidth, size=size, dtype=dtype)
    return stack_bank(build, frequencies, angles, (size, size))


def bank_directions(count: int) -> list[float]:
    """Angles that divide half a turn evenly."""
    count = check.positive_int("orientations", count)
    return [math.pi * k / count for k in range(count)]


def stack_bank(
    build: Callable[[Real, float], jax.Array],
    frequencies: Sequence[Real] | jax.Array,
    angles: Sequence[float],
    shape: Sequence[int],
) -> jax.Array:
    """Return the kernels of all frequencies and angles, (frequencies, angles, *shape)."""
    _array.check_size((len(frequencies), len(angles), *shape))
    return jnp.stack([jnp.stack([build(f, a) for a in angles]) for f in frequencies])
