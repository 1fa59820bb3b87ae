"""Order filters: minimum, maximum, median, rank and percentile of the samples in a window."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core.arrays import ArrayLike
from jconv._core.boundary import pad
from jconv._order import rank as order
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output

_COMBINE = {"minimum": jnp.minimum, "maximum": jnp.maximum}


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
    return _extreme1d("minimum", input, size, axis, output, mode, cval, origin)


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
    return _extreme1d("maximum", input, size, axis, output, mode, cval, origin)


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
    return _extreme("minimum", input, size, footprint, output, mode, cval, origin, axes)


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
    return _extreme("maximum", input, size, footprint, output, mode, cval, origin, axes)


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
    return _ranked(input, lambda count: rank, size, footprint, output, mode, cval, origin, axes)


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
    return _ranked(input, lambda count: count // 2, size, footprint, output, mode, cval, origin, axes)


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

    return _ranked(input, rank, size, footprint, output, mode, cval, origin, axes)


@partial(jax.jit, static_argnames=("name", "sizes", "axes", "rules", "lefts", "dtype"))
def _box_extreme(
    x: jax.Array,
    cval: Value,
    *,
    name: str,
    sizes: tuple[int, ...],
    axes: tuple[int, ...],
    rules: tuple[str, ...],
    lefts: tuple[int, ...],
    dtype: np.dtype,
) -> jax.Array:
    for size, axis, rule, left in zip(sizes, axes, rules, lefts, strict=True):
        widths = [(0, 0)] * x.ndim
        widths[axis] = (left, size - 1 - left)
        # The barriers keep XLA from fusing one axis into the next, once for each of its samples.
        padded = lax.optimization_barrier(pad(x, widths, rule, cval))
        x = lax.optimization_barrier(_output.store(order.running(padded, size, axis, _COMBINE[name]), dtype))
    return _output.store(x, dtype)


class _Window:
    """A footprint as a static argument: hashable, compared by value."""

    def __init__(self, mask: np.ndarray) -> None:
        self.mask = mask
        self._key = (mask.shape, mask.tobytes())

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Window) and self._key == other._key


@partial(jax.jit, static_argnames=("window", "rank", "rule", "origin", "dtype"))
def _window_rank(
    x: jax.Array,
    cval: float | jax.Array,
    *,
    window: _Window,
    rank: int,
    rule: str,
    origin: tuple[int, ...],
    dtype: np.dtype,
) -> jax.Array:
    ranked = order.rank_filter(x, window.mask, rank, boundary=rule, cval=cval, origin=origin)
    return _output.store(ranked, dtype)


def _extreme1d(
    name: str, input: ArrayLike, size: int, axis: int, output: Output, mode: str, cval: Value, origin: int
) -> jax.Array:
    x = arguments.image(input, real=True)
    axis = arguments.axis_of(axis, x.ndim)
    size = arguments.window_size(size)
    dtype = _output.dtype_of(output, x)
    plan = {"sizes": (size,), "axes": (axis,), "rules": (arguments.boundary(mode),)}
    if x.size:
        x = _box_extreme(x, cval, name=name, lefts=(arguments.before(origin, size),), dtype=dtype, **plan)
    return _output.deliver(x.astype(dtype), output)


def _extreme(
    name: str,
    input: ArrayLike,
    size: int | Sequence[int] | None,
    footprint: ArrayLike | None,
    output: Output,
    mode: str | Sequence[str],
    cval: Value,
    origin: int | Sequence[int],
    axes: int | Sequence[int] | None,
) -> jax.Array:
    _warn_of_both(size, footprint)
    x = arguments.image(input, real=True)
    dtype = _output.dtype_of(output, x)
    used = arguments.axes_of(axes, x.ndim)
    if footprint is not None:
        footprint = arguments.footprint_of(None, footprint, len(used))
        if not footprint.all():
            rank = 0 if name == "minimum" else -1
            return _ranked(x, lambda count: rank, None, footprint, output, mode, cval, origin, axes)
        size = footprint.shape
    elif size is None:
        raise RuntimeError("no footprint provided: pass `size` or `footprint`")
    count = len(used)
    columns = [arguments.sequence(n, v, count) for n, v in (("size", size), ("origin", origin), ("mode", mode))]
    plan = [(axis, arguments.window_size(s), o, m) for axis, s, o, m in zip(used, *columns) if s > 1]
    if x.size and plan:
        x = _box_extreme(
            x,
            cval,
            name=name,
            sizes=tuple(s for _, s, _, _ in plan),
            axes=tuple(axis for axis, *_ in plan),
            rules=tuple(arguments.boundary(m) for *_, m in plan),
            lefts=tuple(arguments.before(o, s) for _, s, o, _ in plan),
            dtype=dtype,
        )
    return _output.deliver(_output.store(x, dtype), output)


def _ranked(
    input: ArrayLike,
    rank_of: Callable[[int], int],
    size: int | Sequence[int] | None,
    footprint: ArrayLike | None,
    output: Output,
    mode: str | Sequence[str],
    cval: Value,
    origin: int | Sequence[int],
    axes: int | Sequence[int] | None,
) -> jax.Array:
    _warn_of_both(size, footprint)
    x = arguments.image(input, real=True)
    dtype = _output.dtype_of(output, x)
    used = arguments.axes_of(axes, x.ndim)
    mask = arguments.footprint_of(size if footprint is None else None, footprint, len(used))
    mask = arguments.on_all_axes(mask, "footprint", used, x.ndim)
    origins = arguments.origins_of(origin, used, x.ndim)
    for o, s in zip(origins, mask.shape):
        arguments.before(o, s)
    count = int(mask.sum())
    rank = rank_of(count)
    if not -count <= rank < count:
        raise RuntimeError(
            f"rank not within filter footprint size: got {rank} for {count} samples; pass {-count} … {count - 1}"
        )
    rank %= count
    if mask.all() and rank in (0, count - 1):
        name = "minimum" if rank == 0 else "maximum"
        modes = _modes_of_all_axes(mode, used, x.ndim)
        return _extreme(name, x, mask.shape, None, output, modes, cval, origins, None)
    rule = arguments.one_mode(mode, " for non-separable footprints and ranks between the extremes")
    if x.size:
        window = _Window(mask)
        x = _window_rank(x, cval, window=window, rank=rank, rule=rule, origin=tuple(origins), dtype=dtype)
    return _output.deliver(x.astype(dtype), output)


def _modes_of_all_axes(mode: str | Sequence[str], axes: Sequence[int], ndim: int) -> str | list[str]:
    if isinstance(mode, str) or not isinstance(mode, Iterable):
        return mode
    given = dict(zip(axes, arguments.sequence("mode", mode, len(axes))))
    return [given.get(a, "constant") for a in range(ndim)]


def _warn_of_both(size: int | Sequence[int] | None, footprint: ArrayLike | None) -> None:
    if size is not None and footprint is not None:
        warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=4)
