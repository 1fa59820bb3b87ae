"""Argument checks. Every message names the argument, what arrived, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jconv._core.names import did_you_mean


def choice(name: str, value: Any, allowed: Iterable[str], error: type[Exception] = ValueError) -> str:
    """`value` if it is one of `allowed`; else an `error` that lists them and names the nearest."""
    allowed = list(allowed)
    if isinstance(value, str) and value in allowed:
        return value
    known = ", ".join(map(repr, allowed))
    raise error(f"`{name}` must be one of {known}; got {value!r}{did_you_mean(value, allowed)}")


def rank(name: str, array: Any, ranks: int | Sequence[int], remedy: str = "") -> None:
    """Raise a ValueError unless `array` has one of `ranks` dimensions."""
    ranks = (ranks,) if isinstance(ranks, int) else tuple(ranks)
    shape = np.shape(array)
    if len(shape) not in ranks:
        wanted = " or ".join(map(str, ranks))
        raise ValueError(f"`{name}` must have rank {wanted}, got shape {shape}" + (f"; {remedy}" if remedy else ""))


def not_empty(name: str, array: Any) -> None:
    """Raise a ValueError if `array` has no elements."""
    if 0 in np.shape(array):
        raise ValueError(f"`{name}` must not be empty, got shape {np.shape(array)}; pass at least one element per axis")


def positive_int(name: str, value: Any) -> int:
    """`value` as an int of at least 1, else a TypeError or a ValueError."""
    number = integer(name, value)
    if number < 1:
        raise ValueError(f"`{name}` must be at least 1, got {number}; pass a positive integer")
    return number


def integer(name: str, value: Any) -> int:
    """`value` as an int, else a TypeError."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"`{name}` must be an integer, got {value!r}; pass an int, not {type(value).__name__}")
    return int(value.__index__())


def per_axis(name: str, value: Any, count: int) -> tuple[int, ...]:
    """One integer for all axes, or a sequence of `count` integers, as a tuple of `count`."""
    if hasattr(value, "__index__"):
        return (integer(name, value),) * count
    if not isinstance(value, Iterable):
        raise TypeError(f"`{name}` must be one integer or {count} of them, got {value!r}; pass one for each axis")
    values = tuple(integer(f"{name}[{i}]", v) for i, v in enumerate(value))
    if len(values) != count:
        raise ValueError(f"`{name}` must be one integer or {count} of them, got {value!r}; pass one for each axis")
    return values


def axis(name: str, value: Any, ndim: int) -> int:
    """Bring an axis index into 0 … ndim-1; raise a ValueError where it does not fit."""
    number = integer(name, value)
    if not -ndim <= number < ndim:
        raise ValueError(f"`{name}` must lie in [{-ndim}, {ndim - 1}] for an array of rank {ndim}, got {number}")
    return number % ndim
