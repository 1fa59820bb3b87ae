"""SciPy's argument conventions: images, axes, one-or-one-per-axis, boundary modes, origins.

Exceptions are of SciPy's classes and carry its phrases; each adds what arrived and the remedy.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.concrete import is_traced

MODES = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "constant": "constant",
    "grid-constant": "constant",
    "nearest": "edge",
    "mirror": "reflect",
    "wrap": "wrap",
    "grid-wrap": "wrap",
}


def image(input: Any, *, real: bool = False) -> jax.Array:
    """`input` as a JAX array of a numeric type, real if so demanded."""
    try:
        if isinstance(input, np.ndarray) and not input.dtype.isnative:
            input = input.astype(input.dtype.newbyteorder("="))
        x = jnp.asarray(input)
    except TypeError as error:
        raise TypeError(f"`input` must be an array of numbers, got {type(input).__name__}; {error}") from None
    if real and jnp.iscomplexobj(x):
        raise TypeError("Complex type not supported: `input` must be real; filter its real and imaginary parts apart")
    return x


def boundary(mode: Any) -> str:
    """jconv's name of SciPy's boundary `mode`."""
    try:
        return MODES[check.choice("mode", mode, MODES)]
    except ValueError as error:
        raise RuntimeError(f"boundary mode not supported: {error}") from None


def one_mode(mode: Any, reason: str = "") -> str:
    """The boundary rule of a filter that takes one mode for all axes."""
    if not isinstance(mode, str) and isinstance(mode, Iterable):
        raise RuntimeError(
            f"A sequence of modes is not supported{reason}, got {mode!r}; pass one of {', '.join(MODES)}"
        )
    return boundary(mode)


def sequence(name: str, value: Any, count: int) -> list:
    """`value` repeated `count` times, or the sequence of that length that it is."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return [value] * count
    if len(value) != count:
        raise RuntimeError(
            f"sequence argument must have length equal to input rank: `{name}` has {len(value)} entries "
            f"for {count} axes; pass one value or {count}"
        )
    return list(value)


def axes_of(axes: Any, ndim: int) -> tuple[int, ...]:
    """Axis indices in 0 … ndim-1, all of them for None."""
    if axes is None:
        return tuple(range(ndim))
    if np.ndim(axes) == 0:
        axes = (axes,)
    indices = tuple(operator.index(a) for a in axes)
    for a in indices:
        if not -ndim <= a < ndim:
            raise ValueError(
                f"specified axis: {a} is out of range for `input` of rank {ndim}; pass {-ndim} … {ndim - 1}"
            )
    indices = tuple(a % ndim for a in indices)
    if len(set(indices)) != len(indices):
        raise ValueError(f"axes must be unique, got {tuple(axes)}; name each axis once")
    return indices


def axis_of(axis: Any, ndim: int) -> int:
    """One axis index in 0 … ndim-1."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def before(origin: Any, size: int) -> int:
    """Samples of a window of `size` to the left of the output sample, `size // 2 + origin`."""
    origin = operator.index(origin)
    left = size // 2 + origin
    if not 0 <= left < size:
        raise ValueError(
            f"invalid origin: `origin` must satisfy -(size // 2) <= origin <= (size - 1) // 2, "
            f"here {-(size // 2)} … {(size - 1) // 2}, got {origin}"
        )
    return left


def window_size(size: Any, phrase: str = "incorrect filter size") -> int:
    """A window length of at least one."""
    size = operator.index(size)
    if size < 1:
        raise RuntimeError(f"{phrase}: `size` must be at least 1, got {size}")
    return size


def on_all_axes(window: Any, name: str, axes: Sequence[int], ndim: int):
    """`window`, whose axes stand for `axes`, with axes of length one for the rest, in the image's order."""
    if window.ndim != len(axes):
        raise RuntimeError(
            f"{name}.ndim ({window.ndim}) must match len(axes) ({len(axes)}): pass `{name}` with one dimension per "
            "filtered axis"
        )
    if len(axes) == ndim:
        return window
    # As in SciPy the window's axes keep their order; it is the image's axes that are sorted.
    return window[tuple(slice(None) if a in axes else None for a in range(ndim))]


def origins_of(origin: Any, axes: Sequence[int], ndim: int) -> list[int]:
    """Origins for all axes of the image, zero where not filtered."""
    given = sequence("origin", origin, len(axes))
    if len(axes) == ndim:
        return [operator.index(o) for o in given]
    origins = [0] * ndim
    for a, o in zip(axes, given):
        origins[a] = operator.index(o)
    return origins


def footprint_of(size: Any, footprint: Any, count: int) -> np.ndarray:
    """The boolean window given by `footprint`, or by `size` for `count` axes."""
    if footprint is None:
        if size is None:
            raise RuntimeError("no footprint or filter size provided: pass `size` or `footprint`")
        return np.ones([window_size(s) for s in sequence("size", size, count)], bool)
    if is_traced(footprint):
        raise TypeError("`footprint` must be known when the program is traced; pass a NumPy array")
    footprint = np.asarray(footprint, bool)
    if not footprint.any():
        raise ValueError(f"All-zero footprint is not supported, got shape {footprint.shape}; mark at least one sample")
    return footprint
