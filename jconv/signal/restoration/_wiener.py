"""The adaptive Wiener filter for noise of local statistics."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.signal._dtypes import as_array, result_type
from jconv.signal.convolution._convolve import correlate


def wiener(im: Any, mysize: Any = None, noise: Any = None) -> jax.Array:
    r"""Shrink every sample towards its local mean, by how little the local variance exceeds the noise.

    .. math:: y = \mu + \frac{\max(\sigma^2 - \nu^2, 0)}{\sigma^2}\,(x - \mu)

    Parameters
    ----------
    im : array_like
    mysize : int or sequence of ints, optional
        The window of the local mean μ and variance σ²; 3 along every axis by default.
    noise : float, optional
        The noise power ν²; by default the mean of σ².

    Returns
    -------
    Array of the shape of `im`, floating.

    Raises
    ------
    ValueError, TypeError
        If `mysize` is no positive integer, or not one for each axis.

    Notes
    -----
    Differentiable in `im` and `noise` where σ² differs from ν². Mirrors `scipy.signal.wiener`.
    Source: J. S. Lim, *Two-Dimensional Signal and Image Processing* (1990), p. 548.

    >>> wiener([1.0, 2.0, 3.0, 2.0], 3, noise=0.0)
    Array([1., 2., 3., 2.], dtype=float...)
    """
    im = as_array("im", im)
    sizes = check.per_axis("mysize", 3 if mysize is None else mysize, im.ndim)
    for i, size in enumerate(sizes):
        check.positive_int(f"mysize[{i}]", size)
    dtype = result_type(im, np.float64) if im.dtype.kind in "biu" else im.dtype
    x = im.astype(dtype)
    ones, count = jnp.ones(sizes, dtype), math.prod(sizes)
    mean = correlate(x, ones, "same") / count
    variance = correlate(x**2, ones, "same") / count - mean**2
    power = jnp.mean(variance) if noise is None else jnp.asarray(noise, dtype)
    quiet = variance < power if dtype.kind != "c" else jnp.real(variance) < jnp.real(power)
    safe = jnp.where(quiet, 1, variance)
    return jnp.where(quiet, mean, mean + (x - mean) * (1 - power / safe))
