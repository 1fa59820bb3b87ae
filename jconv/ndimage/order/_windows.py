"""What all order filters share: arguments as SciPy takes them, and the two ways of ordering a window.

Minima and maxima of boxes are found axis by axis; every other rank in the window as a whole.
"""

from __future__ import annotations

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


def extreme1d(
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


def extreme(
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
            return ranked(x, lambda count: rank, None, footprint, output, mode, cval, origin, axes)
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


def ranked(
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
        return extreme(name, x, mask.shape, None, output, modes, cval, origins, None)
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
