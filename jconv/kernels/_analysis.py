"""What a kernel is: `describe` it, or compute its `frequency_response`."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jconv._core import check, html
from jconv.kernels._factor import factor


class Description(NamedTuple):
    """The properties of a kernel; prints as a short table.

    Attributes
    ----------
    shape : tuple of int
    dtype : str
    sum : float or complex
    absolute_sum : float
        Bounds the output for inputs of magnitude one.
    energy : float
        The gain of white noise's variance.
    centroid : tuple of float
        The mean of |kernel| along each axis, in samples from the center.
    spread : tuple of float
        The standard deviation of |kernel| along each axis, in samples.
    rank : int
        The number of separable terms.
    separable : bool
        Whether that is one.
    peak_gain : float
        The largest magnitude of the frequency response.
    peak_frequency : tuple of float
        Its place, in cycles per sample along each axis.
    nyquist_gain : float
        The magnitude of the response at the highest frequency of every axis.
    """

    shape: tuple[int, ...]
    dtype: str
    sum: complex | float
    absolute_sum: float
    energy: float
    centroid: tuple[float, ...]
    spread: tuple[float, ...]
    rank: int
    separable: bool
    peak_gain: float
    peak_frequency: tuple[float, ...]
    nyquist_gain: float

    def __str__(self) -> str:
        return "\n".join(f"{name.replace('_', ' '):15} {value}" for name, value in self._asdict().items())

    def _repr_html_(self) -> str:
        return html.table([(name.replace("_", " "), value) for name, value in self._asdict().items()])


def describe(kernel: ArrayLike) -> Description:
    """Compute the sums, moments, separable rank and frequency response of a kernel.

    Parameters
    ----------
    kernel : array (...)
        Known, of rank at least one.

    Returns
    -------
    Description

    Raises
    ------
    TypeError
        If `kernel` is traced.
    ValueError
        If `kernel` is empty or a scalar.

    Examples
    --------
    >>> describe([[0.25, 0.5, 0.25]]).peak_gain
    1.0
    """
    factors = factor(kernel)
    values = np.asarray(kernel)
    weights = np.abs(values).astype(float)
    mass = weights.sum() or 1.0
    grids = np.meshgrid(*(np.arange(n) - n // 2 for n in values.shape), indexing="ij")
    centroid = [float((weights * g).sum() / mass) for g in grids]
    spread = [float(np.sqrt((weights * (g - c) ** 2).sum() / mass)) for g, c in zip(grids, centroid)]
    gains = np.abs(np.asarray(frequency_response(values)))
    peak = np.unravel_index(gains.argmax(), gains.shape)
    return Description(
        shape=values.shape,
        dtype=str(values.dtype),
        sum=values.sum().item(),
        absolute_sum=float(weights.sum()),
        energy=float((weights**2).sum()),
        centroid=tuple(centroid),
        spread=tuple(spread),
        rank=len(factors.terms),
        separable=len(factors.terms) == 1,
        peak_gain=float(gains[peak]),
        peak_frequency=tuple(float(np.fft.fftfreq(n)[i]) for i, n in zip(peak, gains.shape)),
        nyquist_gain=float(gains[tuple(n // 2 for n in gains.shape)]),
    )


def frequency_response(kernel: ArrayLike, shape: int | tuple[int, ...] | None = None) -> jax.Array:
    r"""Compute the response of *correlating* with a kernel, its center at the origin.

    .. math:: H(\nu) = \sum_k K[k]\, e^{2 \pi i \nu (k - \lfloor n/2 \rfloor)}

    Parameters
    ----------
    kernel : array (...)
        May be traced.
    shape : int or tuple of int, optional
        The number of frequencies per axis. Default: twice the kernel's size, at least 64.

    Returns
    -------
    complex array of that shape
        At the frequencies of `numpy.fft.fftfreq`, in cycles per sample.

    Raises
    ------
    ValueError
        If `shape` is smaller than the kernel's.

    Examples
    --------
    >>> abs(frequency_response([0.25, 0.5, 0.25])[0]).item()
    1.0
    """
    kernel = jnp.asarray(kernel)
    if shape is None:
        shape = tuple(max(64, 2 * n) for n in kernel.shape)
    shape = check.per_axis("shape", shape, kernel.ndim)
    if any(n < k for n, k in zip(shape, kernel.shape)):
        raise ValueError(f"`shape` must not be smaller than the kernel's, got {shape} for {kernel.shape}; enlarge it")
    padded = jnp.pad(kernel, [(0, n - k) for n, k in zip(shape, kernel.shape)])
    centered = jnp.roll(padded, [-(k // 2) for k in kernel.shape], range(kernel.ndim))
    return jnp.fft.ifftn(centered) * centered.size
