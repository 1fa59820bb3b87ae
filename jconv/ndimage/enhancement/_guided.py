"""Smoothing that follows the edges of a guidance image: `guided`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp

from jconv._core.arrays import ArrayLike
from jconv.ndimage._frame import arguments, bordered
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.moments import window_moments
from jconv.ndimage._frame.output import Output
from jconv.ndimage.linear._uniform import uniform_filter


def guided(
    input: ArrayLike,
    guidance: ArrayLike,
    radius: int = 4,
    eps: Number = 0.01,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Smooth so that the result is, in every box, a linear function of a guidance image.

    .. math:: y = \overline{a}\, g + \overline{b}, \quad
              a = \frac{\mathrm{cov}(g, x)}{\mathrm{var}(g) + \epsilon}, \quad b = \bar x - a\, \bar g

    Parameters
    ----------
    input : array of any rank, real
        The image.
    guidance : array, in the shape of `input`
        g; `input` itself for edge-preserving smoothing.
    radius : int
        Of the boxes, in samples, which are 2 radius + 1 wide. Default 4.
    eps : number
        ε, the contrast below which the image is smoothed, in squared units of the guidance; may be traced. Default
        0.01.
    output, mode, cval, axes
        As for `jconv.ndimage.correlate`; `mode` may be one for each axis.

    Returns
    -------
    array, in the shape of `input`
        The smoothed image.

    Raises
    ------
    ValueError
        For images of different shapes, a negative `eps`, or a radius that is not an integer >= 0.
    RuntimeError
        For an unknown mode.

    Notes
    -----
    The cost does not depend on the image's content, and grows with the root of the radius. Variances are sums of
    squared differences to the mean of their box, which do not cancel, however bright the image. Where the guidance is
    flat and `eps` zero, the result is the mean. Gradient: that of the formula.
    Source: K. He, J. Sun and X. Tang, *Guided image filtering*, IEEE PAMI 35 (2013); kornia's `guided_blur`.

    Examples
    --------
    >>> step = jnp.array([0.0, 0.1, 0.0, 5.0, 5.1, 5.0])
    >>> guided(step, step, 1, 0.01).round(1)
    Array([0. , 0.1, 0. , 5. , 5.1, 5. ], dtype=float...)
    """
    x = arguments.image(input, real=True)
    guide = arguments.same_shape("guidance", guidance, x)
    arguments.not_negative("eps", eps, "a squared contrast")
    radius = arguments.known_int("radius", radius, 0)
    dtype = _output.dtype_of(output, x)
    used = arguments.axes_of(axes, x.ndim)
    rules = tuple(arguments.boundary(m) for m in arguments.sequence("mode", mode, len(used)))
    if not x.size:
        return _output.deliver(x.astype(dtype), output)
    work = _output.working_dtype(jnp.promote_types(x.dtype, guide.dtype), dtype)
    slope, offset = _line(x.astype(work), guide.astype(work), eps, cval, radius=radius, axes=used, rules=rules)
    mean = lambda a: uniform_filter(a, 2 * radius + 1, mode=mode, cval=cval, axes=used)
    return _output.deliver(_output.store(mean(slope) * guide.astype(work) + mean(offset), dtype), output)


@partial(jax.jit, static_argnames=("radius", "axes", "rules"))
def _line(
    x: jax.Array,
    guide: jax.Array,
    eps: Number,
    cval: Value,
    *,
    radius: int,
    axes: tuple[int, ...],
    rules: tuple[str, ...],
) -> tuple[jax.Array, jax.Array]:
    """Slope and offset of the line that fits the image best as a function of the guidance, for each box."""
    widths = [(radius, radius) if a in axes else (0, 0) for a in range(x.ndim)]
    by_axis = dict(zip(axes, rules))
    everywhere = [by_axis.get(a, "edge") for a in range(x.ndim)]
    first, second = (bordered.extend(a, widths, everywhere, cval) for a in (guide, x))
    mean_g, mean_x, variance, covariance = window_moments(first, second, 2 * radius + 1, axes)
    contrast = variance + eps
    slope = jnp.where(contrast > 0, covariance / jnp.where(contrast > 0, contrast, 1), 0)
    slope = jnp.where(jnp.isnan(contrast), contrast, slope)
    return slope, mean_x - slope * mean_g
