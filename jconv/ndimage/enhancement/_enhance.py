"""Sharpening and evening out: `unsharp_mask`, `difference_of_gaussians`, `local_normalize`, `butterworth`."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage.linear._gaussian import gaussian_filter


def unsharp_mask(input, radius=1.0, amount=1.0, output=None, mode="reflect", cval=0.0, *, axes=None):
    r"""Sharpen: add `amount` times what a Gaussian of standard deviation `radius` takes away.

    .. math:: y = x + a\,(x - g_\sigma * x)

    Whole-number images are taken as they are and need a floating `output` to keep results outside their range.
    scikit-image's `unsharp_mask` with ``preserve_range=True``.
    """
    x, dtype = _floating(input, output)
    blurred = gaussian_filter(x, radius, mode=mode, cval=cval, axes=axes)
    return _output.deliver(_output.store(x + amount * (x - blurred), dtype), output)


def difference_of_gaussians(
    input, low_sigma, high_sigma=None, output=None, mode="nearest", cval=0.0, *, axes=None, truncate=4.0
):
    r"""A band-pass: the image smoothed by `low_sigma` minus the image smoothed by `high_sigma` (1.6 times as wide).

    .. math:: y = g_{\sigma_1} * x - g_{\sigma_2} * x

    scikit-image's `difference_of_gaussians`, its boundary included.
    """
    x, dtype = _floating(input, output)
    if high_sigma is None:
        high_sigma = [1.6 * s for s in low_sigma] if np.ndim(low_sigma) else 1.6 * low_sigma
    low, high = (
        gaussian_filter(x, s, mode=mode, cval=cval, axes=axes, truncate=truncate) for s in (low_sigma, high_sigma)
    )
    return _output.deliver(_output.store(low - high, dtype), output)


def local_normalize(input, sigma=8.0, output=None, mode="reflect", cval=0.0, *, epsilon=1e-6, axes=None):
    r"""Even out brightness and contrast: subtract the local mean, divide by the local standard deviation.

    .. math:: y = \frac{x - \mu}{\sqrt{\max(g_\sigma * (x - \mu)^2, 0) + \epsilon}}, \quad \mu = g_\sigma * x

    Whole-number images give a floating result. Source: the local contrast normalization of K. Jarrett et al.,
    ICCV 2009.
    """
    x = arguments.image(input, real=True)
    dtype = _output.working_dtype(x.dtype, x.dtype) if output is None else _output.dtype_of(output, x)
    x = x.astype(_output.working_dtype(x.dtype, dtype))
    smooth = lambda a: gaussian_filter(a, sigma, mode=mode, cval=cval, axes=axes)
    centred = x - smooth(x)
    return _output.deliver(_output.store(centred / jnp.sqrt(smooth(centred**2) + epsilon), dtype), output)


def butterworth(
    input,
    cutoff_frequency_ratio=0.005,
    high_pass=True,
    order=2.0,
    output=None,
    *,
    squared_butterworth=True,
    npad=0,
    axes=None,
):
    r"""Filter in the frequency domain with Butterworth's maximally flat response.

    .. math:: H(\nu) = \frac{1}{1 + (|\nu| / c)^{2n}} \quad\text{(low-pass)}

    Parameters
    ----------
    cutoff_frequency_ratio: c in cycles per sample, 0 … 0.5.
    high_pass: whether to keep what is above c.
    order: n.
    squared_butterworth: whether H is as above, or its square root (Butterworth's own definition).
    npad: samples by which to extend each axis with its edge values, against wrapping around.

    Notes
    -----
    Differentiable in the cutoff and the order. scikit-image's `butterworth`. Source: S. Butterworth, Experimental
    Wireless 7 (1930).
    """
    x, dtype = _floating(input, output)
    axes = arguments.axes_of(axes, x.ndim)
    if npad < 0:
        raise ValueError(f"`npad` must be at least 0, got {npad}; pass a number of samples")
    padded = jnp.pad(x, [(npad, npad) if a in axes else (0, 0) for a in range(x.ndim)], mode="edge")
    squares = 0.0
    for a in axes:
        n = padded.shape[a]
        nu = np.fft.rfftfreq(n) if a == axes[-1] else np.fft.fftfreq(n)
        squares = squares + (nu**2).reshape([-1 if b == a else 1 for b in range(x.ndim)])
    # A power of zero has no derivative with respect to its exponent: the constant is put in by hand.
    ratio = jnp.where(squares == 0, 1, squares) / cutoff_frequency_ratio**2
    power = jnp.where(squares == 0, 0, ratio**order)
    response = (power if high_pass else 1.0) / (1 + power)
    if not squared_butterworth:
        response = jnp.where(response > 0, jnp.sqrt(jnp.where(response > 0, response, 1)), 0)
    spectrum = jnp.fft.rfftn(padded, axes=axes) * response.astype(padded.dtype)
    filtered = jnp.fft.irfftn(spectrum, s=[padded.shape[a] for a in axes], axes=axes)
    inner = tuple(slice(npad, npad + x.shape[a]) if a in axes else slice(None) for a in range(x.ndim))
    return _output.deliver(_output.store(filtered[inner], dtype), output)


def _floating(input, output):
    """The image in its working dtype, and the dtype of the result."""
    x = arguments.image(input, real=True)
    dtype = _output.dtype_of(output, x)
    return x.astype(_output.working_dtype(x.dtype, dtype)), dtype
