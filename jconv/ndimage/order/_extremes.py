"""Minima and maxima of the samples in a window."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from jconv._core.arrays import ArrayLike
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output
from jconv.ndimage.order._windows import extreme, extreme1d


def minimum_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    origin: int = 0,
) -> jax.Array:
    r"""Replace each sample by the least of `size` neighbours along one axis.

    .. math:: y_i = \min_{0 \le k < n} x_{i - \lfloor n / 2 \rfloor - o + k}

    with the size n and the origin o.

    Parameters
    ----------
    input : real array of any rank
        The image.
    size : int
        The number of neighbours, at least 1.
    axis : int
        The axis along which they lie. Default: the last.
    output, mode, cval
        As for `jconv.ndimage.correlate`.
    origin : int
        By how many samples the window moves to the left. Default: 0, the window is centred.

    Returns
    -------
    array, in the shape of `input`
        The least values.

    Raises
    ------
    TypeError
        If `input` is complex.
    RuntimeError
        If `size` is below 1, or the mode is unknown.
    ValueError
        If `origin` moves the window off the sample.

    Notes
    -----
    Costs log₂ of `size` comparisons a sample. The gradient goes to the least sample, equally to ties of two.
    `scipy.ndimage.minimum_filter1d`'s API.

    Examples
    --------
    >>> minimum_filter1d([4, 2, 9, 7, 8], 3).tolist()
    [2, 2, 2, 7, 7]
    """
    return extreme1d("minimum", input, size, axis, output, mode, cval, origin)


def maximum_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    origin: int = 0,
) -> jax.Array:
    r"""Replace each sample by the greatest of `size` neighbours along one axis.

    .. math:: y_i = \max_{0 \le k < n} x_{i - \lfloor n / 2 \rfloor - o + k}

    with the size n and the origin o.

    Parameters
    ----------
    input : real array of any rank
        The image.
    size : int
        The number of neighbours, at least 1.
    axis : int
        The axis along which they lie. Default: the last.
    output, mode, cval
        As for `jconv.ndimage.correlate`.
    origin : int
        By how many samples the window moves to the left. Default: 0, the window is centred.

    Returns
    -------
    array, in the shape of `input`
        The greatest values.

    Raises
    ------
    TypeError
        If `input` is complex.
    RuntimeError
        If `size` is below 1, or the mode is unknown.
    ValueError
        If `origin` moves the window off the sample.

    Notes
    -----
    Costs log₂ of `size` comparisons a sample. The gradient goes to the greatest sample, equally to ties of two.
    `scipy.ndimage.maximum_filter1d`'s API.

    Examples
    --------
    >>> maximum_filter1d([4, 2, 9, 7, 8], 3).tolist()
    [4, 9, 9, 9, 8]
    """
    return extreme1d("maximum", input, size, axis, output, mode, cval, origin)


def minimum_filter(
    input: ArrayLike,
    size: int | Sequence[int] | None = None,
    footprint: ArrayLike | None = None,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Replace each sample by the least in a box or under a footprint around it.

    .. math:: y_i = \min_{k \in W} x_{i + k}

    This is the grey erosion by the flat element W.

    Parameters
    ----------
    input : real array of any rank
        The image.
    size : int or sequence of int, optional
        The box's size, one or one per axis. Ignored, with a warning, where there is a footprint.
    footprint : boolean array, optional
        The samples that count, with one dimension per filtered axis.
    output, mode, cval, origin
        As for `jconv.ndimage.correlate`; `mode` and `origin` may be one for each axis, but there is one mode for a
        footprint with holes.
    axes : int or sequence of int, optional
        The image's own axes, where there are batch or colour axes, too. Default: all.

    Returns
    -------
    array, in the shape of `input`
        The least values.

    Raises
    ------
    TypeError
        If `input` is complex.
    RuntimeError
        If there is neither a size nor a footprint, or a sequence has another length than the axes.
    ValueError
        If an origin moves the window off the sample.

    Notes
    -----
    A box costs log₂ of its sizes a sample. The gradient goes to the least sample, equally to ties of two.
    `scipy.ndimage.minimum_filter`'s API.

    Examples
    --------
    >>> minimum_filter([[1, 2], [4, 3]], (1, 3)).tolist()
    [[1, 1], [3, 3]]
    """
    return extreme("minimum", input, size, footprint, output, mode, cval, origin, axes)


def maximum_filter(
    input: ArrayLike,
    size: int | Sequence[int] | None = None,
    footprint: ArrayLike | None = None,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Replace each sample by the greatest in a box or under a footprint around it.

    .. math:: y_i = \max_{k \in W} x_{i + k}

    This is the grey dilation by the flat element W.

    Parameters
    ----------
    input : real array of any rank
        The image.
    size : int or sequence of int, optional
        The box's size, one or one per axis. Ignored, with a warning, where there is a footprint.
    footprint : boolean array, optional
        The samples that count, with one dimension per filtered axis.
    output, mode, cval, origin
        As for `jconv.ndimage.correlate`; `mode` and `origin` may be one for each axis, but there is one mode for a
        footprint with holes.
    axes : int or sequence of int, optional
        The image's own axes, where there are batch or colour axes, too. Default: all.

    Returns
    -------
    array, in the shape of `input`
        The greatest values.

    Raises
    ------
    TypeError
        If `input` is complex.
    RuntimeError
        If there is neither a size nor a footprint, or a sequence has another length than the axes.
    ValueError
        If an origin moves the window off the sample.

    Notes
    -----
    A box costs log₂ of its sizes a sample. The gradient goes to the greatest sample, equally to ties of two.
    `scipy.ndimage.maximum_filter`'s API.

    Examples
    --------
    >>> maximum_filter([[1, 2], [4, 3]], (1, 3)).tolist()
    [[2, 2], [4, 4]]
    """
    return extreme("maximum", input, size, footprint, output, mode, cval, origin, axes)
