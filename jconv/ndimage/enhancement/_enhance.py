"""Sharpening and evening out: `unsharp_mask`, `difference_of_gaussians`, `local_normalize`."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core.arrays import ArrayLike
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output
from jconv.ndimage.linear._gaussian import gaussian_filter

_SAMPLES = 64
"""Of so many samples the median is taken for the level of an image."""


def unsharp_mask(
    input: ArrayLike,
    radius: Number | Sequence[Number] = 1.0,
    amount: Number = 1.0,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    kernel_radius: int | None = None,
) -> jax.Array:
    r"""Sharpen: add `amount` times what a Gaussian takes away.

    .. math:: y = x + a\,(x - g_\sigma * x)

    Parameters
    ----------
    input : array of any rank, real
        The image.
    radius : number or one for each axis
        Standard deviation of the Gaussian in samples. Default 1.
    amount : number
        Factor of the difference. Default 1.
    output : dtype or NumPy array, optional
        Dtype of the result, or the array to fill. Default: that of floating images, and JAX's default float for whole
        numbers, whose dtype could not hold what sharpening adds.
    mode, cval, axes
        As for `jconv.ndimage.gaussian_filter`.
    kernel_radius : int, optional
        Radius of the Gaussian's kernel in samples; must be given where `radius` is traced. Default: four standard
        deviations.

    Returns
    -------
    array, in the shape of `input`
        The sharpened image, in the units of `input`.

    Raises
    ------
    ValueError, RuntimeError, TypeError
        As `jconv.ndimage.gaussian_filter`.

    Notes
    -----
    Differentiable in the image, `radius` and `amount`. scikit-image's `unsharp_mask` with ``preserve_range=True``.

    Examples
    --------
    >>> unsharp_mask([0.0, 0.0, 1.0, 1.0]).round(2).tolist()
    [-0.0..., -0.2..., 1.2..., 1.0...]
    """
    x, dtype = _output.floating(arguments.image(input, real=True), output)
    blurred = gaussian_smooth(x, radius, mode, cval, axes, radius=kernel_radius, radius_name="kernel_radius")
    return _output.deliver(_output.store(x + amount * (x - blurred), dtype), output)


def difference_of_gaussians(
    input: ArrayLike,
    low_sigma: Number | Sequence[Number],
    high_sigma: Number | Sequence[Number] | None = None,
    output: Output = None,
    mode: str | Sequence[str] = "nearest",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    truncate: float = 4.0,
    radius: int | None = None,
) -> jax.Array:
    r"""Subtract two Gaussian-smoothed images: a band-pass.

    .. math:: y = g_{\sigma_1} * x - g_{\sigma_2} * x

    Parameters
    ----------
    input : array of any rank, real
        The image.
    low_sigma, high_sigma : number or one for each axis
        Standard deviations in samples. Default of `high_sigma`: 1.6 times `low_sigma`.
    output : dtype or NumPy array, optional
        Dtype of the result, or the array to fill. Default: that of floating images, JAX's default float for whole
        numbers, for differences have both signs.
    mode, cval, axes
        As for `jconv.ndimage.gaussian_filter`, but the default mode is "nearest".
    truncate : float
        Radius of the kernels in standard deviations. Default 4.
    radius : int, optional
        Radius of both kernels in samples, instead of `truncate`; must be given where a sigma is traced.

    Returns
    -------
    array, in the shape of `input`
        The difference.

    Raises
    ------
    ValueError
        Where a `high_sigma` is below its `low_sigma`, and as `jconv.ndimage.gaussian_filter`.
    RuntimeError, TypeError
        As `jconv.ndimage.gaussian_filter`.

    Notes
    -----
    Differentiable in the image and both sigmas. scikit-image's `difference_of_gaussians`, its boundary included.

    Examples
    --------
    >>> difference_of_gaussians([0.0, 0.0, 1.0, 0.0, 0.0], 0.5).round(2)
    Array([-0.02, -0.12,  0.29, -0.12, -0.02], dtype=float...)
    """
    x, dtype = _output.floating(arguments.image(input, real=True), output)
    used = arguments.axes_of(axes, x.ndim)
    lows = arguments.sequence("low_sigma", low_sigma, len(used))
    if high_sigma is None:
        highs = [1.6 * s for s in lows]
    else:
        highs = arguments.sequence("high_sigma", high_sigma, len(used))
    for low, high in zip(lows, highs):
        arguments.in_order("low_sigma", low, "high_sigma", high)
    narrow, wide = (gaussian_smooth(x, s, mode, cval, used, truncate=truncate, radius=radius) for s in (lows, highs))
    return _output.deliver(_output.store(narrow - wide, dtype), output)


def local_normalize(
    input: ArrayLike,
    sigma: Number | Sequence[Number] = 8.0,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    epsilon: Number = 1e-6,
    axes: int | Sequence[int] | None = None,
    radius: int | None = None,
) -> jax.Array:
    r"""Even out brightness and contrast: subtract the local mean, divide by the local standard deviation.

    .. math:: y = \frac{x - \mu}{\sqrt{g_\sigma * (x - \mu)^2 + \epsilon}}, \quad \mu = g_\sigma * x

    Parameters
    ----------
    input : array of any rank, real
        The image.
    sigma : number or one for each axis
        Standard deviation of the Gaussian in samples. Default 8.
    output : dtype or NumPy array, optional
        Dtype of the result, or the array to fill. Default: that of floating images, JAX's default float for whole
        numbers.
    mode, cval
        As for `jconv.ndimage.gaussian_filter`.
    epsilon : number
        Added to the variance, in the squared units of the image; above zero. Default 1e-6.
    axes : int or sequence of int, optional
        As for `jconv.ndimage.gaussian_filter`.
    radius : int, optional
        Radius of the Gaussian's kernel in samples; must be given where `sigma` is traced. Default: four standard
        deviations.

    Returns
    -------
    array, in the shape of `input`
        The image with mean near zero and standard deviation near one everywhere.

    Raises
    ------
    ValueError
        For an `epsilon` that is not positive, and as `jconv.ndimage.gaussian_filter`.
    RuntimeError, TypeError
        As `jconv.ndimage.gaussian_filter`.

    Notes
    -----
    A sample of the image is subtracted first, so that a constant image gives zero whatever its level. Differentiable in
    the image, `sigma` and `epsilon`. Source: the local contrast normalization of K. Jarrett et al., ICCV 2009.

    Examples
    --------
    >>> local_normalize([5.0, 5.0, 5.0, 5.0], 1.0).tolist()
    [0.0, 0.0, 0.0, 0.0]
    """
    arguments.positive("epsilon", epsilon, "a squared contrast")
    x, dtype = _output.floating(arguments.image(input, real=True), output)
    used = arguments.axes_of(axes, x.ndim)
    rules = [arguments.boundary(m) for m in arguments.sequence("mode", mode, len(used))]
    # One level for all images of a batch where there is one number outside of them.
    level = _level(x, tuple(range(x.ndim)) if "constant" in rules else used)
    outside = cval - level.ravel()[0] if "constant" in rules else cval
    x = x - level
    smooth = lambda a, outside: gaussian_smooth(a, sigma, mode, outside, axes, radius=radius)
    centred = x - smooth(x, outside)
    return _output.deliver(_output.store(centred / jnp.sqrt(smooth(centred**2, 0.0) + epsilon), dtype), output)


def _level(x: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    """Return a number near most samples, along `axes`: the median of some of them, so that no bad sample decides.

    The result of a caller must not depend on it but for rounding: it has no derivative.
    """
    lines = jnp.moveaxis(x, axes, range(-len(axes), 0)).reshape(
        *(n for a, n in enumerate(x.shape) if a not in axes), -1
    )
    some = lines[..., :: max(1, lines.shape[-1] // _SAMPLES)]
    level = jnp.nanmedian(jnp.where(jnp.isfinite(some), some, jnp.nan), axis=-1)
    level = jnp.expand_dims(jnp.where(jnp.isnan(level), 0, level), axes)
    return lax.stop_gradient(level)


def gaussian_smooth(
    x: jax.Array,
    sigma: Number | Sequence[Number],
    mode: str | Sequence[str],
    cval: Value,
    axes: int | Sequence[int] | None = None,
    *,
    truncate: float = 4.0,
    radius: int | None = None,
    radius_name: str = "radius",
) -> jax.Array:
    """Return a Gaussian filter for other functions, whose argument `radius_name` bounds the kernel."""
    arguments.radius_of_traced(radius_name, radius, sigma)
    return gaussian_filter(x, sigma, mode=mode, cval=cval, axes=axes, truncate=truncate, radius=radius)
