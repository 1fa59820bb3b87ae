"""Where the nodes of a rule lie: carried from [0, 1] to every segment of every piece, in both coordinates."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv.continuous._nodes import Table
from jconv.continuous._pieces import Pieces

ArrayOrNumPy = jax.Array | np.ndarray


class Segments(NamedTuple):
    """S intervals on which the rule is applied, each a part of a piece; all fields are (S,).

    piece: its index. left, right: the distances of the interval from the piece's two ends, in units of the piece.
    width: its width in those units.
    """

    piece: ArrayOrNumPy
    left: ArrayOrNumPy
    right: ArrayOrNumPy
    width: ArrayOrNumPy


class Nodes(NamedTuple):
    """The N nodes of each of S segments; all fields are (S, N).

    x, y: both coordinates. jacobian: 0 where a node does not count. corner_x, corner_y: the nearest corner. distance:
    from that corner, to full relative accuracy also where x and y are rounded.
    """

    x: jax.Array
    y: jax.Array
    jacobian: jax.Array
    corner_x: jax.Array
    corner_y: jax.Array
    distance: jax.Array


def whole_pieces(pieces: Pieces) -> Segments:
    """Each piece as one segment."""
    count = pieces.xl.shape[0]
    return Segments(np.arange(count), np.zeros(count), np.zeros(count), np.ones(count))


def place_nodes(
    pieces: Pieces,
    segments: Segments,
    table: Table,
    harmless: tuple[jax.Array, jax.Array],
    t: jax.Array,
    *,
    at_rest: bool = False,
    closed: bool = False,
) -> Nodes:
    """Carry the nodes of `table` to every segment. Nodes that do not count look at the point `harmless` instead.

    at_rest: nodes do not move when ends and breakpoints do; only y follows t. closed: nodes at the very ends are moved
    inside by a few units in the last place, to see the limit from their own side of a jump.
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
    from_left, distance = left <= right, length * jnp.minimum(left, right)
    if pieces.open_left or pieces.open_right:
        last = pieces.xl.shape[0] - 1
        is_open = {True: pick(jnp.arange(last + 1) == last) & pieces.open_right}
        is_open[False] = pick(jnp.arange(last + 1) == 0) & pieces.open_left
        # Beyond this distance (1e60, or 1e12 in float32) no integrable tail counts, and powers of x may overflow.
        nearest = 1e-60 if jnp.finfo(dtype).bits == 64 else 1e-12
        counts = jnp.broadcast_to(counts, from_left.shape)
        for rightward, mine in is_open.items():
            near, far = (left, right) if rightward else (right, left)
            far = jnp.maximum(far, nearest)
            from_left = jnp.where(mine, rightward, from_left)
            distance = jnp.where(mine, near / far, distance)
            jacobian = jnp.where(mine, width / far**2, jacobian)
            counts = jnp.where(mine, (far > nearest) & (width > 0), counts)
        jacobian, distance = jnp.where(counts, jacobian, 0), jnp.where(counts, distance, 0)
    inside = lambda corner, stand_in: jnp.where(counts, corner, stand_in)
    corner_x = jnp.where(from_left, inside(xl, harmless[0]), inside(xr, harmless[0]))
    corner_y = jnp.where(from_left, inside(yl, harmless[1]), inside(yr, harmless[1]))
    if closed:
        distance = jnp.maximum(distance, jnp.minimum(smallest_step(corner_x, corner_y), length / 2))
    sign = jnp.where(from_left, 1, -1).astype(dtype)
    x = corner_x + sign * _resolved_distance(corner_x, distance)
    y = corner_y - sign * _resolved_distance(corner_y, distance)
    if at_rest:
        y = y + (t - jax.lax.stop_gradient(t))
    return Nodes(x, y, jnp.broadcast_to(jacobian, x.shape), corner_x, corner_y, jnp.broadcast_to(distance, x.shape))


def smallest_step(x: jax.Array, y: jax.Array) -> jax.Array:
    """Return a step inside from a corner that rounding cannot undo in either coordinate."""
    return 4 * jnp.finfo(x.dtype).eps * jnp.maximum(jnp.abs(x), jnp.abs(y))


def _resolved_distance(corner: jax.Array, distance: jax.Array) -> jax.Array:
    """Keep the distance so large that rounding does not lead to the corner itself, where a function may be infinite."""
    return jnp.maximum(distance, jax.lax.stop_gradient(jnp.finfo(corner.dtype).eps * jnp.abs(corner)))
