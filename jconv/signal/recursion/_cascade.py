"""A cascade of recursive sections as one operation of JAX: its types, its derivatives and its batches.

Canonical form: `x` (K, R, n, C) holds K·R·C signals along its third axis, `z` (K, R, S·p, C) their states and `c`
(Q, K, S, 2, p + 1) the coefficients of K cascades of S sections of order p, numerator and denominator (whose first
number is 1), as a sum of Q parts: three parts of float32 keep all bits of a float64. Each section is the transposed
direct form II,

    y[n] = z_0[n] + b_0 x[n],    z_i[n+1] = z_{i+1}[n] + b_{i+1} x[n] - a_{i+1} y[n].

That is linear in (x, z), and its adjoint is a recursion backwards in time: with e[N + i] = z̄_i behind the last sample,

    e[n] = ȳ[n] - Σ_k a_k e[n+k],    x̄[n] = Σ_k b_k e[n+k],

and the cotangents of the first states are e[0] … e[p-1].

A change of coefficients injects u_k[n] = db_k x[n] - da_k y[n] into state k - 1, which is as if w[n] = Σ_k u_k[n-k]
came in front of the poles; what of it is still on its way after the last sample belongs to the states.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.jax_internals import Results, Type, operation
from jconv.signal.convolution._linear import linear
from jconv.signal.recursion import _forms
from jconv.signal.recursion._coefficients import steady_states
from jconv.signal.recursion._plan import Pair, Plan


def cascade(
    x: jax.Array,
    z: jax.Array,
    c: jax.Array,
    h: jax.Array,
    *,
    plan: Plan,
    steady: bool = False,
    adjoint: bool = False,
) -> Pair:
    """Outputs and last states of the cascades `c` on the signals `x` from the states `z`; or the adjoint.

    `h` (Q, K, S', 2, 3) are sections of order 2 with the poles of `c`, for plans that want them; else it is empty. With
    `steady` the states in which the first sample has been there for ever are added to `z`, in double precision.
    """
    y, last = _cascade(x, z, c, h, plan=plan, steady=steady, adjoint=adjoint)
    return y, last


def _types(x: Any, z: Any, *_: Any, **__: Any) -> list[Type]:
    return [(x.shape, x.dtype), (z.shape, z.dtype)]


def _differentiate(
    operands: Sequence[jax.Array],
    tangents: Sequence[jax.Array | None],
    *,
    plan: Plan,
    steady: bool,
    adjoint: bool,
) -> tuple[Results, Results]:
    x, z, c, h = operands
    dx, dz, dc, _ = tangents
    constant = dx is None and dz is None
    dx, dz = jnp.zeros_like(x) if dx is None else dx, jnp.zeros_like(z) if dz is None else dz
    if dc is not None and (c.shape[2] > 1 or steady):
        split = functools.partial(_one_by_one, h=h, plan=plan, steady=steady, adjoint=adjoint)
        return jax.jvp(split, (x, z, c), (dx, dz, dc))
    run = functools.partial(cascade, h=h, plan=plan, steady=steady, adjoint=adjoint)
    y, last = run(x, z, c)
    dy, dlast = jnp.zeros_like(y), jnp.zeros_like(last)
    if not constant:
        dy, dlast = run(dx, dz, c)
    if dc is not None:
        change = jnp.sum(dc, axis=0)[:, 0].astype(x.dtype)
        response = _adjoint_response_to_change if adjoint else _response_to_change
        more = response(run, x, y, z, c, change)
        dy, dlast = dy + more[0], dlast + more[1]
    return (y, last), (dy, dlast)


def _response_to_change(
    run: Callable[..., Pair], x: jax.Array, y: jax.Array, z: jax.Array, c: jax.Array, dc: jax.Array
) -> Pair:
    """What a change `dc` (K, 2, p + 1) of one section adds to its outputs and last states."""
    n, order = x.shape[2], dc.shape[2] - 1
    db, da = dc[:, 0], dc[:, 1].at[:, 0].set(0)
    x, y = (jnp.pad(v, [(0, 0), (0, 0), (order, 0), (0, 0)]) for v in (x, y))
    dy, last = run(_weighted(db[:, ::-1], x, n) - _weighted(da[:, ::-1], y, n), jnp.zeros_like(z), _poles(c))
    # State i still waits for Σ_j u_{i+1+j}[n-1-j]: as if `order` zeros came behind the signals.
    for d, v, sign in ((db, x, 1), (da, y, -1)):
        behind = jnp.pad(v[:, :, n:], [(0, 0), (0, 0), (0, order), (0, 0)])
        last = last + sign * _weighted(d[:, ::-1], behind, order)
    return dy, last


def _adjoint_response_to_change(
    run: Callable[..., Pair], x: jax.Array, y: jax.Array, z: jax.Array, c: jax.Array, dc: jax.Array
) -> Pair:
    """The same of the adjoint, whose signal e is known behind the last sample: it is the state there."""
    del y
    n = x.shape[2]
    db, da = dc[:, 0], dc[:, 1].at[:, 0].set(0)
    e = jnp.concatenate([run(x, z, _poles(c))[0], z], axis=2)
    dy, first = run(-_weighted(da, e, n), jnp.zeros_like(z), c)
    return dy + _weighted(db, e, n), first


def _poles(c: jax.Array) -> jax.Array:
    """The coefficients with the numerator 1."""
    one = np.zeros(c.shape[-1])
    one[0] = 1
    return c.at[:, :, :, 0].set(0).at[0, :, :, 0].set(jnp.asarray(one, c.dtype))


def _weighted(weights: jax.Array, x: jax.Array, n: int) -> jax.Array:
    """Σ_k weights[:, k] x[:, :, k : k + n]."""
    taps = weights.shape[1]
    if taps <= _UNROLLED:
        weights = weights[:, :, None, None, None]
        total = weights[:, 0] * x[:, :, :n]
        for k in range(1, taps):
            total = total + weights[:, k] * x[:, :, k : k + n]
        return total
    rows = jnp.moveaxis(x, 2, 3)
    sums = jax.vmap(lambda rows, w: linear(rows, w[::-1], spans=((taps - 1, taps - 1 + n),)))(rows, weights)
    return jnp.moveaxis(sums, 3, 2)


# Taps up to which a sum is written out, so that XLA fuses it into one pass.
_UNROLLED = 16


def _one_by_one(
    x: jax.Array, z: jax.Array, c: jax.Array, *, h: jax.Array, plan: Plan, steady: bool, adjoint: bool
) -> Pair:
    """The cascade as one operation for each section, for derivatives in the coefficients."""
    sections = c.shape[2]
    shares = jax.vmap(steady_states)(jnp.sum(c, axis=0)).astype(x.dtype)[:, None, :, None] if steady else None
    if shares is not None and not adjoint:
        z = z + shares * x[:, :, :1]
    states = jnp.split(z, sections, axis=2)
    for s in reversed(range(sections)) if adjoint else range(sections):
        x, states[s] = cascade(x, states[s], c[:, :, s : s + 1], h, plan=plan, adjoint=adjoint)
    z = jnp.concatenate(states, axis=2)
    if shares is not None and adjoint:
        x = x.at[:, :, :1].add(jnp.sum(shares * z, axis=2, keepdims=True))
    return x, z


def _transpose(
    cotangents: Sequence[jax.Array], operands: Sequence[Any], *, plan: Plan, steady: bool, adjoint: bool
) -> list[jax.Array | None]:
    (y, last), (_, _, c, h) = cotangents, operands
    dx, dz = cascade(y, last, c, h, plan=plan, steady=steady, adjoint=not adjoint)
    return [dx, dz, None, None]


def _batch(operands: Sequence[jax.Array], axes: Sequence[int | None], **params: Any) -> tuple[Results, list[int]]:
    """Mapped signals become more rows; with mapped coefficients, more cascades."""
    count = next(a.shape[d] for a, d in zip(operands, axes) if d is not None)

    def to_front(a: jax.Array, axis: int | None) -> jax.Array:
        return jnp.broadcast_to(a, (count, *a.shape)) if axis is None else jnp.moveaxis(a, axis, 0)

    x, z, c, h = operands
    x, z = to_front(x, axes[0]), to_front(z, axes[1])
    if axes[2] is None and axes[3] is None:
        x, z = (jnp.moveaxis(a, 0, 1).reshape(a.shape[1], -1, *a.shape[3:]) for a in (x, z))
        outs = _cascade(x, z, c, h, **params)
        return [o.reshape(o.shape[0], count, -1, *o.shape[2:]) for o in outs], [1, 1]
    x, z = (a.reshape(-1, *a.shape[2:]) for a in (x, z))
    c, h = (jnp.moveaxis(to_front(a, d), 0, 1) for a, d in ((c, axes[2]), (h, axes[3])))
    c, h = (a.reshape(a.shape[0], a.shape[1] * a.shape[2], *a.shape[3:]) for a in (c, h))
    outs = _cascade(x, z, c, h, **params)
    return [o.reshape(count, -1, *o.shape[1:]) for o in outs], [0, 0]


_cascade = operation(
    "jconv_cascade", types=_types, run=_forms.run, jvp=_differentiate, transpose=_transpose, batch=_batch, in_x64=True
)
