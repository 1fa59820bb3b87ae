"""Where the integrand of a convolution is smooth: the overlap window, cut at every breakpoint of both functions.

At a fixed t the integrand f(x) g(t - x) lives where x is in the support of f and y = t - x in that of g. A corner is a
place where one of them begins, ends or is not smooth. Each corner is held in both coordinates, (x, y) with x + y = t,
the one that the caller gave exact: a corner (p, t - p) from f, (t - q, q) from g. So neither function loses digits near
its own singularities.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jconv._core.concrete import is_traced
from jconv.continuous._types import Points, Real

Corner = tuple[jax.Array, jax.Array]


class Shape(NamedTuple):
    """What is declared of one function: the ends of its support, None where infinite, and its breakpoints."""

    lower: Real | None
    upper: Real | None
    breaks: tuple[Real, ...]


class Pieces(NamedTuple):
    """The P pieces at one t: corners (xl, yl) to (xr, yr), each (P,); which reach to infinity is static.

    An unbounded piece repeats its finite corner at the other end.
    """

    xl: jax.Array
    yl: jax.Array
    xr: jax.Array
    yr: jax.Array
    open_left: bool
    open_right: bool


def check_shape(name: str, support: Points, breaks: Points) -> Shape:
    """Check and normalise a support and breakpoints: a known inf means unbounded, a traced end is finite."""
    if len(support) != 2:
        raise ValueError(
            f"`support_{name}` must be a pair (lower, upper), got {support!r}; pass (-inf, inf) for the line"
        )
    lower, upper = support
    for end in (lower, upper):
        if not is_traced(end) and np.isnan(end):
            raise ValueError(
                f"`support_{name}` must not contain NaN, got {support!r}; pass -inf or inf where unbounded"
            )
    if not is_traced(lower) and not is_traced(upper) and not lower < upper:
        raise ValueError(f"`support_{name}` must be (lower, upper) with lower < upper, got {support!r}; swap its ends")
    breaks = tuple(breaks[i] for i in range(len(breaks)))
    for point in breaks:
        if not is_traced(point) and not np.isfinite(point):
            raise ValueError(f"`breaks_{name}` must be finite, got {point!r}; give infinite ends by `support_{name}`")
    is_finite = lambda end: is_traced(end) or not math.isinf(end)
    return Shape(lower if is_finite(lower) else None, upper if is_finite(upper) else None, breaks)


def resolve(f: Shape, g: Shape, t: jax.Array) -> Pieces:
    """Cut the overlap window at a scalar `t` into pieces on which the integrand is smooth.

    The number of pieces is static; those that fall outside the window come out empty, with xl = xr.
    """
    from_f = lambda p: (jnp.asarray(p, t.dtype), t - p)
    from_g = lambda q: (t - q, jnp.asarray(q, t.dtype))
    lower = _extreme(f.lower, g.upper, from_f, from_g, lambda a, b: a >= b)
    upper = _extreme(f.upper, g.lower, from_f, from_g, lambda a, b: a <= b)
    if lower and upper:
        inside = upper[0] > lower[0]
        upper = _choose(inside, upper, lower)
    corners = [from_f(p) for p in _breaks(f, lower, upper)] + [from_g(q) for q in _breaks(g, lower, upper)]
    if lower:
        corners = [_choose(c[0] > lower[0], c, lower) for c in corners]
    if upper:
        corners = [_choose(c[0] < upper[0], c, upper) for c in corners]
    x, y = (jnp.stack(c) for c in zip(*corners)) if corners else (jnp.zeros(0, t.dtype),) * 2
    if len(corners) > 1:
        x, y = jax.lax.sort((x, y), num_keys=1)
    ends = lambda end: tuple(jnp.reshape(c, 1) for c in end) if end else (jnp.zeros(0, t.dtype),) * 2
    (x0, y0), (x1, y1) = ends(lower), ends(upper)
    x, y = jnp.concatenate([x0, x, x1]), jnp.concatenate([y0, y, y1])
    left = lambda v: jnp.concatenate([v[:1], v]) if not lower else v
    both = lambda v: jnp.concatenate([left(v), v[-1:]]) if not upper else left(v)
    x, y = both(x), both(y)
    return Pieces(x[:-1], y[:-1], x[1:], y[1:], not lower, not upper)


def _breaks(s: Shape, lower: Corner | None, upper: Corner | None) -> tuple[Real, ...]:
    # A function on the whole line without breakpoints is anchored at 0, so that an unbounded window has a place to
    # start its maps from. In a bounded window no anchor is needed.
    if (not lower or not upper) and not s.breaks and s.lower is None and s.upper is None:
        return (0.0,)
    return s.breaks


def _choose(first: jax.Array, a: Corner, b: Corner) -> Corner:
    """Corner `a` where `first` holds, else `b`."""
    return jnp.where(first, a[0], b[0]), jnp.where(first, a[1], b[1])


def _extreme(
    p: Real | None,
    q: Real | None,
    from_f: Callable[[Real], Corner],
    from_g: Callable[[Real], Corner],
    wins: Callable[[jax.Array, jax.Array], jax.Array],
) -> Corner | None:
    """Return the end of the window given by end `p` of f and the opposite end `q` of g; None where it is unbounded."""
    if p is None:
        return None if q is None else from_g(q)
    if q is None:
        return from_f(p)
    a, b = from_f(p), from_g(q)
    return _choose(wins(a[0], b[0]), a, b)


_GOLDEN = 0.6180339887


def interior_point(s: Shape, dtype: DTypeLike) -> jax.Array:
    """Return a point inside the support, unlikely to be a special one, where an empty piece may look without harm."""
    if s.lower is not None and s.upper is not None:
        return jnp.asarray(s.lower + _GOLDEN * (s.upper - s.lower), dtype)
    if s.lower is not None:
        return jnp.asarray(s.lower + _GOLDEN, dtype)
    return jnp.asarray(_GOLDEN if s.upper is None else s.upper - _GOLDEN, dtype)
