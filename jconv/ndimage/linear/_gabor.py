"""Responses of a plane to waves under a Gaussian: `gabor`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jconv import kernels
from jconv._core.arrays import ArrayLike
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage.linear._linear import convolve


def gabor(
    input: ArrayLike,
    frequency: Number,
    theta: Number = 0.0,
    bandwidth: Number = 1.0,
    sigma_x: Number | None = None,
    sigma_y: Number | None = None,
    n_stds: float = 3.0,
    offset: Number = 0.0,
    mode: str = "reflect",
    cval: Value = 0.0,
    *,
    size: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    r"""Convolve a plane with the even and the odd part of a Gabor kernel.

    .. math:: g(u, v) = \frac{1}{2 \pi \sigma_x \sigma_y} e^{-u^2 / 2\sigma_x^2 - v^2 / 2\sigma_y^2}
              e^{i (2 \pi f u + \phi)}

    Parameters
    ----------
    input : array (H, W), real
        The plane.
    frequency : number
        f, in cycles per sample.
    theta : number
        Direction of the wave in radians; 0 runs along the last axis. Default 0.
    bandwidth : number
        In octaves; sets the widths that are not given. Default 1.
    sigma_x, sigma_y : number, optional
        Standard deviations along and across the wave, in samples. Default: from `bandwidth`.
    n_stds : float
        Radius of the kernel in standard deviations. Default 3.
    offset : number
        Phase of the wave in radians. Default 0.
    mode, cval
        As for `jconv.ndimage.correlate`.
    size : int, odd, optional
        Size of the kernel; must be given where a parameter is traced.

    Returns
    -------
    pair of arrays (H, W)
        The responses to the even and to the odd part.

    Raises
    ------
    ValueError
        For an image of another rank, or a frequency or width that is not positive.
    TypeError
        For traced parameters without `size`.

    Notes
    -----
    The kernel is `jconv.kernels.gabor`. Whole-number images give whole numbers, cut toward zero, as in scikit-image.
    Differentiable in the image and in every parameter that may be traced. scikit-image's `gabor`.

    Examples
    --------
    >>> even, odd = gabor(jnp.eye(9), 0.25)
    >>> even.shape, odd.shape
    ((9, 9), (9, 9))
    """
    x = arguments.plane(input)
    arguments.sets_size("n_stds", n_stds, "pass `size`")
    arguments.positive("frequency", frequency, "cycles per sample")
    if sigma_x is None or sigma_y is None:
        arguments.positive("bandwidth", bandwidth, "octaves")
    xp = jnp if is_traced((bandwidth, frequency)) else np
    octaves = 2.0 ** xp.asarray(bandwidth)
    default = np.sqrt(np.log(2) / 2) / np.pi * (octaves + 1) / (octaves - 1) / frequency
    along, across = (
        default if s is None else arguments.positive(name, s, "a standard deviation in samples")
        for name, s in (("sigma_x", sigma_x), ("sigma_y", sigma_y))
    )
    wave = kernels.gabor(
        frequency,
        theta=theta,
        sigma=(along, across),  # type: ignore[arg-type]
        offset=offset,
        truncate=n_stds,
        size=size,
        dtype=jnp.promote_types(_output.working_dtype(x.dtype, x.dtype), jnp.complex64),
    )
    return convolve(x, wave.real, mode=mode, cval=cval), convolve(x, wave.imag, mode=mode, cval=cval)
