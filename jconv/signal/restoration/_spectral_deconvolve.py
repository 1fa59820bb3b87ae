"""Deconvolution by a division of spectra: Wiener's and Tikhonov's, in any number of dimensions."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.signal._dtypes import ArrayLike, as_array, cast, inexact_type, real_type
from jconv.signal.convolution._transfer import transfer


def wiener_deconvolve(signal: ArrayLike, kernel: ArrayLike, *, noise_to_signal: ArrayLike) -> jax.Array:
    r"""Undo a periodic blur with the least mean squared error for a known noise-to-signal ratio.

    .. math:: \hat X = \frac{\overline{H}}{|H|^2 + \nu}\, Y

    Parameters
    ----------
    signal : array_like, shape (…, n1, …)
        The blurred data; leading axes that `kernel` lacks are batch axes.
    kernel : array_like, shape (k1, …)
        The blur, its middle at (k - 1) // 2 as in mode "same".
    noise_to_signal : array_like
        The ratio ν of the power spectra: a number, or an array that broadcasts to the spectrum (n1, …).

    Returns
    -------
    Array of the shape of `signal`, floating.

    Raises
    ------
    ValueError
        If the kernel has more axes than the signal or is larger, or an array is empty.

    Notes
    -----
    Two FFTs; one NaN spoils all. Differentiable in all arguments. Where the data is not periodic, pad it first
    (`jnp.pad`), or use `richardson_lucy`. Source: N. Wiener, *Extrapolation, Interpolation, and Smoothing of Stationary
    Time Series* (1949).

    Examples
    --------
    >>> from jconv.signal import convolve
    >>> y = convolve([0.0, 0, 4, 0, 0], [0.25, 0.5, 0.25], "same")
    >>> [abs(round(float(v), 1)) for v in wiener_deconvolve(y, [0.25, 0.5, 0.25], noise_to_signal=0)]
    [0.0, 0.0, 4.0, 0.0, 0.0]
    """
    y, h = _check_shapes(signal, kernel)
    ratio = as_array("noise_to_signal", noise_to_signal)
    return _divide_spectra(y, h, lambda power: ratio.astype(power.dtype))


def tikhonov_deconvolve(
    signal: ArrayLike, kernel: ArrayLike, *, weight: ArrayLike, penalty: ArrayLike | None = None
) -> jax.Array:
    r"""Undo a periodic blur by penalised least squares.

    .. math:: \hat x = \arg\min_x \|h * x - y\|^2 + \lambda \|d * x\|^2, \qquad
        \hat X = \frac{\overline{H}\, Y}{|H|^2 + \lambda |D|^2}

    Parameters
    ----------
    signal, kernel
        As in `wiener_deconvolve`.
    weight : float
        The weight λ.
    penalty : array_like, optional
        The kernel d, of the rank of `kernel`: a Laplacian for a smooth x. Default the identity, for a small x.

    Returns
    -------
    Array of the shape of `signal`, floating.

    Raises
    ------
    ValueError
        As `wiener_deconvolve`.

    Notes
    -----
    Two FFTs; one NaN spoils all. Differentiable in all arguments. Source: A. N. Tikhonov, *Soviet Math. Dokl.* 4
    (1963).

    Examples
    --------
    >>> from jconv.signal import convolve
    >>> y = convolve([0.0, 1, 2, 0, 0, 0], [0.25, 0.5, 0.25], "same")
    >>> tikhonov_deconvolve(y, [0.25, 0.5, 0.25], weight=1e-4, penalty=[1.0, -2, 1]).shape
    (6,)
    """
    y, h = _check_shapes(signal, kernel)
    factor = as_array("weight", weight)
    if penalty is None:
        return _divide_spectra(y, h, lambda power: factor.astype(power.dtype))
    d = as_array("penalty", penalty)
    check.rank("penalty", d, h.ndim, "give it the rank of `kernel`")
    spectrum = transfer(cast(d, y.dtype), y.shape[y.ndim - h.ndim :])
    return _divide_spectra(y, h, lambda power: factor.astype(power.dtype) * (spectrum.real**2 + spectrum.imag**2))


def _divide_spectra(y: jax.Array, h: jax.Array, damping: Callable[[jax.Array], jax.Array]) -> jax.Array:
    n = h.ndim
    axes = range(y.ndim - n, y.ndim)
    spectrum = transfer(h, y.shape[y.ndim - n :])
    power = spectrum.real**2 + spectrum.imag**2
    x = y
    for axis in axes:
        x = jnp.fft.fft(x, axis=axis)
    x = x * spectrum.conj() / (power + damping(power))
    for axis in axes:
        x = jnp.fft.ifft(x, axis=axis)
    return x if jnp.iscomplexobj(y) else x.real.astype(real_type(y.dtype))


def _check_shapes(signal: ArrayLike, kernel: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Signal and kernel in one inexact dtype; a ValueError if the kernel does not fit into the signal."""
    y, h = as_array("signal", signal), as_array("kernel", kernel)
    check.not_empty("signal", y)
    check.not_empty("kernel", h)
    n = h.ndim
    if n == 0 or n > y.ndim:
        raise ValueError(f"`kernel` must have rank 1 to {y.ndim}, the rank of `signal`, got shape {h.shape}")
    space = y.shape[y.ndim - n :]
    if any(k > s for k, s in zip(h.shape, space, strict=True)):
        raise ValueError(f"`kernel` of shape {h.shape} is larger than `signal` of shape {space}; crop the kernel")
    dtype = inexact_type(y, h)
    return cast(y, dtype), cast(h, dtype)
