"""SciPy's argument conventions: images, axes, one-or-one-per-axis, boundary modes, origins.

Exceptions are of SciPy's classes and carry its phrases; each adds what arrived and the remedy.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.arrays import ArrayLike, as_array, as_numpy
from jconv._core.concrete import is_traced

T = TypeVar("T")
Number = float | jax.Array
"""A real parameter, traced or not."""

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
"""jconv's boundary rule for each of SciPy's modes."""


def image(input: ArrayLike, name: str = "input", *, real: bool = False) -> jax.Array:
    """`input` as a JAX array of a numeric type, real if so demanded."""
    try:
        x = as_array(name, input)
    except TypeError as error:
        if isinstance(input, np.ma.MaskedArray):
            raise
        raise TypeError(f"`{name}` must be an array of numbers, got {type(input).__name__}; {error}") from None
    if real and jnp.iscomplexobj(x):
        raise TypeError(f"Complex type not supported: `{name}` must be real; filter its real and imaginary parts apart")
    return x


def plane(input: ArrayLike) -> jax.Array:
    """`input` as a real array of rank two."""
    x = image(input, real=True)
    check.rank("input", x, 2, "filter each plane of a stack under jax.vmap")
    return x


def same_shape(name: str, other: ArrayLike, x: jax.Array) -> jax.Array:
    """Check a second real image, of the shape of `x`."""
    y = image(other, name, real=True)
    if x.shape != y.shape:
        raise ValueError(f"`{name}` must have the shape of `input`, got {y.shape} and {x.shape}; crop or resize one")
    return y


def boundary(mode: str) -> str:
    """Return jconv's name of SciPy's boundary `mode`."""
    try:
        return MODES[check.choice("mode", mode, MODES)]
    except ValueError as error:
        raise RuntimeError(f"boundary mode not supported: {error}") from None


def one_mode(mode: str | Sequence[str], reason: str = "") -> str:
    """Return the boundary rule of a filter that takes one mode for all axes."""
    if isinstance(mode, str) or not isinstance(mode, Iterable):
        return boundary(mode)
    raise RuntimeError(f"A sequence of modes is not supported{reason}, got {mode!r}; pass one of {', '.join(MODES)}")


def sequence(name: str, value: T | Sequence[T], count: int) -> list[T]:
    """`value` repeated `count` times, or the sequence of that length that it is."""
    if isinstance(value, str) or not (isinstance(value, Sequence) or np.ndim(value)):  # type: ignore[arg-type]
        return [value] * count  # type: ignore[list-item]
    if len(value) != count:  # type: ignore[arg-type]
        raise RuntimeError(
            f"sequence argument must have length equal to input rank: `{name}` has {len(value)} entries "  # type: ignore[arg-type]
            f"for {count} axes; pass one value or {count}"
        )
    return list(value)  # type: ignore[arg-type]


def axes_of(axes: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Axis indices in 0 … ndim-1, all of them for None."""
    if axes is None:
        return tuple(range(ndim))
    given = axes if isinstance(axes, Iterable) else (axes,)
    indices = tuple(operator.index(a) for a in given)
    for a in indices:
        if not -ndim <= a < ndim:
            raise ValueError(
                f"specified axis: {a} is out of range for `input` of rank {ndim}; pass {-ndim} … {ndim - 1}"
            )
    positions = tuple(a % ndim for a in indices)
    if len(set(positions)) != len(positions):
        raise ValueError(f"axes must be unique, got {indices}; name each axis once")
    return positions


def axis_of(axis: SupportsIndex, ndim: int) -> int:
    """One axis index in 0 … ndim-1."""
    index = operator.index(axis)
    if not -ndim <= index < ndim:
        raise np.exceptions.AxisError(index, ndim)
    return index % ndim


def before(origin: SupportsIndex, size: int) -> int:
    """Return samples of a window of `size` to the left of the output sample, `size // 2 + origin`."""
    shift = operator.index(origin)
    left = size // 2 + shift
    if not 0 <= left < size:
        raise ValueError(
            f"invalid origin: `origin` must satisfy -(size // 2) <= origin <= (size - 1) // 2, "
            f"here {-(size // 2)} … {(size - 1) // 2}, got {shift}"
        )
    return left


def window_size(size: SupportsIndex, phrase: str = "incorrect filter size") -> int:
    """Return a window length of at least one."""
    length = operator.index(size)
    if length < 1:
        raise RuntimeError(f"{phrase}: `size` must be at least 1, got {length}; pass a number of samples")
    return length


def on_all_axes(window: Any, name: str, axes: Sequence[int], ndim: int) -> Any:
    """`window`, whose axes stand for `axes`, with axes of length one for the rest, in the image's order.

    `window` is an array of NumPy or of JAX, and the result is of the same kind.
    """
    if window.ndim != len(axes):
        raise RuntimeError(
            f"{name}.ndim ({window.ndim}) must match len(axes) ({len(axes)}): pass `{name}` with one dimension per "
            "filtered axis"
        )
    if len(axes) == ndim:
        return window
    # As in SciPy the window's axes keep their order; it is the image's axes that are sorted.
    return window[tuple(slice(None) if a in axes else None for a in range(ndim))]


def origins_of(origin: SupportsIndex | Sequence[int], axes: Sequence[int], ndim: int) -> list[int]:
    """Origins for all axes of the image, zero where not filtered."""
    given = sequence("origin", origin, len(axes))
    if len(axes) == ndim:
        return [operator.index(o) for o in given]
    origins = [0] * ndim
    for a, o in zip(axes, given):
        origins[a] = operator.index(o)
    return origins


def footprint_of(size: int | Sequence[int] | None, footprint: ArrayLike | None, count: int) -> np.ndarray:
    """Return the boolean window given by `footprint`, or by `size` for `count` axes."""
    if footprint is None:
        if size is None:
            raise RuntimeError("no footprint or filter size provided: pass `size` or `footprint`")
        return np.ones([window_size(s) for s in sequence("size", size, count)], bool)
    if is_traced(footprint):
        raise TypeError("`footprint` must be known when the program is traced; pass a NumPy array")
    mask = as_numpy("footprint", footprint).astype(bool)
    if not mask.any():
        raise ValueError(f"All-zero footprint is not supported, got shape {mask.shape}; mark at least one sample")
    return mask


def known_int(name: str, value: SupportsIndex, least: int) -> int:
    """Check an integer of at least `least`."""
    if not hasattr(value, "__index__") or operator.index(value) < least:
        kind = "a nonnegative integer" if least == 0 else f"an integer >= {least}"
        raise ValueError(f"`{name}` must be {kind}, got {value!r}; pass a number of samples")
    return operator.index(value)


def known_radius(value: SupportsIndex) -> int:
    """Return the radius of a kernel; the error carries SciPy's phrase."""
    if not hasattr(value, "__index__") or operator.index(value) < 0:
        raise ValueError(f"Radius must be a nonnegative integer, got {value!r}; pass a number of samples")
    return operator.index(value)


def positive(name: str, value: Number, unit: str) -> Number:
    """Check a real parameter that must exceed zero, as far as it is known."""
    if not is_traced(value) and not 0 < float(value) < float("inf"):
        raise ValueError(f"`{name}` must be positive, got {value}; pass {unit}")
    return value


def not_negative(name: str, value: Number, unit: str) -> Number:
    """Check a real parameter of at least zero, as far as it is known."""
    if not is_traced(value) and not 0 <= float(value) < float("inf"):
        raise ValueError(f"`{name}` must not be negative, got {value}; pass {unit}")
    return value


def in_order(low_name: str, low: Number, high_name: str, high: Number) -> None:
    """Raise unless two numbers, as far as they are known, do not decrease; NaN does not pass."""
    if not is_traced(low) and not is_traced(high) and not float(low) <= float(high):
        raise ValueError(f"`{low_name}` must not exceed `{high_name}`, got {low} and {high}; exchange them")


def radius_of_traced(name: str, radius: int | None, sigma: object) -> None:
    """Raise where the radius of a kernel would have to follow from a traced `sigma`."""
    if radius is None and is_traced(sigma if not isinstance(sigma, Sequence) else tuple(sigma)):
        raise TypeError(f"`{name}` must be given where the width is traced; pass the largest radius you need")
    if radius is not None:
        known_int(name, radius, 0)


def sets_size(name: str, value: object, instead: str) -> None:
    """Raise where a traced value would have to decide a shape."""
    if is_traced(value):
        raise TypeError(
            f"`{name}` sets the size of an array, which must be known when the program is traced; {instead}"
        )
