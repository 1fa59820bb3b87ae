"""The types that the functions of this subpackage share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
from jax.typing import ArrayLike

ScalarFunction = Callable[..., ArrayLike]
"""A function of a scalar (and of further arguments) that returns a scalar or an array of channels."""

Real = float | jax.Array
"""A real number, or an array of them, which may be traced."""

Points = Sequence[Real] | jax.Array
"""Real numbers, each of which may be traced: the ends of an interval, or breakpoints."""
