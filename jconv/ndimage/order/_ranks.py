"""Rank, median and percentile of the samples in a window."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import jax

from jconv._core.arrays import ArrayLike
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output
from jconv.ndimage.order._windows import ranked


def rank_filter(
    input: ArrayLike,
    rank: int,
    size: int | Sequence[int] | None = None,
    footprint: ArrayLike | None = None,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Replace each sample by the one of a given rank in a box or under a footprint.

    .. math:: y_i = \operatorname{sort}\{x_{i + k} : k \in W\}[r]

    Parameters
    ----------
    input : real array of any rank
        The image.
    rank : int
        The rank r: 0 the least, -1 the greatest.
    size, footprint, output, mode, cval, origin, axes
        As for `minimum_filter`; ranks between the extremes take one mode for all axes.

    Returns
    -------
    array, in the shape of `input`
        The samples selected. A window that holds NaN gives NaN.

    Raises
    ------
    TypeError
        If `input` is complex.
    RuntimeError
        If `rank` is not below the number of samples, there is neither size nor footprint, or there are several modes.
    ValueError
        If an origin moves the window off the sample.

    Notes
    -----
    On CPU a native loop, where the extra `native` is installed: a sorting network up to 64 samples, then a window
    that slides over ranks, whose cost is that of the window's height. Elsewhere a network up to 25 samples, then a
    search bit by bit, whose cost is that of the window's samples. The gradient goes to the sample selected; samples
    equal to it share it. `scipy.ndimage.rank_filter`'s API.

    Examples
    --------
    >>> rank_filter([4, 2, 9, 7, 8], 1, 3).tolist()
    [4, 4, 7, 8, 8]
    """
    rank = operator.index(rank)
    return ranked(input, lambda count: rank, size, footprint, output, mode, cval, origin, axes)


def median_filter(
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
    r"""Replace each sample by the median in a box or under a footprint, the upper one of an even number.

    .. math:: y_i = \operatorname{sort}\{x_{i + k} : k \in W\}[\lfloor n / 2 \rfloor]

    Parameters
    ----------
    input : real array of any rank
        The image.
    size, footprint, output, mode, cval, origin, axes
        As for `minimum_filter`; ranks between the extremes take one mode for all axes.

    Returns
    -------
    array, in the shape of `input`
        The samples selected. A window that holds NaN gives NaN.

    Raises
    ------
    TypeError
        If `input` is complex.
    RuntimeError
        If there is neither a size nor a footprint, or there are several modes.
    ValueError
        If an origin moves the window off the sample.

    Notes
    -----
    On CPU a native loop, where the extra `native` is installed: a sorting network up to 64 samples, then a window
    that slides over ranks, whose cost is that of the window's height. Elsewhere a network up to 25 samples, then a
    search bit by bit, whose cost is that of the window's samples. The gradient goes to the sample selected; samples
    equal to it share it. `scipy.ndimage.median_filter`'s API.

    Examples
    --------
    >>> median_filter([1.0, 9.0, 2.0, 3.0], 3).tolist()
    [1.0, 2.0, 3.0, 3.0]
    """
    return ranked(input, lambda count: count // 2, size, footprint, output, mode, cval, origin, axes)


def percentile_filter(
    input: ArrayLike,
    percentile: float,
    size: int | Sequence[int] | None = None,
    footprint: ArrayLike | None = None,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Replace each sample by the one at a percentile in a box or under a footprint.

    .. math:: y_i = \operatorname{sort}\{x_{i + k} : k \in W\}[\lfloor n p / 100 \rfloor]

    Parameters
    ----------
    input : real array of any rank
        The image.
    percentile : float
        The percentile p: 0 … 100, or -100 … 0 from the top.
    size, footprint, output, mode, cval, origin, axes
        As for `minimum_filter`; ranks between the extremes take one mode for all axes.

    Returns
    -------
    array, in the shape of `input`
        The samples selected. A window that holds NaN gives NaN.

    Raises
    ------
    TypeError
        If `input` is complex.
    RuntimeError
        If `percentile` is out of range, there is neither size nor footprint, or there are several modes.
    ValueError
        If an origin moves the window off the sample.

    Notes
    -----
    On CPU a native loop, where the extra `native` is installed: a sorting network up to 64 samples, then a window
    that slides over ranks, whose cost is that of the window's height. Elsewhere a network up to 25 samples, then a
    search bit by bit, whose cost is that of the window's samples. The gradient goes to the sample selected; samples
    equal to it share it. `scipy.ndimage.percentile_filter`'s API.

    Examples
    --------
    >>> percentile_filter([4, 2, 9, 7, 8], 50, 3).tolist()
    [4, 4, 7, 8, 8]
    """

    def rank(count: int) -> int:
        share = percentile + 100.0 if percentile < 0 else percentile
        if not 0 <= share <= 100:
            raise RuntimeError(f"invalid percentile: `percentile` must lie in -100 … 100, got {percentile}")
        return count - 1 if share == 100 else int(float(count) * share / 100.0)

    return ranked(input, rank, size, footprint, output, mode, cval, origin, axes)
