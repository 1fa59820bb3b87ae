"""Legendre series on [-1, 1] as arrays of coefficients, degrees along axis 0: sampling, evaluation, calculus."""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from jconv.continuous._nodes import legendre_points_extended, legendre_values


@lru_cache
def grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n Gauss–Legendre nodes and the (n, n) matrix from values there to coefficients, exact to degree n-1."""
    x, w = legendre_points_extended(n)
    to_coefficients = (2 * np.arange(n)[:, None] + 1) * legendre_values(x, n) * w / 2
    return x.astype(float), to_coefficients.astype(float)


@jax.jit
def from_values(values: jax.Array) -> jax.Array:
    """Coefficients, (n, ...), of the polynomial through values on the n Gauss–Legendre nodes."""
    return jnp.tensordot(jnp.asarray(grid(values.shape[0])[1], values.dtype), values, axes=(1, 0), precision="highest")


@jax.jit
def evaluate(coefficients: jax.Array, u: jax.Array) -> jax.Array:
    """Σ c_k P_k(u) by Clenshaw's recurrence; `coefficients` (n, ...) broadcasts against `u` behind axis 0."""
    n = coefficients.shape[0]
    shape = jnp.broadcast_shapes(coefficients.shape[1:], u.shape)
    zero = jnp.zeros(shape, jnp.result_type(coefficients, u))

    def step(carry: tuple, inputs: tuple) -> tuple:
        b1, b2 = carry
        k, c = inputs
        return (c + (2 * k + 1) / (k + 1) * u * b1 - (k + 1) / (k + 2) * b2, b1), None

    degrees = jnp.arange(n, dtype=u.dtype)
    (b0, _), _ = jax.lax.scan(step, (zero, zero), (degrees, coefficients), reverse=True, unroll=4)
    return b0


def _k(c: jax.Array, start: int, count: int) -> jax.Array:
    return jnp.arange(start, start + count, dtype=c.real.dtype).reshape((count,) + (1,) * (c.ndim - 1))


@jax.jit
def integrate(c: jax.Array) -> jax.Array:
    """Return the antiderivative that vanishes at -1; one degree more."""
    n = c.shape[0]
    up = c / (2 * _k(c, 0, n) + 1)  # c_k / (2k+1) goes to degree k+1 with plus, k-1 with minus
    return jnp.concatenate([c[:1], up]) - jnp.concatenate([up[1:], jnp.zeros_like(c[:2])])[: n + 1]


@jax.jit
def differentiate(c: jax.Array) -> jax.Array:
    """Return the derivative; the same number of coefficients, the last of them zero."""
    n = c.shape[0]
    # d_{k} = (2k+1) (c_{k+1} + c_{k+3} + ...)
    pairs = jnp.concatenate([c, jnp.zeros_like(c[: n % 2])]).reshape((n + n % 2) // 2, 2, *c.shape[1:])
    tails = jnp.flip(jnp.cumsum(jnp.flip(pairs, 0), 0), 0).reshape(-1, *c.shape[1:])[:n]
    shifted = jnp.concatenate([tails[1:], jnp.zeros_like(c[:1])])
    return (2 * _k(c, 0, n) + 1) * shifted


@jax.jit
def volterra(f: jax.Array, g: jax.Array) -> jax.Array:
    """Coefficients in P_k(x+1) of h(x) = ∫ f(s) g(x - s) ds, s from -1 to x+1, for x in [-2, 0].

    f (m, ...) and g (n, ...) give m + n coefficients, in O(n (m + n)) operations; pass the shorter one as g.

    Column j holds the coefficients of f * P_j. From (2j+1) P_j = P'_{j+1} - P'_{j-1} follows
    f * P_{j+1} = f * P_{j-1} + (2j+1) ∫ f * P_j, which is stable in the rows k >= j; the others follow from symmetry,
    B_{kj} = (-1)^(k+j) (2k+1)/(2j+1) B_{jk}.
    N. Hale and A. Townsend, "An algorithm for the convolution of Legendre series", SIAM J. Sci. Comput. 36 (2014).
    """
    m, n = f.shape[0], g.shape[0]
    size = m + n
    dtype = jnp.result_type(f, g)
    shape = jnp.broadcast_shapes(f.shape[1:], g.shape[1:])
    grow = lambda c: jnp.zeros((size, *shape), dtype).at[: c.shape[0]].set(jnp.broadcast_to(c, (c.shape[0], *shape)))
    f, g = grow(f), grow(g)
    k = _k(f, 0, size)
    sign = 1 - 2 * (k % 2)
    mirrored = sign * g / (2 * k + 1)

    def add(total: jax.Array, j: jax.Array, column: jax.Array) -> jax.Array:
        below = jnp.where(k >= j, column, 0)
        total = total + below * g[j]
        upper = (2 * j + 1) * (1 - 2 * (j % 2)) * jnp.sum(jnp.where(k > j, column, 0) * mirrored, axis=0)
        return total.at[j].add(upper)

    def step(carry: tuple, j: jax.Array) -> tuple:
        total, before, column = carry
        following = jnp.where(k > j, before + (2 * j + 1) * integrate(column)[:size], 0)
        return (add(total, j + 1, following), column, following), None

    first = integrate(f)[:size]
    second = integrate(first)[:size] - first
    total = add(jnp.zeros_like(f), jnp.asarray(0), first)
    if n == 1:
        return total
    second = jnp.where(k >= 1, second, 0)
    total = add(total, jnp.asarray(1), second)
    return jax.lax.scan(step, (total, first, second), jnp.arange(1, n - 1))[0][0]
