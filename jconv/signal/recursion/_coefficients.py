"""Coefficients as they come: known ones stay NumPy's, with all their bits, until they become operands."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.concrete import is_traced
from jconv.signal._dtypes import ArrayLike, as_array, as_numpy, real_type, result_type

Coefficients = np.ndarray | jax.Array
"""A NumPy array where the numbers are known, else a traced array."""


def coefficients(name: str, value: ArrayLike) -> Coefficients:
    """`value` as an array of one axis or more, of NumPy's if it is known."""
    array = as_array(name, value) if _is_traced_within(value) else as_numpy(name, value)
    return np.atleast_1d(array) if isinstance(array, np.ndarray) else jnp.atleast_1d(array)


def _is_traced_within(value: ArrayLike) -> bool:
    return is_traced(value) or (isinstance(value, (list, tuple)) and any(map(_is_traced_within, value)))


def widen(c: Coefficients) -> Coefficients:
    """Known numbers in double precision."""
    if not isinstance(c, np.ndarray):
        return c
    return c.astype(np.complex128 if np.iscomplexobj(c) else np.float64)


def in_parts(c: Coefficients, dtype: np.dtype) -> jax.Array:
    """Coefficients as a sum of parts (Q, …) that keeps all bits of known ones; `dtype` is that of traced ones."""
    if not isinstance(c, np.ndarray):
        return c.astype(result_type(real_type(dtype), np.complex64) if jnp.iscomplexobj(c) else real_type(dtype))[None]
    if jax.dtypes.canonicalize_dtype(np.float64) == np.float64:
        return jnp.asarray(c)[None]
    narrow = np.complex64 if np.iscomplexobj(c) else np.float32
    parts = []
    for _ in range(3):
        parts.append(c.astype(narrow))
        c = c - parts[-1]
    return jnp.asarray(np.stack(parts))


def steady_states(c: Coefficients) -> Coefficients:
    """Return the states of a cascade `c` (S, 2, p + 1) in which a constant input of 1 gives a constant output: (S·p,).

    z_i = Σ_{k > i} b_k - g a_k with the gain g = Σ b / Σ a, for an input that the sections before have made.
    """
    xp = np if isinstance(c, np.ndarray) else jnp
    sums = total(c)
    gain = sums[:, 0] / sums[:, 1]
    waiting = (c[:, 0] - gain[:, None] * c[:, 1])[:, :0:-1]
    states = xp.cumsum(waiting, axis=1)[:, ::-1]
    before = xp.concatenate([xp.ones_like(gain[:1]), xp.cumprod(gain)[:-1]])
    return (states * before[:, None]).reshape(-1)


def total(c: Coefficients) -> Coefficients:
    """Return the sum along the last axis, rounded once."""
    if isinstance(c, np.ndarray):
        if np.iscomplexobj(c):
            return total(np.real(c)) + 1j * total(np.imag(c))
        return np.apply_along_axis(math.fsum, -1, c)
    if jnp.iscomplexobj(c):
        return total(jnp.real(c)) + 1j * total(jnp.imag(c))
    sum_, rest = c[..., 0], jnp.zeros_like(c[..., 0])
    for k in range(1, c.shape[-1]):
        after = sum_ + c[..., k]
        moved = after - sum_
        rest = rest + ((sum_ - (after - moved)) + (c[..., k] - moved))
        sum_ = after
    return sum_ + rest
