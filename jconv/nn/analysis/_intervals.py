"""Parts of arrays: a box is one closed interval for each axis, and may reach over the edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Interval = tuple[int, int]
Box = tuple[Interval, ...]
Shapes = Sequence[tuple[int, ...]]
Params = Mapping[str, Any]


def full(shape: Sequence[int]) -> Box:
    """Return the box of a whole array."""
    return tuple((0, n - 1) for n in shape)


def hull(first: Box, second: Box) -> Box:
    """Return the smallest box around both."""
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(first, second, strict=True))
