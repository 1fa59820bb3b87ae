"""Blurs along a path and before sampling: `motion_blur` and `blur_pool`."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import jax
import numpy as np

from jconv import kernels
from jconv._core import check
from jconv._core.arrays import ArrayLike
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.arithmetic import known_in_double
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output
from jconv.ndimage.linear._linear import correlate, correlate1d


def motion_blur(
    input: ArrayLike,
    size: int,
    angle: Number,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    *,
    length: Number | None = None,
    axes: Sequence[int] | None = None,
) -> jax.Array:
    r"""Blur a plane by uniform motion along a straight path.

    .. math:: y[i] = \frac{1}{|l|} \int_{-l/2}^{l/2} x[i + t\,(\sin\alpha, \cos\alpha)]\, dt

    Parameters
    ----------
    input : array of rank two or more
        The image.
    size : int, odd
        Size of the kernel, `jconv.kernels.motion`.
    angle : number
        Direction in radians; 0 moves along the last axis, π/2 along the one before. May be traced and learned.
    output, mode, cval
        As for `jconv.ndimage.correlate`.
    length : number, optional
        Length of the path in samples, above zero; may be traced. Default: `size`.
    axes : two ints, optional
        The axes of the plane. Default (-2, -1).

    Returns
    -------
    array, in the shape of `input`
        The blurred image.

    Raises
    ------
    ValueError
        For an even `size`, a `length` that is not positive, an image of rank one, or other than two axes.
    RuntimeError
        For an unknown mode.

    Notes
    -----
    Differentiable in the image, the angle and the length, almost everywhere.

    Examples
    --------
    >>> motion_blur([[0.0, 3.0, 0.0, 0.0]], 3, 0.0).round(3).tolist()
    [[1.0, 1.0, 1.0, 0.0]]
    """
    x = arguments.image(input)
    if length is not None:
        arguments.positive("length", length, "a length in samples")
    if x.ndim < 2:
        raise ValueError(f"`input` must have rank 2 or more, got shape {x.shape}; pass a plane")
    plane = (-2, -1) if axes is None else tuple(axes)
    if len(plane) != 2:
        raise ValueError(f"`axes` must name the two axes of a plane, got {plane}; pass two")
    kernel = known_in_double(lambda: kernels.motion(size, angle=angle, length=length), angle, length)
    return correlate(x, kernel, output, mode, cval, axes=plane)


def blur_pool(
    input: ArrayLike,
    size: int = 3,
    strides: int = 2,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Smooth by binomial weights and keep every `strides`-th sample, so that shifts do not alias.

    .. math:: y[i] = 2^{1 - n} \sum_{k=0}^{n-1} \tbinom{n-1}{k}\, x[s\,i + k - \lfloor (n-1)/2 \rfloor]

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    size : int
        Samples of the kernel, n. Default 3.
    strides : int
        Every so manieth sample is kept, s. Default 2.
    output : dtype or NumPy array, optional
        Dtype of the result, or the array to fill. Default: the dtype of `input`.
    mode, cval
        As for `jconv.ndimage.correlate`; `mode` may be one for each axis.
    axes : int or sequence of int, optional
        Axes to filter. Default: all.

    Returns
    -------
    array
        ⌈size of the axis / strides⌉ samples along each of `axes`.

    Raises
    ------
    ValueError
        For a size or strides below one.
    RuntimeError
        For an unknown mode.

    Notes
    -----
    Linear. Neither SciPy nor scikit-image has this filter; names and defaults are those of this subpackage's filters
    (`size`, `mode="reflect"`), and the layer `jconv.nn.blur_pool` takes them over. With ``mode="constant"`` the values
    are kornia's `blur_pool2d`. Source: R. Zhang, *Making convolutional networks shift-invariant again*, ICML 2019.

    Examples
    --------
    >>> blur_pool([0.0, 4.0, 8.0, 4.0]).tolist()
    [1.0, 6.0]
    """
    x = arguments.image(input)
    size, strides = check.positive_int("size", size), check.positive_int("strides", strides)
    used = arguments.axes_of(axes, x.ndim)
    weights = np.array([comb(size - 1, k) for k in range(size)]) / 2.0 ** (size - 1)
    for axis, rule in zip(used, arguments.sequence("mode", mode, len(used))):
        # The kernel's first sample meets the image's at (size - 1) // 2, as a padded strided convolution has it.
        x = correlate1d(x, weights, axis, mode=rule, cval=cval, origin=-(1 - size % 2))
        x = x[(slice(None),) * axis + (slice(None, None, strides),)]
    return _output.deliver(_output.store(x, _output.dtype_of(output, x)), output)
