"""Blurs and oriented filters: `motion_blur`, `blur_pool`, `gabor`, and kernels that vary over the image."""

from __future__ import annotations

from math import comb

import jax.numpy as jnp
import numpy as np

from jconv import kernels
from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage.linear._linear import convolve, correlate, correlate1d


def motion_blur(input, size, angle, output=None, mode="reflect", cval=0.0, *, length=None, axes=None):
    """Blur a plane by uniform motion along a straight path: `correlate` with `jconv.kernels.motion`.

    Parameters
    ----------
    size: odd size of the kernel.
    angle: radians; 0 moves along the last axis, pi/2 along the one before. May be traced and learned.
    length: of the path, `size` if None; may be traced.
    axes: the two axes of the plane, (-2, -1) by default.
    """
    kernel = kernels.motion(size, angle=angle, length=length)
    return correlate(input, kernel, output, mode, cval, axes=_plane(input, axes))


def blur_pool(input, size=3, strides=2, output=None, mode="reflect", cval=0.0, *, axes=None):
    """Smooth by binomial weights and keep every `strides`-th sample, so that shifts do not alias.

    Source: R. Zhang, *Making convolutional networks shift-invariant again*, ICML 2019; kornia's `blur_pool2d` with
    ``mode="constant"``.
    """
    x = arguments.image(input)
    size, strides = check.positive_int("size", size), check.positive_int("strides", strides)
    weights = np.array([comb(size - 1, k) for k in range(size)]) / 2.0 ** (size - 1)
    for axis in arguments.axes_of(axes, x.ndim):
        # The kernel's first sample meets the image's at (size - 1) // 2, as a padded strided convolution has it.
        x = correlate1d(x, weights, axis, mode=mode, cval=cval, origin=-(1 - size % 2))
        x = x[(slice(None),) * axis + (slice(None, None, strides),)]
    return _output.deliver(_output.store(x, _output.dtype_of(output, x)), output)


def gabor(
    input,
    frequency,
    theta=0.0,
    bandwidth=1.0,
    sigma_x=None,
    sigma_y=None,
    n_stds=3.0,
    offset=0.0,
    mode="reflect",
    cval=0.0,
    *,
    size=None,
):
    """The even and the odd response of a plane to a Gabor kernel, as a pair; see `jconv.kernels.gabor`.

    `size` must be given where a parameter is traced. scikit-image's `gabor`.
    """
    x = arguments.image(input, real=True)
    check.rank("input", x, 2, "filter each plane of a stack under jax.vmap")
    default = np.sqrt(np.log(2) / 2) / np.pi * (2.0**bandwidth + 1) / (2.0**bandwidth - 1) / frequency
    sigma = (default if sigma_x is None else sigma_x, default if sigma_y is None else sigma_y)
    work = _output.working_dtype(x.dtype, x.dtype)
    wave = kernels.gabor(
        frequency,
        theta=theta,
        sigma=sigma,
        offset=offset,
        truncate=n_stds,
        size=size,
        dtype=jnp.promote_types(work, jnp.complex64),
    )
    return tuple(convolve(x, part, mode=mode, cval=cval) for part in (wave.real, wave.imag))


def correlate_varying(input, basis, weights, output=None, mode="reflect", cval=0.0, *, axes=None):
    r"""Correlate with a kernel that varies over the image: at each sample a mixture of a few basis kernels.

    .. math:: y[i] = \sum_r w_r[i] \sum_k b_r[k]\, x[i + k - \lfloor n/2 \rfloor]

    Parameters
    ----------
    input: image.
    basis: kernels (R, …), each with one dimension per filtered axis.
    weights: (R, \*image shape), or whatever broadcasts to it.

    Notes
    -----
    R filters, each by the engine's best algorithm. Linear in the image, in the basis and in the weights.
    """
    x = arguments.image(input)
    dtype = _output.dtype_of(output, x)
    x = x.astype(_output.working_dtype(x.dtype, dtype))
    basis = jnp.asarray(basis) if is_traced(basis) else np.asarray(basis)
    weights = jnp.asarray(weights)
    if basis.shape[:1] != weights.shape[:1]:
        raise ValueError(f"`basis` and `weights` must agree in their first axis, got {basis.shape} and {weights.shape}")
    total = sum(w * correlate(x, b, mode=mode, cval=cval, axes=axes) for b, w in zip(basis, weights))
    return _output.deliver(_output.store(jnp.asarray(total), dtype), output)


def _plane(input, axes):
    if np.ndim(input) < 2:
        raise ValueError(f"`input` must have rank 2 or more, got shape {np.shape(input)}; pass a plane")
    axes = (-2, -1) if axes is None else tuple(axes)
    if len(axes) != 2:
        raise ValueError(f"`axes` must name the two axes of a plane, got {axes}")
    return axes
