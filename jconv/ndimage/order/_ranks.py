"""Order filters: minimum, maximum, median, rank and percentile of the samples in a window."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core.boundary import pad
from jconv._order import rank as order
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output

_COMBINE = {"minimum": jnp.minimum, "maximum": jnp.maximum}


def minimum_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """The least of `size` neighbours along one axis. Speaks `scipy.ndimage.minimum_filter1d`.

    >>> minimum_filter1d([4, 2, 9, 7, 8], 3).tolist()
    [2, 2, 2, 7, 7]
    """
    return _extreme1d("minimum", input, size, axis, output, mode, cval, origin)


def maximum_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """The greatest of `size` neighbours along one axis. Speaks `scipy.ndimage.maximum_filter1d`."""
    return _extreme1d("maximum", input, size, axis, output, mode, cval, origin)


def minimum_filter(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The least of the samples in a box or under a footprint (grey erosion by a flat element).

    Parameters
    ----------
    input: real image of any rank.
    size: box size, one or one per axis; ignored, with a warning, where there is a footprint.
    footprint: boolean array with one dimension per filtered axis.
    output, mode, cval, origin, axes: see `jconv.ndimage.correlate`; for boxes `mode` may be one per axis.

    Notes
    -----
    A box costs log₂ of its sizes per sample. The gradient goes to the least sample, equally to ties of two.
    Speaks `scipy.ndimage.minimum_filter`.
    """
    return _extreme("minimum", input, size, footprint, output, mode, cval, origin, axes)


def maximum_filter(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The greatest of the samples in a box or under a footprint; see `minimum_filter`.

    Speaks `scipy.ndimage.maximum_filter`.
    """
    return _extreme("maximum", input, size, footprint, output, mode, cval, origin, axes)


def rank_filter(input, rank, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The sample of the given `rank` (0 the least, -1 the greatest) in a box or under a footprint.

    Parameters but `rank` are those of `minimum_filter`.

    Notes
    -----
    A pruned sorting network on shifted views: cost k log² k per sample for k samples in the window. The gradient
    goes to the sample selected; samples equal to it share it. Speaks `scipy.ndimage.rank_filter`.
    """
    rank = operator.index(rank)
    return _ranked(input, lambda count: rank, size, footprint, output, mode, cval, origin, axes)


def median_filter(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    """The median (the upper one for an even number) of a box or footprint; see `rank_filter`.

    Speaks `scipy.ndimage.median_filter`.

    >>> median_filter([1.0, 9.0, 2.0, 3.0], 3).tolist()
    [1.0, 2.0, 3.0, 3.0]
    """
    return _ranked(input, lambda count: count // 2, size, footprint, output, mode, cval, origin, axes)


def percentile_filter(
    input, percentile, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None
):
    """The sample at `percentile` (0 … 100, or -100 … 0 from the top) of a box or footprint; see `rank_filter`.

    Speaks `scipy.ndimage.percentile_filter`.
    """

    def rank(count):
        share = percentile + 100.0 if percentile < 0 else percentile
        if not 0 <= share <= 100:
            raise RuntimeError(f"invalid percentile: `percentile` must lie in -100 … 100, got {percentile}")
        return count - 1 if share == 100 else int(float(count) * share / 100.0)

    return _ranked(input, rank, size, footprint, output, mode, cval, origin, axes)


@partial(jax.jit, static_argnames=("name", "sizes", "axes", "rules", "lefts", "dtype"))
def _box_extreme(x, cval, *, name, sizes, axes, rules, lefts, dtype):
    for size, axis, rule, left in zip(sizes, axes, rules, lefts, strict=True):
        widths = [(0, 0)] * x.ndim
        widths[axis] = (left, size - 1 - left)
        # The barriers keep XLA from fusing one axis into the next, once for each of its samples.
        padded = lax.optimization_barrier(pad(x, widths, rule, cval))
        x = lax.optimization_barrier(_output.store(order.running(padded, size, axis, _COMBINE[name]), dtype))
    return _output.store(x, dtype)


class _Window:
    """A footprint as a static argument: hashable, compared by value."""

    def __init__(self, mask):
        self.mask = mask
        self._key = (mask.shape, mask.tobytes())

    def __hash__(self):
        return hash(self._key)

    def __eq__(self, other):
        return isinstance(other, _Window) and self._key == other._key


@partial(jax.jit, static_argnames=("window", "rank", "rule", "origin", "dtype"))
def _window_rank(x, cval, *, window, rank, rule, origin, dtype):
    ranked = order.rank_filter(x, window.mask, rank, boundary=rule, cval=cval, origin=origin)
    return _output.store(ranked, dtype)


def _extreme1d(name, input, size, axis, output, mode, cval, origin):
    x = arguments.image(input, real=True)
    axis = arguments.axis_of(axis, x.ndim)
    size = arguments.window_size(size)
    dtype = _output.dtype_of(output, x)
    plan = {"sizes": (size,), "axes": (axis,), "rules": (arguments.boundary(mode),)}
    if x.size:
        x = _box_extreme(x, cval, name=name, lefts=(arguments.before(origin, size),), dtype=dtype, **plan)
    return _output.deliver(x.astype(dtype), output)


def _extreme(name, input, size, footprint, output, mode, cval, origin, axes):
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


def _ranked(input, rank_of, size, footprint, output, mode, cval, origin, axes):
    _warn_of_both(size, footprint)
    x = arguments.image(input, real=True)
    dtype = _output.dtype_of(output, x)
    used = arguments.axes_of(axes, x.ndim)
    footprint = arguments.footprint_of(size if footprint is None else None, footprint, len(used))
    footprint = arguments.on_all_axes(footprint, "footprint", used, x.ndim)
    origins = arguments.origins_of(origin, used, x.ndim)
    for o, s in zip(origins, footprint.shape):
        arguments.before(o, s)
    count = int(footprint.sum())
    rank = rank_of(count)
    if not -count <= rank < count:
        raise RuntimeError(
            f"rank not within filter footprint size: got {rank} for {count} samples; pass {-count} … {count - 1}"
        )
    rank %= count
    if footprint.all() and rank in (0, count - 1):
        name = "minimum" if rank == 0 else "maximum"
        modes = _modes_of_all_axes(mode, used, x.ndim)
        return _extreme(name, x, footprint.shape, None, output, modes, cval, origins, None)
    rule = arguments.one_mode(mode, " for non-separable footprints and ranks between the extremes")
    if x.size:
        window = _Window(footprint)
        x = _window_rank(x, cval, window=window, rank=rank, rule=rule, origin=tuple(origins), dtype=dtype)
    return _output.deliver(x.astype(dtype), output)


def _modes_of_all_axes(mode, axes, ndim):
    if isinstance(mode, str) or not isinstance(mode, Iterable):
        return mode
    given = dict(zip(axes, arguments.sequence("mode", mode, len(axes))))
    return [given.get(a, "constant") for a in range(ndim)]


def _warn_of_both(size, footprint):
    if size is not None and footprint is not None:
        warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=4)
