"""Convolution of data with gaps: NaN and masked samples, as astropy treats them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.signal._dtypes import as_array, cast, inexact_type
from jconv.signal.convolution._convolve import convolve


def normalized_convolve(
    signal: Any,
    kernel: Any,
    *,
    mask: Any = None,
    nan_treatment: str = "interpolate",
    fill_value: Any = 0.0,
    normalize_kernel: bool = True,
    preserve_nan: bool = False,
    boundary: str = "fill",
    fillvalue: Any = 0,
) -> jax.Array:
    r"""Convolve data with gaps; under "interpolate" every output is the mean of the samples present.

    .. math:: y = \frac{h * (m x)}{h * m}, \qquad m = [x \text{ is present}]

    Parameters
    ----------
    signal : array_like, real or complex, shape (n1, …)
        NaN marks missing samples.
    kernel : array_like, shape (k1, …)
    mask : array_like of bool, optional
        True where a sample is missing, as in NumPy's masked arrays; broadcasts to `signal`.
    nan_treatment : {"interpolate", "fill"}
        Leave missing samples out of the mean, or put `fill_value` in their place.
    fill_value : scalar
        What stands for missing samples under "fill".
    normalize_kernel : bool
        Divide the kernel by its sum.
    preserve_nan : bool
        Give NaN where the input is missing.
    boundary, fillvalue
        As in `convolve`; samples outside count as present.

    Returns
    -------
    Array of the shape of `signal`, floating. An output that sees no sample is NaN.

    Raises
    ------
    ValueError
        If the ranks differ, a word is unknown, or an array is empty.

    Notes
    -----
    Two convolutions by the engine ("fill": one). Differentiable in `signal` (zero at missing samples), `kernel` and
    `fillvalue`. Mirrors `astropy.convolution.convolve`; kernels may also be even and complex, and a kernel that sums to
    zero is an error of the caller's: the quotient is infinite.

    >>> normalized_convolve([1.0, jnp.nan, 3.0], [1.0, 1.0, 1.0], boundary="edge").tolist()
    [1.0, 2.0, 3.0]
    """
    x, h = as_array("signal", signal), as_array("kernel", kernel)
    check.choice("nan_treatment", nan_treatment, ("interpolate", "fill"))
    check.rank("kernel", h, x.ndim, "give it the rank of `signal`")
    check.not_empty("signal", x)
    check.not_empty("kernel", h)
    dtype = inexact_type(x, h)
    x, h = cast(x, dtype), cast(h, dtype)
    missing = jnp.isnan(x)
    if mask is not None:
        missing = missing | jnp.broadcast_to(as_array("mask", mask).astype(bool), x.shape)
    total = jnp.sum(h)
    fills = nan_treatment == "fill"
    if normalize_kernel or not fills:
        h = h / total
    present = jnp.where(missing, jnp.asarray(fill_value, dtype) if fills else jnp.zeros((), dtype), x)
    y = convolve(present, h, "same", boundary=boundary, fillvalue=fillvalue)
    if not fills:
        weight = convolve((~missing).astype(dtype), h, "same", boundary=boundary, fillvalue=1.0)
        # Rounding leaves a trace of weight where no sample was seen.
        eps = jnp.finfo(dtype).eps
        seen = jnp.abs(weight) > 8 * eps * jnp.sum(jnp.abs(h))
        y = jnp.where(seen, y / jnp.where(seen, weight, 1), jnp.nan)
        if not normalize_kernel:
            y = y * total
    return jnp.where(missing, jnp.nan, y) if preserve_nan else y
