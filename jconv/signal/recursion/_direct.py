"""One long section: its zeros as a sum, then its poles as sections of order 2, as delays, or sample by sample.

    v[n] = Σ_k b_k x[n-k] + z_n,    y[n] = v[n] - Σ_k a_k y[n-k]

State z_i of the transposed direct form II comes out i samples later, so it is a sample of v; and a state behind the
last sample is what the sums would give there if zeros followed. Blocks of the direct form itself would lose all digits:
the powers of its matrix grow like a polynomial of its order before they decay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv.signal.recursion._blocks import apply, first_spoilt, respond
from jconv.signal.recursion._plan import Pair, Plan
from jconv.signal.recursion._state_space import state_space

Recursion = Callable[[jax.Array], jax.Array]
"""A signal through all poles."""

# Samples in a row of the products by which a sum of many taps is formed.
_ROW = 256


def run(x: jax.Array, z: jax.Array, c: jax.Array, h: jax.Array, *, plan: Plan, adjoint: bool, dtype: np.dtype) -> Pair:
    """Compute outputs and last states of one section `c` (1, 2, p + 1) on signals (…, n) from states (…, p)."""
    if x.shape[-1] == 0:
        return x, z.astype(dtype)
    b, a = c[0]
    if adjoint:
        x = lax.rev(x, (x.ndim - 1,))
    wide, states = x.astype(dtype), z.astype(dtype)
    if plan.form == "loop":
        y, last = (_adjoint_loop if adjoint else _loop)(b, a, wide, states)
    else:
        n = x.shape[-1]
        first = first_spoilt(x, z)
        spoilt = jnp.arange(n) >= first
        wide, states = jnp.where(spoilt, 0, wide), jnp.where(jnp.isfinite(states), states, 0)
        recur = partial(_by_sections, h, plan) if plan.form == "poles" else partial(_by_delays, a, plan)
        y, last = (_adjoint if adjoint else _forward)(b, a, wide, states, recur, plan)
        y, last = jnp.where(spoilt, jnp.nan, y), jnp.where(first < n, jnp.nan, last)
    y = lax.rev(y, (y.ndim - 1,)) if adjoint else y
    return y.astype(x.dtype), last


def _forward(b: jax.Array, a: jax.Array, x: jax.Array, z: jax.Array, recur: Recursion, plan: Plan) -> Pair:
    order, n = b.size - 1, x.shape[-1]
    y = recur(_with_start(_sum_of_taps(b, _pad(x, order, 0), plan.zeros), z))
    # Both sums at the `order` places behind the last sample.
    last = _sum_of_taps(b, _pad(_pad(x, order, 0)[..., n:], 0, order), plan.zeros)
    last = last - _sum_of_taps(a.at[0].set(0), _pad(_pad(y, order, 0)[..., n:], 0, order), plan.poles)
    return y, last + _pad(z[..., n:], 0, min(n, order))


def _adjoint(b: jax.Array, a: jax.Array, x: jax.Array, z: jax.Array, recur: Recursion, plan: Plan) -> Pair:
    """In reversed time: the outputs before the first one are the states, the newest first."""
    order, n = b.size - 1, x.shape[-1]
    before = lax.rev(z, (z.ndim - 1,))
    known = _sum_of_taps(a.at[0].set(0), _pad(before, 0, order), plan.poles)
    y = jnp.concatenate([before, recur(_with_start(x, -known))], axis=-1)
    return _sum_of_taps(b, y, plan.zeros), lax.rev(y[..., n:], (y.ndim - 1,))


def _pad(x: jax.Array, before: int, after: int) -> jax.Array:
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(before, after)])


def _with_start(v: jax.Array, start: jax.Array) -> jax.Array:
    count = min(v.shape[-1], start.shape[-1])
    return v.at[..., :count].add(start[..., :count])


def _sum_of_taps(h: jax.Array, x: jax.Array, places: tuple[int, ...] | None) -> jax.Array:
    """Σ_k h[k] x[n-k] wherever all of x is there; h is zero but at `places`."""
    order = h.size - 1
    n = x.shape[-1] - order
    if places is None and h.size <= 32:
        places = tuple(range(h.size))
    if places is not None:
        return sum((h[k] * x[..., order - k : order - k + n] for k in places), jnp.zeros((*x.shape[:-1], n), x.dtype))
    # Rows of the signal, each times one Toeplitz matrix for every row of taps that it meets.
    size, pieces = _ROW, -(-order // _ROW) + 1
    rows = -(-n // size)
    x = _pad(x, pieces * size - size - order, rows * size - n).reshape(*x.shape[:-1], rows + pieces - 1, size)
    lag = np.arange(size) - np.arange(size)[:, None]  # [i, j]: from input i to output j of the same row
    taps = jnp.pad(h, (size, 2 * size))

    def add(total: jax.Array, piece: jax.Array) -> tuple[jax.Array, None]:
        matrix = taps[jnp.clip(lag + size * piece + size, 0, taps.size - 1)]
        part = lax.dynamic_slice_in_dim(x, pieces - 1 - piece, rows, axis=-2)
        return total + jnp.matmul(part, matrix, precision="highest"), None

    total, _ = lax.scan(add, jnp.zeros((*x.shape[:-2], rows, size), x.dtype), jnp.arange(pieces))
    return total.reshape(*x.shape[:-2], rows * size)[..., :n]


def _by_sections(h: jax.Array, plan: Plan, v: jax.Array) -> jax.Array:
    """Send v through all poles, as sections `h` (S, 2, 3)."""
    system, _ = state_space(h)
    start = jnp.zeros((*v.shape[:-1], system.B.size), v.dtype)
    return apply(respond(system, min(plan.size, v.shape[-1])), v, start, plan.powers)[0]


def _by_delays(a: jax.Array, plan: Plan, v: jax.Array) -> jax.Array:
    """Send v through poles whose shortest delay is d samples: d at a time, which do not see each other."""
    assert plan.poles is not None  # a plan by delays knows them
    delays = plan.poles[1:]
    size, longest, n = delays[0], delays[-1], v.shape[-1]
    steps = -(-n // size)
    pieces = jnp.moveaxis(_pad(v, 0, steps * size - n).reshape(*v.shape[:-1], steps, size), -2, 0)

    def step(past: jax.Array, piece: jax.Array) -> tuple[jax.Array, jax.Array]:
        """`past` holds the last outputs, the newest at the end."""
        for d in delays:
            piece = piece - a[d] * past[..., longest - d : longest - d + size]
        return jnp.concatenate([past[..., size:], piece], axis=-1), piece

    _, y = lax.scan(step, jnp.zeros((*v.shape[:-1], longest), v.dtype), pieces)
    return jnp.moveaxis(y, 0, -2).reshape(*v.shape[:-1], steps * size)[..., :n]


def _loop(b: jax.Array, a: jax.Array, x: jax.Array, z: jax.Array) -> Pair:
    """Run the transposed direct form II, sample by sample."""

    def step(z: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = x[..., None]
        y = z[..., :1] + b[0] * x
        return _pad(z[..., 1:], 0, 1) + (b[1:] * x - a[1:] * y), y[..., 0]

    z, y = lax.scan(step, z, jnp.moveaxis(x, -1, 0), unroll=8)
    return jnp.moveaxis(y, 0, -1), z


def _adjoint_loop(b: jax.Array, a: jax.Array, x: jax.Array, z: jax.Array) -> Pair:
    """Its adjoint, the direct form II."""

    def step(w: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        newest = x[..., None] - jnp.sum(a[1:] * w, axis=-1, keepdims=True)
        y = b[0] * newest[..., 0] + jnp.sum(b[1:] * w, axis=-1)
        return jnp.concatenate([newest, w[..., :-1]], axis=-1), y

    z, y = lax.scan(step, z, jnp.moveaxis(x, -1, 0), unroll=8)
    return jnp.moveaxis(y, 0, -1), z
