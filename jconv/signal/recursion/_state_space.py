"""Recursive filters, block by block: matrix products in place of a loop over samples.

    z[n+1] = A z[n] + B x[n],   y[n] = C z[n] + D x[n]

Over a block of L samples the zero-state output is T x with the lower triangular Toeplitz matrix T of the impulse
response, the state at the block's end is A^L z + R x with R = [A^{L-1} B … A B, B], and the state at its start adds
O z with O = [C; C A; … C A^{L-1}]. So what each block adds to its state is a product with Rᵀ, the starting states
follow from a first-order recursion with the matrix A^L, and all outputs are one product [x z] [T O]ᵀ.

That recursion is solved in the same way once more, in groups of blocks as one product with powers of M = A^L, and from
group to group by doubling. Where A is far from normal (the direct form of more than two poles close together) its
powers are large before they decay, and squaring them loses what a product with a vector keeps; there the recursion runs
block after block.

Source: Burrus, "Block realization of digital filters", IEEE Trans. Audio Electroacoust. 20 (1972).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

# Samples in a block: wide enough for the matrix product, no wider than it stays the smaller part of the work.
_BLOCK = 32
# Blocks in a group.
_GROUP = 16
# Samples in a block where the blocks follow each other, so that there are fewer of them.
_LONG_BLOCK = 128

_dot = partial(jnp.matmul, precision="highest")


class StateSpace(NamedTuple):
    """A filter of one input, one output and p states: A (p, p), B (p,), C (p,), D ()."""

    A: jax.Array
    B: jax.Array
    C: jax.Array
    D: jax.Array


def direct_form(b: jax.Array, a: jax.Array) -> StateSpace:
    """The transposed direct form II of b(z)/a(z), whose states are SciPy's `zi`; both of one length, a[0] = 1."""
    p = b.size - 1
    A = jnp.concatenate([-a[1:, None], jnp.eye(p, p - 1, dtype=b.dtype)], axis=1)
    return StateSpace(A, b[1:] - a[1:] * b[0], jnp.zeros(p, b.dtype).at[0].set(1), b[0])


def series(first: StateSpace, second: StateSpace) -> StateSpace:
    """`first`, then `second`; the states stand in that order."""
    p, q = first.B.size, second.B.size
    A = jnp.block([[first.A, jnp.zeros((p, q), first.A.dtype)], [jnp.outer(second.B, first.C), second.A]])
    B = jnp.concatenate([first.B, second.B * first.D])
    C = jnp.concatenate([second.D * first.C, second.C])
    return StateSpace(A, B, C, second.D * first.D)


def run(system: StateSpace, x: jax.Array, z: jax.Array, *, doubling: bool) -> tuple[jax.Array, jax.Array]:
    """Filter the last axis of `x` (…, n) from the states `z` (…, p); the output (…, n) and the states behind it."""
    n = x.shape[-1]
    size = min(_BLOCK if doubling else _LONG_BLOCK, n)
    blocks = n // size
    head, tail = x[..., : blocks * size], x[..., blocks * size :]
    y, z = _blocks(system, head.reshape(*x.shape[:-1], blocks, size), z, doubling)
    y = y.reshape(*x.shape[:-1], blocks * size)
    if tail.shape[-1] == 0:
        return y, z
    rest, z = _blocks(system, tail[..., None, :], z, doubling)
    return jnp.concatenate([y, rest[..., 0, :]], axis=-1), z


def _blocks(system: StateSpace, x: jax.Array, z: jax.Array, doubling: bool) -> tuple[jax.Array, jax.Array]:
    """`run` for x (…, blocks, L)."""
    size, p = x.shape[-1], system.B.size
    observe, reach, response = _responses(system, size)
    lag = jnp.arange(size)[:, None] - jnp.arange(size)
    toeplitz = jnp.where(lag >= 0, response[jnp.clip(lag, 0)], 0)  # [n, k]: from input k to output n
    states = (_grouped if doubling else _one_by_one)(_power(system.A, size), _dot(x, reach), z)
    # One product, so that the output is written once.
    known = jnp.concatenate([x, states[..., :-1, :]], axis=-1)
    y = _dot(known, jnp.concatenate([toeplitz.T, observe.T]))
    return y, states[..., -1, :].reshape(*z.shape[:-1], p)


def _responses(system: StateSpace, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """O (size, p), Rᵀ (size, p) and the impulse response (size,)."""

    def step(carry, _):
        row, column = carry
        return (_dot(row, system.A), _dot(system.A, column)), (row, column)

    _, (observe, columns) = lax.scan(step, (system.C, system.B), None, length=size)
    response = jnp.concatenate([system.D[None], _dot(columns[: size - 1], system.C)])
    return observe, columns[::-1], response


def _power(matrix: jax.Array, exponent: int) -> jax.Array:
    """matrix^exponent column by column: each is carried on like a state."""
    return lax.fori_loop(
        0, exponent, lambda _, power: _dot(matrix, power), jnp.eye(matrix.shape[0], dtype=matrix.dtype)
    )


def _one_by_one(M: jax.Array, gain: jax.Array, z: jax.Array) -> jax.Array:
    """The same as `_grouped`, one block after the other."""

    def step(z, g):
        z = jnp.sum(M * z[..., None, :], axis=-1) + g
        return z, z

    z = jnp.broadcast_to(z, (*gain.shape[:-2], gain.shape[-1]))
    _, s = lax.scan(step, z, jnp.moveaxis(gain, -2, 0))
    return jnp.concatenate([z[..., None, :], jnp.moveaxis(s, 0, -2)], axis=-2)


def _grouped(M: jax.Array, gain: jax.Array, z: jax.Array) -> jax.Array:
    """s[0] = z, s[i+1] = M s[i] + gain[i]: all s, (…, blocks + 1, p).

    Within a group that starts with S, s[r] = M^r S + Σ_{q<r} M^{r-1-q} gain[q].
    """
    *batch, blocks, p = gain.shape
    size = min(_GROUP, blocks)
    groups = -(-blocks // size)
    gain = jnp.pad(gain, [(0, 0)] * len(batch) + [(0, groups * size - blocks), (0, 0)])
    one = jnp.eye(p, dtype=M.dtype)
    last, powers = lax.scan(lambda power, _: (_dot(M, power), power), one, None, length=size)
    powers = jnp.concatenate([powers, last[None]])
    lag = jnp.arange(size) - jnp.arange(size)[:, None]  # [q, r]: from gain q to the state behind block r
    within = jnp.where((lag >= 0)[..., None, None], powers[jnp.clip(lag, 0)], 0)
    within = within.transpose(0, 3, 1, 2).reshape(size * p, size * p)
    ahead = powers[1:].transpose(2, 0, 1).reshape(p, size * p)
    s = _dot(gain.reshape(*batch, groups, size * p), within)
    starts = _doubled(powers[-1], s[..., -p:], z)
    s = (s + _dot(starts[..., :-1, :], ahead)).reshape(*batch, groups * size, p)[..., :blocks, :]
    return jnp.concatenate([starts[..., :1, :], s], axis=-2)


def _doubled(M: jax.Array, gain: jax.Array, z: jax.Array) -> jax.Array:
    """s[0] = z, s[i+1] = M s[i] + gain[i]: all s, (…, blocks + 1, p), by doubling the reach of each sum."""
    s = jnp.concatenate([jnp.broadcast_to(z[..., None, :], (*gain.shape[:-2], 1, gain.shape[-1])), gain], axis=-2)
    reach = 1
    while reach < s.shape[-2]:
        s = s.at[..., reach:, :].add(_dot(s[..., :-reach, :], M.T))
        reach *= 2
        if reach < s.shape[-2]:
            M = _dot(M, M)
    return s
