"""Sections as state spaces whose powers keep their digits.

    s[n+1] = (1 + E) s[n] + B x[n],   y[n] = C s[n] + D x[n]

The state matrix of a direct form has entries that grow with every power while its eigenvalues stay below 1, and powers
of it lose what the two differ by. A section of order 2 has a better basis, s = (z_0, z_1 + σ z_0) with the mean
σ = -a_1 / 2 of its poles: there the matrix is [[σ, 1], [d, σ]] with the discriminant d = a_1² / 4 - a_2, which for
complex poles is a rotation scaled by their radius, up to the unit of the second state. d and σ - 1 are differences of
numbers that nearly agree, so products are formed to twice the digits there.

Source: Barnes and Fam, "Minimum norm recursive digital filters that are free of overflow limit cycles", IEEE Trans.
Circuits and Systems 24 (1977), for the normal form; Dekker, Numer. Math. 18 (1971), for the products.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv.signal.recursion._coefficients import total


class StateSpace(NamedTuple):
    """A filter of one input, one output and P states: E (P, P), B (P,), C (P,), D ()."""

    E: jax.Array
    B: jax.Array
    C: jax.Array
    D: jax.Array


class Basis(NamedTuple):
    """Between states z of the direct form and states s = (z_0, z_1 + σ z_0), with σ (S, 1) of each section."""

    mean: jax.Array

    def enter(self, z: jax.Array) -> jax.Array:
        """Return the s of z (…, P)."""
        return self._shear(z, 1, source=0)

    def leave(self, s: jax.Array) -> jax.Array:
        """Return the z of s."""
        return self._shear(s, -1, source=0)

    def adjoint_enter(self, z: jax.Array) -> jax.Array:
        """Apply the transposed map of `leave`, which takes cotangents of z to those of s."""
        return self._shear(z, -1, source=1)

    def adjoint_leave(self, s: jax.Array) -> jax.Array:
        """Apply the transposed map of `enter`."""
        return self._shear(s, 1, source=1)

    def _shear(self, v: jax.Array, sign: int, source: int) -> jax.Array:
        pairs = v.reshape(*v.shape[:-1], -1, 2)
        moved = sign * self.mean * pairs[..., source : source + 1]
        none = jnp.zeros_like(moved)
        parts = [none, moved] if source == 0 else [moved, none]
        return (pairs + jnp.concatenate(parts, axis=-1)).reshape(v.shape)


def state_space(c: jax.Array) -> tuple[StateSpace, Basis]:
    """Return the cascade of sections `c` (S, 2, 3) of order 2, whose denominators begin with 1."""
    b, a = c[:, 0], c[:, 1]
    sections = c.shape[0]
    one, unit = jnp.ones_like(a[:, 0]), jnp.array([1, 0], c.dtype)
    upper, lower, corner = _own_matrix(a)
    # Each section's B; its C is (1, 0) and its D is b_0.
    first, second = _difference_of_products(jnp.stack([one, one]), b.T[1:], a.T[1:], b[:, 0])
    gains = jnp.stack([first, second + (1 + lower) * first], axis=1)
    own = jnp.stack([jnp.stack([upper, one], axis=1), jnp.stack([corner, lower], axis=1)], axis=1)
    paths = _paths(b[:, 0])
    between = paths[1:-1, 1:-1]
    coupled = between[:, None, :, None] * gains[:, :, None, None] * unit
    same = np.eye(sections, dtype=bool)[:, None, :, None]
    E = jnp.where(same, own[:, :, None, :], coupled).reshape(2 * sections, 2 * sections)
    B = (paths[1:-1, :1] * gains).reshape(-1)
    C = (paths[-1, 1:-1, None] * unit).reshape(-1)
    return StateSpace(E, B, C, paths[-1, 0]), Basis(1 + lower[:, None])


def adjoint_of(system: StateSpace) -> StateSpace:
    """Return the system whose outputs, backwards in time, are the cotangents of the inputs."""
    return StateSpace(system.E.T, system.C, system.B, system.D)


def _own_matrix(a: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return the entries E_00, E_11 and E_10 of sections with denominators `a` (S, 3), whose E_01 is 1.

    Real poles r and r' make it triangular instead, [[r, 1], [0, r']], which keeps the smaller one's digits too.
    """
    half = a[:, 1] / 2
    discriminant = _difference_of_products(half, half, a[:, 2], jnp.ones_like(half))
    middle = half + 1
    if jnp.iscomplexobj(a):
        return -middle, -middle, discriminant
    # r - 1 are the roots of t² + 2 t (1 + a_1 / 2) + (1 + a_1 + a_2), the one near 0 formed without cancellation.
    real = discriminant > 0
    root = jnp.sqrt(jnp.where(real, discriminant, 0))
    far = middle + jnp.where(middle < 0, -root, root)
    near = total(a) / jnp.where(real, far, 1)
    return jnp.where(real, -near, -middle), jnp.where(real, -far, -middle), jnp.where(real, 0, discriminant)


def _paths(direct: jax.Array) -> jax.Array:
    """Products of the direct gains of the sections between two places: [i, j] from j to i > j, else 0.

    Place 0 is the input, places 1 to S are the sections, S + 1 is the output.
    """
    places = np.arange(direct.size + 2)
    before = jnp.concatenate([jnp.ones(2, direct.dtype), direct])[:, None]  # of section i - 1, for place i
    steps = jnp.where(places[:, None] - 1 > places, before, 1)
    return jnp.where(places[:, None] > places, jnp.cumprod(steps, axis=0), 0)


def _difference_of_products(a: jax.Array, b: jax.Array, c: jax.Array, d: jax.Array) -> jax.Array:
    """Compute a b - c d, right to the last digits also where the two products nearly agree."""
    if jnp.iscomplexobj(a):
        return a * b - c * d
    p, p_rest = _product(a, b)
    q, q_rest = _product(c, d)
    return (p - q) + (p_rest - q_rest)


def _product(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Compute a b and its rounding error, exactly (Dekker)."""
    p = a * b
    # Always true but for NaN: a product that is chosen is rounded, where the compiler would contract it with a sum.
    p = jnp.where(p == p, p, jnp.nan)
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    rest = ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low
    return p, jnp.where(jnp.isfinite(rest), rest, 0)


def _halves(a: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Split a into a sum of two numbers of half its digits."""
    wide = a * (2.0 ** (27 if a.dtype == jnp.float64 else 12) + 1)
    high = wide - (wide - a)
    return high, a - high
