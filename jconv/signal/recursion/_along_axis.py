"""Signals along any axis, of any dtype, in the canonical form of a cascade and back."""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp

from jconv.signal.recursion._cascade import cascade
from jconv.signal.recursion._plan import Plan


@partial(jax.jit, static_argnames=("plan", "axis", "steady"))
def filter_along(
    x: jax.Array, z: jax.Array | None, c: jax.Array, h: jax.Array, *, plan: Plan, axis: int, steady: bool = False
) -> tuple[jax.Array, jax.Array]:
    """Filter `x` along `axis` from the states `z`, all of a cascade along the same axis; zeros by default.

    With `steady` those of a signal whose first sample has been there for ever are added. `c` (Q, S, 2, p + 1) and `h`
    (Q, S', 2, 3) are as in `cascade`, of one filter.
    """
    before, n, after = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    states = c.shape[1] * (c.shape[3] - 1)
    shape = (*x.shape[:axis], states, *x.shape[axis + 1 :])
    begin = jnp.zeros(shape, x.dtype) if z is None else z
    rows, start = x.reshape(1, before, n, after), begin.reshape(1, before, states, after)
    halves = jnp.iscomplexobj(x) and not jnp.iscomplexobj(c)
    if halves:  # real coefficients: two real signals
        rows, start = (jnp.concatenate([jnp.real(v), jnp.imag(v)], axis=1) for v in (rows, start))
    y, last = cascade(rows, start, c[:, None], h[:, None], plan=plan, steady=steady)
    if halves:
        y, last = (jax.lax.complex(v[:, :before], v[:, before:]) for v in (y, last))
    return y.reshape(x.shape), last.reshape(shape)
