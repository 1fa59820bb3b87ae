"""Which values are known while a program is traced."""

from __future__ import annotations

from typing import Any, TypeGuard

import jax
import numpy as np
from jax.core import Tracer


def is_traced(value: Any) -> TypeGuard[jax.Array]:
    """Whether `value` is known only when the traced program runs."""
    return isinstance(value, Tracer) or (isinstance(value, (tuple, list)) and any(map(is_traced, value)))


def host(value: Any) -> np.ndarray | None:
    """`value` as a NumPy array where it is known now, else None."""
    return None if is_traced(value) else np.asarray(value)
