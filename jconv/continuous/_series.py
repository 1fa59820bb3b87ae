"""Piecewise Legendre series as plain arrays, and what keeps their number of pieces: evaluation and arithmetic."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.concrete import is_traced
from jconv.continuous import _legendre as legendre
from jconv.continuous._types import Real


class Series(NamedTuple):
    """A function on an interval, zero outside.

    breaks: (K+1,), ascending, the ends of the K pieces. coefficients: (n, K, *channels), degrees first, each piece on
    [-1, 1]. error: an upper estimate of the absolute error.
    """

    breaks: jax.Array
    coefficients: jax.Array
    error: Real = 0.0


def align_rank(sign: np.ndarray | jax.Array, array: jax.Array) -> np.ndarray | jax.Array:
    """One value for each degree, (n,), shaped to broadcast along axis 0 of `array`."""
    return sign.reshape((-1,) + (1,) * (array.ndim - 1))


def mirror_degrees(coefficients: jax.Array) -> jax.Array:
    """Return the series of u -> p(-u): P_k(-u) = (-1)^k P_k(u)."""
    return coefficients * align_rank(1 - 2 * (np.arange(coefficients.shape[0]) % 2), coefficients)


def evaluate(series: Series, piece: jax.Array, x: jax.Array) -> jax.Array:
    """Values at `x`, each by the polynomial of the given piece; zero outside the domain."""
    breaks = series.breaks
    lower, upper = breaks[piece], breaks[piece + 1]
    length = upper - lower
    u = (2 * x - lower - upper) / jnp.where(length > 0, length, 1)
    channels = series.coefficients.ndim - 2
    widen = lambda v: v.reshape(v.shape + (1,) * channels)
    inside = (x >= breaks[0]) & (x <= breaks[-1])
    # Outside the domain a polynomial may overflow, so the middle of the piece stands in there.
    values = legendre.evaluate(series.coefficients[:, piece], widen(jnp.where(inside, u, 0)))
    return jnp.where(widen(inside), values, 0)


def piece_nodes(edges: jax.Array, count: int) -> jax.Array:
    """Return the Gauss–Legendre nodes of every piece, (count, K)."""
    u = jnp.asarray(legendre.grid(count)[0], edges.dtype)[:, None]
    return (edges[:-1] + edges[1:]) / 2 + u * (edges[1:] - edges[:-1]) / 2


def sample_pieces(series: Series, edges: jax.Array, count: int) -> jax.Array:
    """Values at the nodes of finer pieces; each must lie inside one piece of the series, or outside its domain."""
    middle = (edges[:-1] + edges[1:]) / 2
    piece = jnp.searchsorted(series.breaks[1:-1], middle, side="right")
    nodes = piece_nodes(edges, count)
    return evaluate(series, jnp.broadcast_to(piece, nodes.shape), nodes)


@functools.partial(jax.jit, static_argnums=2)
def resample(series: Series, edges: jax.Array, count: int) -> Series:
    """Describe the same function on finer pieces, `count` coefficients each."""
    return Series(edges, legendre.from_values(sample_pieces(series, edges, count)), series.error)


def combine(f: Series, g: Series, count: int, operation: Callable, error: Real) -> Series:
    """Return the pointwise `operation` of two series, on the pieces that both of their breakpoints make."""
    edges = merge_breaks(jnp.concatenate([f.breaks, g.breaks]))
    return Series(edges, _combine_coefficients(f, g, edges, count, operation), error)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _combine_coefficients(f: Series, g: Series, edges: jax.Array, count: int, operation: Callable) -> jax.Array:
    return legendre.from_values(operation(sample_pieces(f, edges, count), sample_pieces(g, edges, count)))


def merge_breaks(points: jax.Array) -> jax.Array:
    """Breakpoints in order. Where values are known, those that coincide to rounding become one."""
    points = jnp.sort(points.reshape(-1))
    if is_traced(points):
        return points
    known = np.asarray(points)
    apart = np.diff(known, prepend=-np.inf) > 64 * np.finfo(known.dtype).eps * np.max(np.abs(known), initial=0)
    return jnp.asarray(known[apart])


def drop_degrees(series: Series, below: float) -> Series:
    """Drop the trailing degrees of each piece whose coefficients are at most `below`; outside `jit`."""
    coefficients = np.asarray(series.coefficients)
    sizes = np.abs(coefficients).reshape(*coefficients.shape[:2], -1).max(axis=2)
    degrees = np.arange(len(sizes))[:, None]
    last = np.max(np.where(sizes > below, degrees, 0), axis=0)
    kept = (degrees <= last).reshape(sizes.shape + (1,) * (coefficients.ndim - 2))
    return series._replace(coefficients=jnp.asarray(np.where(kept, coefficients, 0)[: last.max() + 1]))


def largest_value(series: Series) -> jax.Array:
    """Return an upper bound of the absolute value, since |P_k| is at most 1; shape channels reduced to one number."""
    return jnp.max(jnp.sum(jnp.abs(series.coefficients), axis=0))
