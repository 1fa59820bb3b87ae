"""Convolution of function objects: exact for piecewise polynomials, on the pieces that their breakpoints sum to.

Two polynomials on intervals of lengths l <= L convolve to three: on the left triangle both begin, on the right triangle
both end, and in the middle the shorter lies wholly inside the longer. The triangles are Volterra convolutions of equal
lengths (`legendre.volterra`, quadratic in the degree), the middle a Gauss rule that is exact.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.concrete import is_traced
from jconv.continuous import _legendre as legendre
from jconv.continuous._nodes import legendre_points
from jconv.continuous._series import Series, drop_degrees, largest_value, merge_breaks, mirror_degrees, piece_nodes


def convolve_series(f: Series, g: Series) -> Series:
    """(f ⊗ g)(x) = ∫ f(s) g(x - s) ds on [a + c, b + d], with breakpoints at all pairwise sums of those of f and g.

    Degrees add up, plus one; outside `jit`, trailing degrees that are rounding are dropped.
    Cost for one piece each, of equal length and degree n: about 12 n² operations.

    N. Hale and A. Townsend, "An algorithm for the convolution of Legendre series", SIAM J. Sci. Comput. 36 (2014).
    """
    edges = merge_breaks(f.breaks[:, None] + g.breaks[None, :])
    result = _convolve_pieces(f, g, edges, _has_equal_lengths(f.breaks, g.breaks))
    if is_traced(result.coefficients):
        return result
    scale = float(np.max(np.abs(np.asarray(result.coefficients))))
    return drop_degrees(result, float(jnp.finfo(edges.dtype).eps) / 2 * scale)


@functools.partial(jax.jit, static_argnames="equal")
def _convolve_pieces(f: Series, g: Series, edges: jax.Array, equal: bool) -> Series:
    # (degrees, pieces of f, pieces of g, channels)
    p, q = _align_channels(f.coefficients[:, :, None], g.coefficients[:, None, :])
    a, b = f.breaks[:-1, None], f.breaks[1:, None]
    c, d = g.breaks[None, :-1], g.breaks[None, 1:]
    short = jnp.minimum(b - a, d - c)
    widen = lambda v: v.reshape(v.shape + (1,) * (p.ndim - 3))
    scale = widen(short / 2)
    low_p, low_q, high_p, high_q = p, q, p, q
    if not equal:
        low_p, low_q = _part(p, a, b, a, a + short), _part(q, c, d, c, c + short)
        high_p, high_q = _part(p, a, b, b - short, b), _part(q, c, d, d - short, d)
    left = _volterra(low_p, low_q) * scale
    right = mirror_degrees(_volterra(mirror_degrees(high_p), mirror_degrees(high_q))) * scale
    count = left.shape[0]
    error = _error(f, g, count)
    if equal and left.shape[1] == left.shape[2] == 1:
        return Series(edges, jnp.concatenate([left[:, 0], right[:, 0]], axis=1), error)
    polynomials = [(a + c, a + c + short, left), (b + d - short, b + d, right)]
    if not equal:
        polynomials.append((a + c + short, b + d - short, _middle(p, q, a, b, c, d)))
    nodes = piece_nodes(edges, count)
    middle = (edges[:-1] + edges[1:]) / 2
    total = jnp.zeros((*nodes.shape, *left.shape[3:]), left.dtype)
    for lower, upper, coefficients in polynomials:
        total = total + _sum_at(coefficients, lower, upper, nodes, middle)
    return Series(edges, legendre.from_values(total), error)


def _align_channels(p: jax.Array, q: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Insert axes so that the channels of two arrays broadcast as NumPy's do."""
    rank = max(p.ndim, q.ndim)
    grow = lambda v: v.reshape(v.shape[:3] + (1,) * (rank - v.ndim) + v.shape[3:])
    return grow(p), grow(q)


def _has_equal_lengths(*breaks: jax.Array) -> bool:
    """Whether all pieces are known to have the same length, to rounding."""
    if any(map(is_traced, breaks)):
        return False
    lengths = np.concatenate([np.diff(np.asarray(b)) for b in breaks])
    return bool(np.ptp(lengths) <= 16 * np.finfo(lengths.dtype).eps * lengths.max())


def _volterra(p: jax.Array, q: jax.Array) -> jax.Array:
    return legendre.volterra(p, q) if p.shape[0] >= q.shape[0] else legendre.volterra(q, p)


def _unit(x: jax.Array, lower: jax.Array, upper: jax.Array) -> jax.Array:
    """`x` in the coordinate that runs from -1 at `lower` to 1 at `upper`; 0 where they coincide."""
    length = upper - lower
    return jnp.where(length > 0, (2 * x - lower - upper) / jnp.where(length > 0, length, 1), 0)


def _part(p: jax.Array, lower: jax.Array, upper: jax.Array, start: jax.Array, stop: jax.Array) -> jax.Array:
    """Return the series `p` on (lower, upper) as one on (start, stop)."""
    u = jnp.asarray(legendre.grid(p.shape[0])[0], p.real.dtype)[:, None, None]
    x = _unit((start + stop) / 2 + u * (stop - start) / 2, lower, upper)
    return legendre.from_values(legendre.evaluate(p[:, None], x.reshape(x.shape + (1,) * (p.ndim - 3))))


def _middle(p: jax.Array, q: jax.Array, a: jax.Array, b: jax.Array, c: jax.Array, d: jax.Array) -> jax.Array:
    """Return the middle polynomial of every pair, by a Gauss rule over the shorter piece that is exact."""
    m, n = p.shape[0], q.shape[0]
    dtype = p.real.dtype
    s, w = (jnp.asarray(v, dtype) for v in legendre_points((m + n) // 2 + 1))
    first_is_short = b - a < d - c
    lower, upper = jnp.where(first_is_short, a, c), jnp.where(first_is_short, b, d)
    start, stop = jnp.minimum(a + d, b + c), jnp.maximum(a + d, b + c)
    u = jnp.asarray(legendre.grid(max(m, n))[0], dtype)[:, None, None]
    x = (start + stop) / 2 + u * (stop - start) / 2
    y = ((lower + upper) / 2 + s[:, None, None] * (upper - lower) / 2)[None]
    x = x[:, None]
    place_f, place_g = jnp.where(first_is_short, y, x - y), jnp.where(first_is_short, x - y, y)
    widen = lambda v: v.reshape(v.shape + (1,) * (p.ndim - 3))
    at = lambda series, place, low, high: legendre.evaluate(series[:, None, None], widen(_unit(place, low, high)))
    product = at(p, place_f, a, b) * at(q, place_g, c, d) * widen((upper - lower) / 2)
    return legendre.from_values(jnp.tensordot(product, w.astype(product.dtype), axes=(1, 0), precision="highest"))


def _sum_at(series: jax.Array, lower: jax.Array, upper: jax.Array, nodes: jax.Array, middle: jax.Array) -> jax.Array:
    """Sum over all pairs of their polynomials on (lower, upper), at the nodes of the pieces that lie inside."""
    widen = lambda v: v.reshape(v.shape + (1,) * (series.ndim - 3))
    inside = (middle[:, None, None] > lower) & (middle[:, None, None] < upper)
    u = jnp.where(inside, _unit(nodes[..., None, None], lower, upper), 0)
    values = legendre.evaluate(series[:, None, None], widen(u))
    return jnp.sum(jnp.where(widen(inside), values, 0), axis=(2, 3))


def _error(f: Series, g: Series, count: int) -> jax.Array:
    length = jnp.minimum(f.breaks[-1] - f.breaks[0], g.breaks[-1] - g.breaks[0])
    eps = jnp.finfo(f.breaks.dtype).eps
    above_f, above_g = largest_value(f), largest_value(g)
    rounding = 8 * eps * count**0.5 * above_f * above_g
    return jax.lax.stop_gradient(length * (f.error * above_g + g.error * above_f + rounding))
