"""Edge-preserving smoothing: `bilateral`, `joint_bilateral`, `guided`."""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core.boundary import pad
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage.linear._uniform import uniform_filter


def bilateral(
    input, sigma_color, sigma_space, size=None, output=None, mode="mirror", cval=0.0, *, axes=None, channel_axis=None
):
    r"""Smooth by a Gaussian of the distance times a Gaussian of the difference in value, so that edges stay.

    .. math:: y[i] = \frac{\sum_k w_{ik}\, x[k]}{\sum_k w_{ik}}, \quad
              w_{ik} = e^{-|i - k|^2 / 2 \sigma_s^2 - |x[i] - x[k]|^2 / 2 \sigma_c^2}

    Parameters
    ----------
    sigma_color: standard deviation of the values; may be traced.
    sigma_space: standard deviation of the distance in samples; may be traced where `size` is given.
    size: diameter of the window, a ball of radius size // 2; by default 2 round(1.5 sigma_space) + 1.
    axes: axes of space; all by default (but the channels).
    channel_axis: axis of colours, whose differences count together (sum of magnitudes).

    Notes
    -----
    Cost: one exponential per sample of the window. Differentiable in everything that may be traced. Values, window
    and default boundary are those of OpenCV's `bilateralFilter`.

    Source: C. Tomasi and R. Manduchi, ICCV 1998.
    """
    return joint_bilateral(
        input, input, sigma_color, sigma_space, size, output, mode, cval, axes=axes, channel_axis=channel_axis
    )


def joint_bilateral(
    input,
    guidance,
    sigma_color,
    sigma_space,
    size=None,
    output=None,
    mode="mirror",
    cval=0.0,
    *,
    axes=None,
    channel_axis=None,
):
    """`bilateral` with the differences taken from another image, `guidance`, of the same shape.

    Source: G. Petschnigg et al., *Digital photography with flash and no-flash image pairs*, SIGGRAPH 2004.
    """
    x, guide = arguments.image(input, real=True), arguments.image(guidance, real=True)
    if x.shape != guide.shape:
        raise ValueError(f"`guidance` must have the shape of `input`, got {guide.shape} and {x.shape}")
    channel = None if channel_axis is None else arguments.axis_of(channel_axis, x.ndim)
    space = arguments.axes_of(axes, x.ndim) if axes is not None else tuple(a for a in range(x.ndim) if a != channel)
    for name, sigma in (("sigma_color", sigma_color), ("sigma_space", sigma_space)):
        if not is_traced(sigma) and not float(sigma) > 0:
            raise ValueError(f"`{name}` must be positive, got {sigma}; pass a standard deviation")
    if size is None:
        if is_traced(sigma_space):
            raise TypeError("`size` must be given where `sigma_space` is traced; pass the largest you need")
        size = 2 * max(1, int(1.5 * float(sigma_space) + 0.5)) + 1
    radius = max(1, arguments.window_size(size) // 2)
    dtype = _output.dtype_of(output, x)
    work = _output.working_dtype(jnp.promote_types(x.dtype, guide.dtype), dtype)
    if x.size:
        rule = arguments.one_mode(mode)
        plan = {"radius": radius, "space": space, "channel": channel, "rule": rule, "dtype": dtype}
        x = _bilateral(x.astype(work), guide.astype(work), sigma_color, sigma_space, cval, **plan)
    return _output.deliver(x.astype(dtype), output)


@partial(jax.jit, static_argnames=("radius", "space", "channel", "rule", "dtype"))
def _bilateral(x, guide, sigma_color, sigma_space, cval, *, radius, space, channel, rule, dtype):
    widths = [(radius, radius) if a in space else (0, 0) for a in range(x.ndim)]
    padded, padded_guide = pad(x, widths, rule, cval), pad(guide, widths, rule, cval)
    ball = np.indices((2 * radius + 1,) * len(space)).reshape(len(space), -1).T - radius
    ball = ball[(ball**2).sum(1) <= radius**2]
    starts = np.zeros((len(ball), x.ndim), int)
    starts[:, list(space)] = ball + radius

    def add(total, step):
        start, squared_distance = step
        value = lax.dynamic_slice(padded, start, x.shape)
        change = jnp.abs(lax.dynamic_slice(padded_guide, start, x.shape) - guide)
        if channel is not None:
            change = change.sum(axis=channel, keepdims=True)
        weight = jnp.exp(-0.5 * (squared_distance / sigma_space**2 + change**2 / sigma_color**2))
        return (total[0] + weight * value, total[1] + weight), None

    zero = jnp.zeros_like(x)
    norm = zero if channel is None else zero.sum(axis=channel, keepdims=True)
    steps = (jnp.asarray(starts), jnp.asarray((ball**2).sum(1), x.dtype))
    (total, norm), _ = lax.scan(add, (zero, norm), steps)
    return _output.store(total / norm, dtype)


def guided(input, guidance, radius=4, eps=0.01, output=None, mode="reflect", cval=0.0, *, axes=None):
    r"""Smooth so that the result is, in every box, a linear function of a `guidance` image.

    .. math:: y = \overline{a}\, g + \overline{b}, \quad
              a = \frac{\mathrm{cov}(g, x)}{\mathrm{var}(g) + \epsilon}, \quad b = \bar x - a\, \bar g

    Parameters
    ----------
    guidance: image of the same shape; `input` itself for edge-preserving smoothing.
    radius: of the boxes, in samples, 2 radius + 1 wide.
    eps: contrast (squared) below which the image is smoothed; may be traced.

    Notes
    -----
    Box means only: the cost does not depend on the image's content. Gradient: that of the formula.
    Source: K. He, J. Sun and X. Tang, *Guided image filtering*, IEEE PAMI 35 (2013); kornia's `guided_blur`.
    """
    x, guide = arguments.image(input, real=True), arguments.image(guidance, real=True)
    if x.shape != guide.shape:
        raise ValueError(f"`guidance` must have the shape of `input`, got {guide.shape} and {x.shape}")
    if not is_traced(eps) and not float(eps) >= 0:
        raise ValueError(f"`eps` must not be negative, got {eps}; pass a squared contrast")
    if not hasattr(radius, "__index__") or radius < 0 or math.isnan(radius):
        raise ValueError(f"`radius` must be a nonnegative integer, got {radius!r}; pass a number of samples")
    dtype = _output.dtype_of(output, x)
    work = _output.working_dtype(jnp.promote_types(x.dtype, guide.dtype), dtype)
    x, g = x.astype(work), guide.astype(work)
    mean = lambda a: uniform_filter(a, 2 * radius + 1, mode=mode, cval=cval, axes=axes)
    mean_x, mean_g = mean(x), mean(g)
    slope = (mean(g * x) - mean_g * mean_x) / (mean(g * g) - mean_g**2 + eps)
    offset = mean_x - slope * mean_g
    return _output.deliver(_output.store(mean(slope) * g + mean(offset), dtype), output)
