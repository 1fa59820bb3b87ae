"""A recursion in blocks, as matrix products in place of a loop over samples.

    s[n+1] = s[n] + E s[n] + B x[n],   y[n] = C s[n] + D x[n]

Over a block of L samples the output from a state of zero is T x with the lower triangular Toeplitz matrix T of the
impulse response, the state at its end is M s + R x with M = (1 + E)^L and R = [.. (1 + E) B, B], and the state at its
start adds O s with O = [C; C (1 + E); ..]. So what each block adds to its state is one product, the states at the
starts follow from a recursion with M, in groups of blocks as one product again, and by doubling from group to group;
and all outputs are one product [x s] [T O]ᵀ.

E and M - 1 stand in place of the matrices of the state, because poles near 1, which every low cut-off has, lose the
digits of their distance from 1 otherwise.

Source: Burrus, "Block realization of digital filters", IEEE Trans. Audio Electroacoust. 20 (1972).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv.signal.recursion._plan import Pair, Plan
from jconv.signal.recursion._state_space import StateSpace, adjoint_of, state_space

# Blocks in a group.
_GROUP = 16
# Samples that are worked on at a time, which bounds the memory for long signals.
_CHUNK = 1 << 18


class Responses(NamedTuple):
    """What a block of L samples does: a row for each of L + 1 times.

    reach[k] = (1 + E)^k B (L + 1, P), change[k] = (1 + E)^k - 1 (L + 1, P, P), and `outputs` (L + P, L), which takes a
    block's samples and the state at its start to its outputs.
    """

    reach: jax.Array
    change: jax.Array
    outputs: jax.Array


def run(x: jax.Array, z: jax.Array, c: jax.Array, h: jax.Array, *, plan: Plan, adjoint: bool, dtype: np.dtype) -> Pair:
    """Compute outputs and last states of one cascade `c` (S, 2, p + 1) on signals (…, n) from states (…, S·p)."""
    del h
    n = x.shape[-1]
    if n == 0:
        return x, z.astype(dtype)
    system, basis = state_space(c)
    if adjoint:
        x, system = lax.rev(x, (x.ndim - 1,)), adjoint_of(system)
    first = first_spoilt(x, z)
    s = jnp.where(jnp.isfinite(z), z, 0).astype(dtype)
    s = basis.adjoint_enter(s) if adjoint else basis.enter(s)
    size = min(plan.size, n)
    responses = respond(system, size)

    def piece(s: jax.Array, x: jax.Array, start: jax.Array | int) -> tuple[jax.Array, jax.Array]:
        """Take the next samples `x`, which begin at `start`; return the state behind them, and their outputs."""
        spoilt = start + jnp.arange(x.shape[-1]) >= first
        y, s = apply(responses, jnp.where(spoilt, 0, x).astype(dtype), s, plan.powers)
        return s, jnp.where(spoilt, jnp.nan, y).astype(x.dtype)

    s, y = _in_chunks(piece, s, x, size * _GROUP)
    z = basis.adjoint_leave(s) if adjoint else basis.leave(s)
    return (lax.rev(y, (y.ndim - 1,)) if adjoint else y), jnp.where(first < n, jnp.nan, z)


def first_spoilt(x: jax.Array, z: jax.Array) -> jax.Array:
    """Where a signal (…, n) is not finite first, 0 where its states are not, else n: (…, 1).

    From there on a recursion is not finite either, and products of blocks would carry that back in time.
    """
    n = x.shape[-1]
    first = jnp.min(jnp.where(jnp.isfinite(x), n, jnp.arange(n)), axis=-1, keepdims=True)
    return jnp.where(jnp.all(jnp.isfinite(z), axis=-1, keepdims=True), first, 0)


def _in_chunks(
    run: Callable[[jax.Array, jax.Array, jax.Array | int], tuple[jax.Array, jax.Array]],
    s: jax.Array,
    x: jax.Array,
    multiple: int,
) -> tuple[jax.Array, jax.Array]:
    """`run` on pieces of `x` (…, n) one after the other, so that its memory stays small."""
    n, signals = x.shape[-1], math.prod(x.shape[:-1])
    chunk = multiple * max(1, _CHUNK // (multiple * max(1, signals)))
    count = n // chunk
    if count < 2:
        return run(s, x, 0)
    pieces = jnp.moveaxis(x[..., : count * chunk].reshape(*x.shape[:-1], count, chunk), -2, 0)
    s, y = lax.scan(lambda s, v: run(s, *v), s, (pieces, jnp.arange(count) * chunk))
    y = jnp.moveaxis(y, 0, -2).reshape(*x.shape[:-1], count * chunk)
    if count * chunk == n:
        return s, y
    s, rest = run(s, x[..., count * chunk :], count * chunk)
    return s, jnp.concatenate([y, rest], axis=-1)


def respond(system: StateSpace, size: int) -> Responses:
    """Run the recursion itself from an impulse and from each unit state."""
    E, B, C, D = system
    columns = jnp.concatenate([B[:, None], jnp.zeros_like(E)], axis=1)
    step_change = jnp.concatenate([jnp.zeros_like(B)[:, None], E], axis=1)

    def step(columns: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        return columns + (_dot(E, columns) + step_change), columns

    last, rows = lax.scan(step, columns, None, length=size)
    rows = _bound(jnp.concatenate([rows, last[None]]))
    reach, change = rows[..., 0], rows[..., 1:]
    impulse = jnp.concatenate([D[None], _dot(reach[: size - 1], C)])
    lag = np.arange(size) - np.arange(size)[:, None]  # [k, n]: from input k to output n
    toeplitz = jnp.where(lag >= 0, impulse[np.maximum(lag, 0)], 0)
    observe = C + _dot(C, change[:size])
    return Responses(reach, change, jnp.concatenate([toeplitz, observe.T]))


def apply(responses: Responses, x: jax.Array, s: jax.Array, powers: bool) -> Pair:
    """Compute outputs and last states of signals (…, n) from states (…, P)."""
    reach, change, outputs = responses
    n, size = x.shape[-1], reach.shape[0] - 1
    blocks = -(-n // size)
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, blocks * size - n)]).reshape(*x.shape[:-1], blocks, size)
    gain = _dot(x[..., :-1, :], reach[size - 1 :: -1])
    starts = (_by_powers if powers else _one_by_one)(change[size], gain, s)
    y = _dot(jnp.concatenate([x, starts], axis=-1), outputs).reshape(*x.shape[:-2], blocks * size)
    rest = n - (blocks - 1) * size
    last, s = x[..., -1, :rest], starts[..., -1, :]
    s = s + (_dot(s, change[rest].T) + _dot(last, reach[rest - 1 :: -1] if rest < size else reach[size - 1 :: -1]))
    return y[..., :n], s


def _one_by_one(N: jax.Array, gain: jax.Array, s: jax.Array) -> jax.Array:
    """s[0] = s, s[i+1] = (1 + N) s[i] + gain[i], one after the other: all states (…, blocks + 1, P)."""

    def step(s: jax.Array, g: jax.Array) -> tuple[jax.Array, jax.Array]:
        s = s + (jnp.sum(N * s[..., None, :], axis=-1) + g)
        return s, s

    _, states = lax.scan(step, s, jnp.moveaxis(gain, -2, 0))
    return jnp.concatenate([s[..., None, :], jnp.moveaxis(states, 0, -2)], axis=-2)


def _by_powers(N: jax.Array, gain: jax.Array, s: jax.Array) -> jax.Array:
    """Compute the same by powers of M = 1 + N.

    Within a group that starts with S, s[r] = M^r S + Σ_{q<r} M^{r-1-q} gain[q].
    """
    *batch, blocks, p = gain.shape
    size = min(_GROUP, blocks)
    if size == 0:
        return s[..., None, :]
    groups = -(-blocks // size)
    gain = jnp.pad(gain, [(0, 0)] * len(batch) + [(0, groups * size - blocks), (0, 0)])

    def next_power(change: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        change = change + (N + _dot(N, change))
        return change, change

    _, changes = lax.scan(next_power, jnp.zeros_like(N), None, length=size)
    one = jnp.eye(p, dtype=N.dtype)
    changes = _bound(changes)  # (1 + N)^r - 1 for r = 1 …
    powers = jnp.concatenate([one[None], one + changes])
    lag = np.arange(size) - np.arange(size)[:, None]  # [q, r]: from gain q to the state behind block r
    within = jnp.where((lag >= 0)[..., None, None], powers[np.maximum(lag, 0)], 0)
    within = within.transpose(0, 3, 1, 2).reshape(size * p, size * p)
    ahead = powers[1:].transpose(2, 0, 1).reshape(p, size * p)
    states = _dot(gain.reshape(*batch, groups, size * p), within)
    starts = _doubled(changes[-1], states[..., :-1, -p:], s)
    states = (states + _dot(starts, ahead)).reshape(*batch, groups * size, p)[..., :blocks, :]
    return jnp.concatenate([s[..., None, :], states], axis=-2)


def _doubled(N: jax.Array, gain: jax.Array, s: jax.Array) -> jax.Array:
    """s[0] = s, s[i+1] = (1 + N) s[i] + gain[i]: all states (…, groups, P), by doubling the reach of each sum."""
    states = jnp.concatenate([s[..., None, :], gain], axis=-2)
    count = states.shape[-2]
    if count == 1:
        return states

    def double(i: jax.Array, carry: Pair) -> Pair:
        states, N = carry
        before = jnp.roll(states, 1 << i, axis=-2)
        more = before + _dot(before, N.T)
        states = states + jnp.where(jnp.arange(count)[:, None] < 1 << i, 0, more)
        return states, _bound(2 * N + _dot(N, N))

    return lax.fori_loop(0, (count - 1).bit_length(), double, (states, N))[0]


def _bound(a: jax.Array) -> jax.Array:
    """Replace powers that overflow by the largest number, which times a state of zero stays zero."""
    return jnp.where(jnp.isfinite(a), a, jnp.finfo(a.dtype).max)


_dot = partial(jnp.matmul, precision="highest")
