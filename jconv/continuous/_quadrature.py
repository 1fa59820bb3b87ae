"""The sum itself: the integrand on the nodes of every piece, weighted, with an error estimate beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv.continuous._nodes import Table, legendre_points
from jconv.continuous._pieces import Pieces

COLUMNS = 8
"""Matrix products are fastest with a multiple of so many columns."""


class Convolved(NamedTuple):
    """The value of a convolution and an estimate, at least as large, of its error (rounding included)."""

    value: jax.Array
    error: jax.Array


class AccuracyWarning(UserWarning):
    """What was asked for was not attained; the message says what was."""


class Segments(NamedTuple):
    """S intervals on which the rule is applied, each a part of a piece: the piece's index, the distances of the
    interval from the piece's two ends in units of the piece, and its width in those units; all (S,)."""

    piece: Any
    left: Any
    right: Any
    width: Any


class Points(NamedTuple):
    """The nodes of S segments, (S, N): both coordinates, the Jacobian (0 where the node does not count), the
    coordinates of the nearest corner, and whether the rule's weights carry a weight function."""

    x: jax.Array
    y: jax.Array
    jacobian: jax.Array
    corner_x: jax.Array
    corner_y: jax.Array
    weighted: bool = False


def whole(pieces: Pieces) -> Segments:
    """Each piece as one segment."""
    count = pieces.xl.shape[0]
    return Segments(np.arange(count), np.zeros(count), np.zeros(count), np.ones(count))


def points(
    pieces: Pieces,
    segments: Segments,
    table: Table,
    harmless: tuple,
    t: jax.Array,
    *,
    at_rest: bool = False,
    closed: bool = False,
) -> Points:
    """Carry the nodes of `table` to every segment; nodes that do not count look at the point `harmless` instead.

    `at_rest`: nodes do not move when ends and breakpoints do; only y follows t. `closed`: nodes at the very ends are
    moved inside by a few units in the last place, to see the limit from their own side of a jump.
    """
    if at_rest:
        pieces = Pieces(*jax.lax.stop_gradient(pieces[:4]), *pieces[4:])
    dtype = pieces.xl.dtype
    column = lambda v: jnp.asarray(v, dtype)[:, None]
    pick = lambda v: v[segments.piece][:, None]
    width = column(segments.width)
    left = column(segments.left) + width * jnp.asarray(table.left, dtype)
    right = column(segments.right) + width * jnp.asarray(table.right, dtype)
    xl, yl, xr, yr = (pick(v) for v in pieces[:4])
    length = xr - xl
    counts = (length > 0) & (width > 0)
    length, jacobian = jnp.where(counts, length, 0), jnp.where(counts, length * width, 0)
    first, distance = left <= right, length * jnp.minimum(left, right)
    if pieces.open_left or pieces.open_right:
        last = pieces.xl.shape[0] - 1
        is_open = {True: pick(jnp.arange(last + 1) == last) & pieces.open_right}
        is_open[False] = pick(jnp.arange(last + 1) == 0) & pieces.open_left
        # Beyond this distance (1e60, or 1e12 in float32) no integrable tail counts, and powers of x may overflow.
        nearest = 1e-60 if jnp.finfo(dtype).bits == 64 else 1e-12
        counts = jnp.broadcast_to(counts, first.shape)
        for rightward, mine in is_open.items():
            near, far = (left, right) if rightward else (right, left)
            far = jnp.maximum(far, nearest)
            first = jnp.where(mine, rightward, first)
            distance = jnp.where(mine, near / far, distance)
            jacobian = jnp.where(mine, width / far**2, jacobian)
            counts = jnp.where(mine, (far > nearest) & (width > 0), counts)
        jacobian, distance = jnp.where(counts, jacobian, 0), jnp.where(counts, distance, 0)
    inside = lambda corner, place: jnp.where(counts, corner, place)
    corner_x = jnp.where(first, inside(xl, harmless[0]), inside(xr, harmless[0]))
    corner_y = jnp.where(first, inside(yl, harmless[1]), inside(yr, harmless[1]))
    if closed:
        distance = jnp.maximum(distance, jnp.minimum(_nudge(corner_x, corner_y), length / 2))
    sign = jnp.where(first, 1, -1).astype(dtype)
    x, y = corner_x + sign * _off(corner_x, distance), corner_y - sign * _off(corner_y, distance)
    if at_rest:
        y = y + (t - jax.lax.stop_gradient(t))
    return Points(x, y, jnp.broadcast_to(jacobian, x.shape), corner_x, corner_y)


def _nudge(x: jax.Array, y: jax.Array) -> jax.Array:
    """A step inside from a corner that rounding cannot undo in either coordinate."""
    return 4 * jnp.finfo(x.dtype).eps * jnp.maximum(jnp.abs(x), jnp.abs(y))


def _off(corner: jax.Array, distance: jax.Array) -> jax.Array:
    """The distance, but not so small that rounding leads to the corner itself, where a function may be infinite."""
    return jnp.maximum(distance, jax.lax.stop_gradient(jnp.finfo(corner.dtype).eps * jnp.abs(corner)))


def boundary(f: Callable, g: Callable, pieces: Pieces, harmless: tuple, t: jax.Array) -> jax.Array:
    """Leibniz's boundary terms, for nodes at rest: zero in value, with the derivatives of the moving ends.

    The integral over the sliver between an end at rest, b0, and the same end moving, b, by a Gauss rule of three nodes:
    its first derivative is F(b) db, and all derivatives to the sixth order are exact.
    """
    nodes, weights = legendre_points(3)
    total = jnp.zeros((), t.dtype)
    ends = ((pieces.xl, pieces.yl, pieces.open_left, 1), (pieces.xr, pieces.yr, pieces.open_right, -1))
    for x, y, is_open, inward in ends:
        count = x.shape[0]
        index = np.arange(count)
        finite = jnp.asarray(index != (0 if inward == 1 else count - 1)) if is_open else True
        exists = finite & (
            (pieces.xr > pieces.xl) | (index == 0) & pieces.open_left | (index == count - 1) & pieces.open_right
        )
        rest_x, rest_y = jax.lax.stop_gradient((x, y))
        nudge = inward * _nudge(rest_x, rest_y)
        for node, weight in zip(nodes, weights):
            part = (1 + node) / 2 * (x - rest_x)
            at_x = sampled(f, jnp.where(exists, rest_x + nudge + part, harmless[0]))
            at_y = sampled(g, jnp.where(exists, rest_y - nudge - part + (t - jax.lax.stop_gradient(t)), harmless[1]))
            at_x, at_y = _align(at_x, at_y, 1)
            sliver = jnp.where(exists, -inward * weight / 2 * (x - rest_x), 0)
            total = total + jnp.sum(at_x * at_y * sliver.reshape(sliver.shape + (1,) * (at_x.ndim - 1)), axis=0)
    return total


def sampled(f: Callable, x: jax.Array) -> jax.Array:
    """`f`, a function of a scalar, at every element of `x`: shape x.shape + (shape of one value of f)."""
    flat = jax.vmap(f)(x.reshape(-1))
    return jnp.reshape(flat, x.shape + flat.shape[1:])


def _align(a: jax.Array, b: jax.Array, leading: int) -> tuple[jax.Array, jax.Array]:
    """Insert channel axes after the leading ones, so that the channels of `a` and `b` broadcast as NumPy's do."""
    rank = max(a.ndim, b.ndim)
    grow = lambda v: v.reshape(v.shape[:leading] + (1,) * (rank - v.ndim) + v.shape[leading:])
    return grow(a), grow(b)


def summed(f: Callable, g: Callable, p: Points, table: Table, far_end: Any) -> tuple[jax.Array, jax.Array]:
    """The rule's value and error on every segment: (S, channels) each.

    `far_end`, (S,): the segments that reach to infinity; None if none can.
    """
    at_x, at_y = _align(sampled(f, p.x), sampled(g, p.y), 2)
    wide = lambda v: v.reshape(v.shape + (1,) * (at_x.ndim - 2))
    product = jnp.where(wide(p.jacobian != 0), at_x * at_y, 0)
    # Held in memory: sums would each compute all of it anew. The rule and its null rules are one product, also where no
    # error is wanted: XLA runs loops without products on a single core.
    weighted = jax.lax.optimization_barrier(product * wide(p.jacobian))
    rules = np.concatenate([table.weights[:, None], table.null.T], axis=1)
    count = rules.shape[1]
    sums = _contract(weighted, np.pad(rules, [(0, 0), (0, -count % COLUMNS)]))[..., :count]
    value = sums[..., 0]
    # None of the error estimate is differentiated.
    missed = jnp.max(jnp.abs(jax.lax.stop_gradient(sums[..., 1:])), axis=-1)
    watched = lambda v: jax.lax.stop_gradient(v[:, : table.watched])
    # f and g at the watched nodes are computed once more and kept: cheaper than to keep them at all nodes.
    kept_x, kept_y = jax.lax.optimization_barrier((watched(at_x), watched(at_y)))
    weights = table.weights[: table.watched]
    weights = weights * (table.weights.sum() / weights.sum())
    seen = Points(watched(p.x), watched(p.y), watched(p.jacobian), watched(p.corner_x), watched(p.corner_y), p.weighted)
    error = missed + _rounding(watched(weighted), kept_x, kept_y, seen, weights, wide)
    if far_end is None:
        return value, error
    product, p = jax.lax.stop_gradient(product), Points(*jax.lax.stop_gradient(p[:5]))
    return value, error + _tail(product, p, far_end, wide)


def _contract(values: jax.Array, weights: np.ndarray) -> jax.Array:
    """Sum over the nodes, (S, N, channels) to (S, channels), or (S, channels, M) for M columns of weights.

    As a matrix product: XLA's own reductions keep the order of a sum, and so leave a CPU's vector units idle.
    """
    return jnp.tensordot(values, jnp.asarray(weights, values.dtype), axes=(1, 0), precision="highest")


def _rounding(weighted: Any, at_x: Any, at_y: Any, p: Points, weights: Any, wide: Callable) -> jax.Array:
    """The effect of rounding: of the values and their sum, and of the places where the functions are looked at.

    At the watched nodes, whose `weights` have the sum of all. A place rounded by r moves the integral of F by at most r
    times that of |F'|, which is the sum of the rises of F from node to node.
    """
    # Slices, not a shifted copy: XLA does not vectorise a loop that a concatenation is fused into.
    later, before = (lambda v: v[:, 1:]), (lambda v: v[:, :-1])
    weights = jnp.asarray(weights, p.x.dtype)
    size = 8 * jnp.abs(weighted) * wide(weights)
    rise = lambda v: jnp.abs(later(v) - before(v))
    place = lambda v, corner: wide(jnp.maximum(jnp.abs(later(v)), jnp.abs(later(jnp.broadcast_to(corner, v.shape)))))
    moved = rise(at_x) * place(p.x, p.corner_x) * jnp.abs(later(at_y))
    moved = moved + rise(at_y) * place(p.y, p.corner_y) * jnp.abs(later(at_x))
    if p.weighted:  # the integral of |F'| is then not the sum of the rises
        step = rise(p.x)
        size = size * (1 + p.x.shape[1])  # as many roundings went into weights by recurrence
        moved = moved * wide(jnp.where(step > 0, later(p.jacobian) * weights[1:] / jnp.where(step > 0, step, 1), 0))
    moved = jnp.where(wide((later(p.jacobian) != 0) & (before(p.jacobian) != 0)), moved, 0)
    total = size[:, 0] + _contract(later(size) + moved, np.ones(p.x.shape[1] - 1))
    return jnp.finfo(p.x.dtype).eps * total


def _tail(product: Any, p: Points, far_end: Any, wide: Callable) -> jax.Array:
    """What may lie beyond the last node of a segment that reaches to infinity; inf where |x F| does not fall there."""
    offset = jnp.where((p.jacobian != 0) & far_end[:, None], jnp.abs(p.x - p.corner_x), 0)
    most = jnp.max(offset, axis=1, keepdims=True)
    least = jnp.maximum(1, jnp.min(jnp.where(offset > 0, offset, jnp.inf), axis=1, keepdims=True))
    envelope = jnp.abs(product) * wide(offset)
    beyond = lambda part: jnp.max(jnp.where(wide(offset > least * (most / least) ** part), envelope, 0), axis=1)
    late, last = beyond(0.5), jnp.max(jnp.where(wide(offset == most), envelope, 0), axis=1)
    return jnp.where((late > 0) & (late >= 0.6 * beyond(0.25)), jnp.inf, last)
