"""Which form a cascade takes when a program is lowered: a compiled loop on CPU, or JAX's own operations.

All forms work in double precision, also where JAX's 64-bit mode is off: the digits that a recursion loses belong to its
poles, and float32 has none to spare. What is read and written keeps its dtype.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv import native
from jconv.signal.recursion import _blocks, _direct
from jconv.signal.recursion._coefficients import steady_states
from jconv.signal.recursion._plan import Pair, Plan

# The longest section that a compiled loop takes: SciPy's cost, which sums of few taps and sections undercut beyond.
_LONGEST = 64


def run(*operands: jax.Array, plan: Plan, steady: bool, adjoint: bool, **target: Any) -> Pair:
    """Run a cascade, as `cascade` describes it, in a program that is lowered for `target`."""
    x, _, c, _ = operands
    real = x.dtype.kind != "c" and c.dtype.kind != "c"
    fits = real and plan.form != "delays" and c.shape[4] <= _LONGEST
    form = _run_natively if fits and native.unsuitable(*operands, **target) is None else _run
    return form(*operands, plan=plan, steady=steady, adjoint=adjoint)


def _run_natively(
    x: jax.Array, z: jax.Array, c: jax.Array, h: jax.Array, *, plan: Plan, steady: bool, adjoint: bool
) -> Pair:
    """Run a cascade as one compiled loop, whose adjoint is the direct form II backwards."""
    del h, plan
    dtype = x.dtype if x.dtype.name in ("float32", "float64") else np.dtype(np.float32)
    options = {"axis": 1, "reverse": adjoint, "form": "direct" if adjoint else "transposed"}

    def run(c: jax.Array, shares: jax.Array, x: jax.Array, z: jax.Array) -> Pair:
        sections, order = c.shape[0], c.shape[2] - 1
        first = shares if steady else None
        if order != 2:
            return native.lfilter(c[0, 0], c[0, 1], x, z, steady=first, **options)
        states = jnp.moveaxis(z.reshape(z.shape[0], sections, 2, -1), 1, 0)
        first = None if first is None else first.reshape(sections, 2)
        y, last = native.sosfilt(c.reshape(sections, 6), x, states, steady=first, **options)
        return y, jnp.moveaxis(last, 0, 1).reshape(z.shape)

    c = jnp.sum(c.astype(np.float64), axis=0)
    operands = c, jnp.asarray(jax.vmap(steady_states)(c)), x.astype(dtype), z.astype(dtype)
    if c.shape[0] == 1:
        y, last = (v[None] for v in run(*(v[0] for v in operands)))
    else:
        y, last = jax.vmap(run)(*operands)
    return y.astype(x.dtype), last.astype(z.dtype)


def _run(x: jax.Array, z: jax.Array, c: jax.Array, h: jax.Array, *, plan: Plan, steady: bool, adjoint: bool) -> Pair:
    """Run a cascade by JAX's own operations."""
    dtype = np.result_type(np.float64, c.dtype, x.dtype if x.dtype.kind == "c" else np.float64)
    c, h = (jnp.sum(a.astype(dtype), axis=0) for a in (c, h))
    shares = jax.vmap(steady_states)(c) if steady else None
    x, z = jnp.moveaxis(x, 2, 3), jnp.moveaxis(z, 2, 3)
    start = z
    if shares is not None and not adjoint and x.shape[-1]:
        start = z.astype(dtype) + shares[:, None, None] * x[..., :1].astype(dtype)
    states = z.shape[-1]
    if c.shape[-1] == 2:  # a pole at the origin makes a section of order 1 one of order 2
        c, start = (jnp.pad(v, [(0, 0)] * 3 + [(0, 1)]) for v in (c, start))
    run = _blocks.run if plan.form == "sections" else _direct.run
    y, last = jax.vmap(partial(run, plan=plan, adjoint=adjoint, dtype=dtype))(x, start, c, h)
    last = last[..., :states]
    if shares is not None and adjoint and x.shape[-1]:
        y = y.at[..., :1].add(jnp.sum(shares[:, None, None] * last, axis=-1, keepdims=True).astype(y.dtype))
    return jnp.moveaxis(y, 3, 2), jnp.moveaxis(last.astype(z.dtype), 3, 2)
