"""Smoothing by distance and difference in value: `bilateral`, `joint_bilateral`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core.arrays import ArrayLike
from jconv._core.boundary import pad
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output


def bilateral(
    input: ArrayLike,
    sigma_color: Number,
    sigma_space: Number,
    size: int | None = None,
    output: Output = None,
    mode: str = "mirror",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    channel_axis: int | None = None,
) -> jax.Array:
    r"""Smooth by a Gaussian of the distance times a Gaussian of the difference in value, so that edges stay.

    .. math:: y[i] = \frac{\sum_k w_{ik}\, x[k]}{\sum_k w_{ik}}, \quad
              w_{ik} = e^{-|i - k|^2 / 2 \sigma_s^2 - |x[i] - x[k]|^2 / 2 \sigma_c^2}

    Parameters
    ----------
    input : array of any rank, real
        The image.
    sigma_color : number
        Standard deviation of the values, in the image's units; may be traced.
    sigma_space : number
        Standard deviation of the distance in samples; may be traced where `size` is given.
    size : int, optional
        Diameter of the window, a ball of radius size // 2. Default 2 round(1.5 sigma_space) + 1.
    output, mode, cval
        As for `jconv.ndimage.correlate`, but the default mode is "mirror".
    axes : int or sequence of int, optional
        Axes of space. Default: all but the channels.
    channel_axis : int, optional
        Axis of colours, whose differences count together (sum of magnitudes). Default: none.

    Returns
    -------
    array, in the shape of `input`
        The smoothed image.

    Raises
    ------
    ValueError
        For a sigma that is not positive.
    TypeError
        For a traced `sigma_space` without `size`.
    RuntimeError
        For an unknown mode or a size below one.

    Notes
    -----
    Cost: one exponential per sample of the window. Differentiable in everything that may be traced. Values, window and
    default boundary are those of OpenCV's `bilateralFilter`. Source: C. Tomasi and R. Manduchi, ICCV 1998.

    Examples
    --------
    >>> bilateral([0.0, 0.1, 0.0, 5.0, 5.1, 5.0], 0.5, 1.0).round(2).tolist()
    [0.0..., 0.0..., 0.0..., 5.0..., 5.0..., 5.0...]
    """
    return joint_bilateral(
        input, input, sigma_color, sigma_space, size, output, mode, cval, axes=axes, channel_axis=channel_axis
    )


def joint_bilateral(
    input: ArrayLike,
    guidance: ArrayLike,
    sigma_color: Number,
    sigma_space: Number,
    size: int | None = None,
    output: Output = None,
    mode: str = "mirror",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    channel_axis: int | None = None,
) -> jax.Array:
    r"""Smooth as `bilateral` does, with the differences taken from another image.

    .. math:: y[i] = \frac{\sum_k w_{ik}\, x[k]}{\sum_k w_{ik}}, \quad
              w_{ik} = e^{-|i - k|^2 / 2 \sigma_s^2 - |g[i] - g[k]|^2 / 2 \sigma_c^2}

    Parameters
    ----------
    input : array of any rank, real
        The image.
    guidance : array, in the shape of `input`
        g, whose edges stay.
    sigma_color : number
        Standard deviation of the guidance's values; may be traced.
    sigma_space, size, output, mode, cval, axes, channel_axis
        As for `bilateral`.

    Returns
    -------
    array, in the shape of `input`
        The smoothed image.

    Raises
    ------
    ValueError
        For images of different shapes, and as `bilateral`.
    TypeError, RuntimeError
        As `bilateral`.

    Notes
    -----
    Cost and gradient are those of `bilateral`. Source: G. Petschnigg et al., *Digital photography with flash and
    no-flash image pairs*, SIGGRAPH 2004.

    Examples
    --------
    >>> edge = jnp.array([0.0, 0.0, 0.0, 9.0, 9.0, 9.0])
    >>> joint_bilateral(jnp.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), edge, 0.1, 9.0, 3).round(1)
    Array([1.7, 2. , 2.5, 4.5, 5. , 5.3], dtype=float...)
    """
    x = arguments.image(input, real=True)
    guide = arguments.same_shape("guidance", guidance, x)
    channel = None if channel_axis is None else arguments.axis_of(channel_axis, x.ndim)
    space = arguments.axes_of(axes, x.ndim) if axes is not None else tuple(a for a in range(x.ndim) if a != channel)
    arguments.positive("sigma_color", sigma_color, "a standard deviation")
    arguments.positive("sigma_space", sigma_space, "a standard deviation")
    if size is None:
        if is_traced(sigma_space):
            raise TypeError("`size` must be given where `sigma_space` is traced; pass the largest you need")
        size = 2 * max(1, int(1.5 * float(sigma_space) + 0.5)) + 1
    radius = max(1, arguments.window_size(size) // 2)
    dtype = _output.dtype_of(output, x)
    work = _output.working_dtype(jnp.promote_types(x.dtype, guide.dtype), dtype)
    rule = arguments.one_mode(mode)
    if x.size:
        window = {"radius": radius, "space": space, "channel": channel, "rule": rule, "dtype": dtype}
        x = _bilateral(x.astype(work), guide.astype(work), sigma_color, sigma_space, cval, **window)
    return _output.deliver(x.astype(dtype), output)


@partial(jax.jit, static_argnames=("radius", "space", "channel", "rule", "dtype"))
def _bilateral(
    x: jax.Array,
    guide: jax.Array,
    sigma_color: Number,
    sigma_space: Number,
    cval: Value,
    *,
    radius: int,
    space: tuple[int, ...],
    channel: int | None,
    rule: str,
    dtype: np.dtype,
) -> jax.Array:
    widths = [(radius, radius) if a in space else (0, 0) for a in range(x.ndim)]
    padded, padded_guide = pad(x, widths, rule, cval), pad(guide, widths, rule, cval)
    ball = np.indices((2 * radius + 1,) * len(space)).reshape(len(space), -1).T - radius
    ball = ball[(ball**2).sum(1) <= radius**2]
    starts = np.zeros((len(ball), x.ndim), int)
    starts[:, list(space)] = ball + radius

    def add(
        total: tuple[jax.Array, jax.Array], step: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[jax.Array, jax.Array], None]:
        start, squared_distance = step
        value = lax.dynamic_slice(padded, start, x.shape)
        change = jnp.abs(lax.dynamic_slice(padded_guide, start, x.shape) - guide)
        if channel is not None:
            change = change.sum(axis=channel, keepdims=True)
        weight = jnp.exp(-0.5 * (squared_distance / sigma_space**2 + (change / sigma_color) ** 2))
        return (total[0] + weight * value, total[1] + weight), None

    zero = jnp.zeros_like(x)
    norm = zero if channel is None else zero.sum(axis=channel, keepdims=True)
    steps = (jnp.asarray(starts), jnp.asarray((ball**2).sum(1), x.dtype))
    (total, norm), _ = lax.scan(add, (zero, norm), steps)
    return _output.store(total / norm, dtype)
