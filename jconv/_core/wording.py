"""How messages word shapes."""

from __future__ import annotations

from jax.typing import ArrayLike
from numpy import shape


def size_of(array: ArrayLike) -> str:
    """Return the first two axes of an array as a person writes them, such as 480×640."""
    return "×".join(str(n) for n in shape(array)[:2])
