"""Continuations of a signal along its last axis, beyond the boundary rules: those of multirate filters.

Each continued sample is  s x[j] + α x[0] + β x[n - 1]  with static s, j, α and β.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jconv.signal._dtypes import ArrayLike, as_array

MODES = ("constant", "wrap", "edge", "smooth", "symmetric", "reflect", "antisymmetric", "antireflect", "line")


def extend(x: jax.Array, before: int, after: int, mode: str, cval: ArrayLike = 0) -> jax.Array:
    """`x` with `before` and `after` more samples along the last axis.

    `smooth` continues the slope of the two outer samples, `line` that from the first to the last sample;
    `antisymmetric` and `antireflect` are odd about a point half a sample outside, and about the outer sample.
    """
    if before == after == 0:
        return x
    if mode == "constant":
        widths = [(0, 0)] * (x.ndim - 1) + [(before, after)]
        return jnp.pad(x, widths, constant_values=as_array("cval", cval).astype(x.dtype))
    n = x.shape[-1]
    index, sign, first, last = _coefficients(n, np.arange(-before, n + after), mode)
    out = jnp.take(x, index, axis=-1)
    if np.any(sign != 1):
        out = out * jnp.asarray(sign, x.dtype)
    if mode == "smooth":
        # first and last count steps of the outer slopes here
        start, stop = x[..., :1], x[..., -1:]
        low = start - x[..., min(1, n - 1) : min(1, n - 1) + 1]
        high = stop - x[..., max(n - 2, 0) : max(n - 2, 0) + 1]
        return out + low * jnp.asarray(first, x.dtype) + high * jnp.asarray(last, x.dtype)
    if np.any(first) or np.any(last):
        out = out + x[..., :1] * jnp.asarray(first, x.dtype) + x[..., -1:] * jnp.asarray(last, x.dtype)
    return out


def _coefficients(n: int, i: np.ndarray, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(j, s, α, β) for the positions `i`."""
    one, none = np.ones(i.shape), np.zeros(i.shape)
    clipped = np.clip(i, 0, n - 1)
    below, above = np.maximum(-i, 0), np.maximum(i - (n - 1), 0)
    if mode == "wrap":
        return i % n, one, none, none
    if mode == "edge" or (n == 1 and mode in ("reflect", "antireflect", "line")):
        return clipped, one, none, none
    if mode == "smooth":
        return clipped, one, below, above
    if mode in ("symmetric", "antisymmetric"):
        turn = i % (2 * n)
        index = np.where(turn < n, turn, 2 * n - 1 - turn)
        odd = (turn >= n) & (mode == "antisymmetric")
        return index, np.where(odd, -1.0, 1.0), none, none
    if mode == "line":
        slope = (above - below) / (n - 1)
        return clipped, one, -slope, slope
    turns, turn = np.divmod(i, 2 * (n - 1))
    folded = turn > n - 1
    index = np.where(folded, 2 * (n - 1) - turn, turn)
    if mode == "reflect":
        return index, one, none, none
    # Odd about both ends: f(2(n-1) - i) = 2 x[n-1] - f(i), and each period adds 2 (x[n-1] - x[0]).
    return index, np.where(folded, -1.0, 1.0), -2.0 * turns, 2.0 * turns + 2.0 * folded
