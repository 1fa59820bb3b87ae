"""Convolution of data with gaps: NaN and masked samples, as astropy treats them."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal._dtypes import ArrayLike, as_array, cast, inexact_type
from jconv.signal.convolution._convolve import Method, convolve
from jconv.signal.convolution._linear import boundary_rule


def normalized_convolve(
    signal: ArrayLike,
    kernel: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    nan_treatment: Literal["interpolate", "fill"] = "interpolate",
    fill_value: ArrayLike = 0.0,
    normalize_kernel: bool = True,
    preserve_nan: bool = False,
    boundary: str = "fill",
    fillvalue: ArrayLike = 0,
    method: Method = "direct",
) -> jax.Array:
    r"""Convolve data with gaps; under "interpolate" every output is the mean of the samples present.

    .. math:: y = \frac{h * (m x)}{h * m}, \qquad m = [x \text{ is present}]

    Parameters
    ----------
    signal : array_like, real or complex, shape (n1, …)
        NaN marks missing samples, and so does the mask of a NumPy masked array.
    kernel : array_like, shape (k1, …)
        The kernel h.
    mask : array_like of bool, optional
        True where a sample is missing, as in NumPy's masked arrays; broadcasts to `signal`. Default None.
    nan_treatment : {"interpolate", "fill"}
        Leave missing samples out of the mean, or put `fill_value` in their place. Default "interpolate".
    fill_value : scalar
        What stands for missing samples under "fill". Default 0.
    normalize_kernel : bool
        Divide the kernel by its sum. Default True.
    preserve_nan : bool
        Give NaN where the input is missing. Default False.
    boundary, fillvalue
        As in `convolve`. Samples outside count as present, unless `fillvalue` is NaN. Default "fill" and 0.
    method : {"direct", "auto", "fft"}
        As in `convolve`: by "direct" an infinity reaches as far as the kernel and no further; for large kernels "auto"
        is faster. Default "direct".

    Returns
    -------
    Array of the shape of `signal`, floating. An output that sees no sample is NaN.

    Raises
    ------
    ValueError
        If the ranks differ, a word is unknown, an array is empty, or the kernel sums to zero where it has to be divided
        by its sum: with `normalize_kernel`, or to interpolate. Traced kernels are not checked.

    Notes
    -----
    Two convolutions by the engine ("fill": one). Where nothing is missing and the kernel is not normalized, the result
    is `convolve`'s, so that kernels that sum to zero are allowed there. Differentiable in `signal` (zero at missing
    samples), `kernel` and `fillvalue`. Follows `astropy.convolution.convolve`; kernels may also be even and complex.

    Examples
    --------
    >>> normalized_convolve([1.0, jnp.nan, 3.0], [1.0, 1.0, 1.0], boundary="edge").tolist()
    [1.0, 2.0, 3.0]
    """
    if isinstance(signal, np.ma.MaskedArray):
        own = np.ma.getmaskarray(signal)
        mask = own if mask is None else own | as_array("mask", mask).astype(bool)
        signal = signal.data
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
    fills = nan_treatment == "fill"
    stand_in = as_array("fill_value", fill_value).astype(dtype).reshape(()) if fills else jnp.zeros((), dtype)
    outside, outside_missing = fillvalue, False
    if boundary_rule(boundary) == "constant":
        outside_missing = jnp.isnan(as_array("fillvalue", fillvalue).astype(dtype).reshape(()))
        if is_traced(outside_missing):
            outside = jnp.where(outside_missing, stand_in, as_array("fillvalue", fillvalue))
        elif outside_missing:
            outside = stand_in if fills else 0
    total = jnp.sum(h)
    any_missing = jnp.any(missing) | outside_missing
    _check_sum(total, h, normalize_kernel, None if fills else any_missing)
    if normalize_kernel:
        h, total = h / total, jnp.ones((), dtype)
    y = convolve(jnp.where(missing, stand_in, x), h, "same", method, boundary=boundary, fillvalue=outside)
    if not fills:
        weight = convolve(
            (~missing).astype(dtype), h, "same", method, boundary=boundary,
            fillvalue=jnp.where(outside_missing, 0, 1).astype(dtype),
        )  # fmt: skip
        # Rounding leaves a trace of weight where no sample is seen.
        seen = jnp.abs(weight) > 8 * jnp.finfo(dtype).eps * jnp.sum(jnp.abs(h))
        mean = jnp.where(seen, y * total / jnp.where(seen, weight, 1), jnp.nan)
        y = jnp.where(any_missing, mean, y)
    return jnp.where(missing, jnp.nan, y) if preserve_nan else y


def _check_sum(total: jax.Array, h: jax.Array, normalize: bool, any_missing: jax.Array | None) -> None:
    """Raise a ValueError if a kernel that is known sums to zero and must be divided by its sum."""
    if is_traced((total, h)) or (not normalize and (any_missing is None or is_traced(any_missing) or not any_missing)):
        return
    if abs(np.asarray(total)) <= 8 * np.finfo(h.dtype).eps * np.sum(np.abs(np.asarray(h))):
        remedy = "normalize_kernel=False" if normalize else "nan_treatment='fill'"
        raise ValueError(
            f"`kernel` sums to {np.asarray(total)}, and a mean divides by its sum; pass {remedy} for such a kernel"
        )
