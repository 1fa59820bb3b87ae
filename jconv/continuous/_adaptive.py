"""Adaptive subdivision inside `jit`: bisect the worst segment, a bounded number of times.

The search for where to cut is not differentiated; the cuts are then integrated like any other set of pieces. So
derivatives of every order come out in both modes, as those of the rule on those cuts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.continuous._nodes import Table
from jconv.continuous._pieces import Pieces
from jconv.continuous._placement import Nodes, Segments, whole_pieces
from jconv.continuous._quadrature import sample_function, sum_rule
from jconv.continuous._rules import GaussKronrod, Rule
from jconv.continuous._types import Real, ScalarFunction

_State = tuple[jax.Array, Segments, jax.Array, jax.Array]
"""Segments in use, all segments, and the value and error of each."""


@dataclass(frozen=True)
class Adaptive:
    """Adaptive subdivision: bisect the segment of largest error until the tolerance is met or `limit` is reached.

    The tolerance is max(atol, rtol |value|), with `rtol` and `atol` of `convolve`.

    Parameters
    ----------
    rule : Rule
        The rule on each segment. Default `GaussKronrod(31)`.
    limit : int
        The largest number of segments. Default 32.

    Raises
    ------
    TypeError
        If `rule` is not a `Rule`.
    ValueError
        If `limit` is below 1.

    Notes
    -----
    If the reported error exceeds the tolerance, the limit was reached.

    Examples
    --------
    >>> Adaptive(limit=8).rule
    GaussKronrod(n=31)
    """

    rule: Rule = field(default_factory=lambda: GaussKronrod(31))
    limit: int = 32

    def __post_init__(self) -> None:
        check.positive_int("Adaptive.limit", self.limit)
        if not isinstance(self.rule, Rule):
            raise TypeError(f"`Adaptive.rule` must be a rule on pieces, got {self.rule!r}; pass GaussKronrod(31)")


def far_ends(pieces: Pieces, segments: Segments) -> jax.Array | None:
    """Which segments reach to infinity, (S,); None if none can."""
    if not (pieces.open_left or pieces.open_right):
        return None
    last = pieces.xl.shape[0] - 1
    piece, left, right = (jnp.asarray(v) for v in segments[:3])
    return (piece == last) & (right == 0) & pieces.open_right | (piece == 0) & (left == 0) & pieces.open_left


def subdivide(
    f: ScalarFunction,
    g: ScalarFunction,
    pieces: Pieces,
    limit: int,
    table: Table,
    place: Callable[[Pieces, Segments], Nodes],
    tolerance: tuple[Real, Real],
) -> Segments:
    """Return the segments, `limit` of them (unused ones of width 0), at which the bisection of `pieces` stops.

    `place(pieces, segments)` gives the nodes, in the order of `table`; `tolerance` is (rtol, atol).
    """
    rtol, atol = tolerance
    dtype, count = pieces.xl.dtype, pieces.xl.shape[0]
    limit = max(limit, count)
    pieces = Pieces(*jax.lax.stop_gradient(pieces[:4]), *pieces[4:])
    # What the functions close over comes in as an argument, so that no derivative is carried through the loop.
    f, constants_f = jax.closure_convert(f, jnp.zeros((), dtype))
    g, constants_g = jax.closure_convert(g, jnp.zeros((), dtype))
    constants_f, constants_g = jax.lax.stop_gradient((constants_f, constants_g))

    def measure(segments: Segments) -> tuple[jax.Array, jax.Array]:
        nodes = place(pieces, segments)
        at_x = sample_function(lambda x: f(x, *constants_f), nodes.x)
        at_y = sample_function(lambda y: g(y, *constants_g), nodes.y)
        value, error = sum_rule(at_x, at_y, nodes, table, far_ends(pieces, segments))
        return value.reshape(value.shape[0], -1), error.reshape(error.shape[0], -1)

    def excess(value: jax.Array, error: jax.Array) -> jax.Array:
        return error.sum(0) - jnp.maximum(atol, rtol * jnp.abs(value.sum(0)))

    def is_unfinished(state: _State) -> jax.Array:
        used, _, value, error = state
        return (used < limit) & jnp.any(excess(value, error) > 0)

    def bisect(state: _State) -> _State:
        used, segments, value, error = state
        # The worst segment, in the channels that are not yet accurate enough.
        open_channels = jnp.where(excess(value, error) > 0, error, 0)
        worst = jnp.argmax(jnp.where(jnp.arange(limit) < used, jnp.max(open_channels, axis=1), -1))
        piece, left, right, width = (v[worst] for v in segments)
        half = width / 2
        halves = Segments(
            jnp.stack([piece, piece]),
            jnp.stack([left, left + half]),
            jnp.stack([right + half, right]),
            jnp.stack([half, half]),
        )
        index = jnp.stack([worst, used])
        put = lambda whole, parts: whole.at[index].set(parts)
        values, errors = measure(halves)
        return used + 1, Segments(*map(put, segments, halves)), put(value, values), put(error, errors)

    first = Segments(jnp.arange(count), *(jnp.asarray(v, dtype) for v in whole_pieces(pieces)[1:]))
    values, errors = measure(first)
    grow = lambda v: jnp.zeros((limit, *v.shape[1:]), v.dtype).at[:count].set(v)
    state = jnp.asarray(count), Segments(*map(grow, first)), grow(values), grow(errors)
    return jax.lax.while_loop(is_unfinished, bisect, state)[1]
