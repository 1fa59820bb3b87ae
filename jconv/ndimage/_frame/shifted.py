"""Correlation as a sum of shifted views of an image: one term for each tap, and none for a tap that is zero.

For sums that the engine does not take: in double precision while JAX's 64-bit mode is off, and with few taps of many,
where a product by zero would carry a NaN or an infinity beyond the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

TOGETHER = 32
"""Up to so many terms are one fused sum. More would compile slowly, and go through a loop."""

IN_A_STEP = 8
"""Terms of one step of that loop: each step reads and writes the sum once."""

Offsets = tuple[tuple[int, ...], ...]


def offsets_of(weights: np.ndarray) -> Offsets:
    """Return the positions of the taps that are not zero."""
    return tuple(map(tuple, np.argwhere(weights).tolist()))


def all_offsets(shape: Sequence[int]) -> Offsets:
    """Return the positions of all taps."""
    return tuple(np.ndindex(*shape))


def correlate(x: jax.Array, weights: jax.Array, offsets: Offsets) -> jax.Array:
    """Return the sum of the views of `x` at `offsets`, times the weights there; no padding."""
    shape = tuple(n - size + 1 for n, size in zip(x.shape, weights.shape))
    if not offsets:
        return jnp.zeros(shape, x.dtype)
    if len(offsets) <= TOGETHER:
        view = lambda offset: lax.slice(x, offset, [a + n for a, n in zip(offset, shape)])
        terms = [weights[offset] * view(offset) for offset in offsets]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
    steps = -(-len(offsets) // IN_A_STEP)
    starts = np.array(offsets + (offsets[-1],) * (steps * IN_A_STEP - len(offsets)), np.int32)
    values = weights[tuple(starts.T)] * jnp.asarray(np.arange(len(starts)) < len(offsets), x.dtype)
    starts, values = jnp.asarray(starts).reshape(steps, IN_A_STEP, -1), values.reshape(steps, IN_A_STEP)

    def add(total: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        for start, value in zip(*step):
            total = total + value * lax.dynamic_slice(x, list(start), shape)
        return total, None

    return lax.scan(add, jnp.zeros(shape, x.dtype), (starts, values))[0]
