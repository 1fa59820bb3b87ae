"""The convolution integral at given points, by quadrature that knows where the integrand is smooth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.continuous import pieces as _pieces
from jconv.continuous import quadrature
from jconv.continuous.quadrature import Convolved
from jconv.continuous.rules import GaussLegendre, Rule

_INF = math.inf
_BLOCK = 2**19  # values of the integrand that are held at once, so that memory stays bounded for any number of points


def convolve(
    f: Callable[..., Any],
    g: Callable[..., Any],
    t: Any,
    *,
    support_f: Sequence[Any] = (-_INF, _INF),
    support_g: Sequence[Any] = (-_INF, _INF),
    breaks_f: Sequence[Any] = (),
    breaks_g: Sequence[Any] = (),
    rule: Rule | None = None,
    args_f: tuple = (),
    args_g: tuple = (),
    derivative: str = "rule",
) -> Convolved:
    """Convolution of two functions of a real variable, at given points, with an error estimate.

        value(t) = ∫ f(x) g(t - x) dx

    The integral runs over the overlap of the support of f with that of g mirrored and shifted to t. It is cut at every
    breakpoint of f and of the mirrored g, and the rule is applied to each piece: a kink or a jump that is declared
    costs nothing. On an unbounded piece the rule is mapped by x = a + u/(1-u).

    Parameters
    ----------
    f, g : functions of a scalar, returning a scalar or an array (channels; those of f and g broadcast), real or
        complex. They may close over traced values. They are looked at only inside their supports.
    t : points, of any shape.
    support_f, support_g : (lower, upper) of each function. Ends may be traced (then finite).
    breaks_f, breaks_g : where the function or a derivative of it jumps; sequences of scalars, which may be traced. An
        unbounded function should name the places of its peaks here; without any it is taken to be centred at 0.
    rule : how each piece is integrated, such as `GaussLegendre(96)` (the default), `GaussKronrod(61)`, `TanhSinh(161)`.
    args_f, args_g : further arguments: the functions are called as f(x, *args_f) and g(y, *args_g).
    derivative : "rule" differentiates the sum that the rule is, nodes moving with the ends of the pieces (f and g are
        differentiated in x too). "integrand" integrates the derivative on nodes at rest and adds Leibniz's boundary
        terms at every end and breakpoint: f and g need no derivative in x where nothing but their parameters moves.

    Returns
    -------
    `(value, error)`, each of shape t.shape + channels. The error covers what the rule leaves and rounding; it is inf
    where an unbounded tail does not fall fast enough to be integrated. It is no proof: a peak between all nodes of a
    piece is seen by no rule.

    Raises
    ------
    ValueError : a reversed, empty or NaN support; a non-finite breakpoint; an unbounded support with a rule for
        bounded pieces only; outside `jit`, a function that returned NaN, with the place where it did.

    Notes
    -----
    Cost: len(t) · (1 + number of breakpoints) · n evaluations of f and g. Where the supports do not overlap the value
    is 0 exactly. The gradient flows to `args_f`, `args_g`, values that f and g close over, `t`, supports and
    breakpoints, in both modes and any order; the error has the gradient zero. The working precision is the widest
    among `t`, supports and breakpoints.

    P. J. Davis and P. Rabinowitz, *Methods of Numerical Integration* (1984); error estimates by null rules:
    D. P. Laurie, "Null rules and orthogonal expansions" (1994).

    >>> import jax.numpy as jnp
    >>> box = lambda x: jnp.ones_like(x)
    >>> value, error = convolve(box, box, jnp.array([0.25, 1.0, 3.0]), support_f=(0, 1), support_g=(0, 1))
    >>> [round(float(v), 5) for v in value]
    [0.25, 1.0, 0.0]
    """
    check.choice("derivative", derivative, ("rule", "integrand"))
    rule = _rule(rule)
    first, second = _function("f", f, args_f), _function("g", g, args_g)
    shape_f, shape_g = _pieces.shape("f", support_f, breaks_f), _pieces.shape("g", support_g, breaks_g)
    unbounded = [s for s in "fg" if None in (shape_f if s == "f" else shape_g)[:2]]
    if len(unbounded) == 2 and not rule.unbounded and _window_is_unbounded(shape_f, shape_g):
        raise ValueError(
            f"`rule` {rule} integrates bounded pieces only, but the supports of f and g overlap without bound; "
            "pass GaussLegendre() or TanhSinh(), or a bounded support"
        )
    t = jnp.asarray(t)
    dtype = _working_dtype(t, shape_f, shape_g)
    flat = t.astype(dtype).reshape(-1)
    at = lambda s: _at(first, second, s, shape_f, shape_g, rule, derivative)
    value, error = _blockwise(at, flat, rule.n * (1 + len(shape_f.breaks) + len(shape_g.breaks)))
    value = value.reshape(t.shape + value.shape[1:])
    error = error.reshape(t.shape + error.shape[1:])
    _refuse_nan(value, first, second, shape_f, shape_g, flat, rule)
    return Convolved(value, error)


def _rule(rule: Any) -> Rule:
    if rule is None:
        return GaussLegendre()
    if not isinstance(rule, Rule):
        raise TypeError(f"`rule` must be a rule such as GaussLegendre(96), got {rule!r}; rules are in jconv.continuous")
    return rule


def _function(name: str, f: Any, args: tuple) -> Callable[[jax.Array], jax.Array]:
    if not callable(f):
        raise TypeError(
            f"`{name}` must be a function of a scalar, got {type(f).__name__}; wrap an array by sampling it"
        )
    if not isinstance(args, tuple):
        raise TypeError(f"`args_{name}` must be a tuple of further arguments, got {args!r}; pass ({args!r},)")
    return lambda x: jnp.asarray(f(x, *args))


def _window_is_unbounded(f: _pieces.Shape, g: _pieces.Shape) -> bool:
    return (f.lower is None and g.upper is None) or (f.upper is None and g.lower is None)


def _working_dtype(t: Any, f: _pieces.Shape, g: _pieces.Shape) -> Any:
    ends = [v for v in (f.lower, f.upper, g.lower, g.upper, *f.breaks, *g.breaks) if v is not None]
    dtype = jnp.result_type(t, *ends, 0.0)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"`t`, supports and breakpoints must be real, got {dtype}; only f and g may be complex")
    return dtype


def _blockwise(at: Callable, t: jax.Array, evaluations: int) -> tuple[jax.Array, jax.Array]:
    """`at` at every element of `t`, so many at once that memory stays bounded."""
    block = max(1, _BLOCK // evaluations)
    return jax.vmap(at)(t) if t.size <= block else jax.lax.map(at, t, batch_size=block)


def _at(f: Any, g: Any, t: Any, shape_f: Any, shape_g: Any, rule: Rule, derivative: str) -> Convolved:
    pieces = _pieces.resolve(shape_f, shape_g, t)
    harmless = _pieces.interior(shape_f, t.dtype), _pieces.interior(shape_g, t.dtype)
    table = rule.table(t.dtype)
    segments = quadrature.whole(pieces)
    far = None
    if pieces.open_left or pieces.open_right:
        k = np.arange(pieces.xl.shape[0])
        far = jnp.asarray((k == 0) & pieces.open_left | (k == k[-1]) & pieces.open_right)
    at_rest = derivative == "integrand"
    where = quadrature.points(pieces, segments, table, harmless, t, at_rest=at_rest, closed=rule.closed)
    value, error = quadrature.summed(f, g, where, table, far)
    value, error = value.sum(0), error.sum(0)
    if at_rest:
        value = value + quadrature.boundary(f, g, pieces, harmless, t)
    return Convolved(value, error)


def _refuse_nan(value: Any, f: Any, g: Any, shape_f: Any, shape_g: Any, t: Any, rule: Rule) -> None:
    """Outside `jit`, name the function that returned NaN and a place where it did."""
    if not _pieces.concrete(value) or not np.any(np.isnan(value)):
        return
    bad = np.isnan(np.asarray(value)).reshape(t.size, -1).any(axis=1)
    at = t[int(np.argmax(bad))]
    pieces = _pieces.resolve(shape_f, shape_g, at)
    harmless = _pieces.interior(shape_f, at.dtype), _pieces.interior(shape_g, at.dtype)
    where = quadrature.points(pieces, quadrature.whole(pieces), rule.table(at.dtype), harmless, at)
    for name, function, place in (("f", f, where.x), ("g", g, where.y)):
        seen = quadrature.sampled(function, place)
        if not _pieces.concrete(seen):
            return
        nan = np.isnan(np.asarray(seen)).reshape(place.size, -1).any(axis=1)
        if nan.any():
            raise ValueError(
                f"`{name}` returned NaN at {float(place.reshape(-1)[int(np.argmax(nan))])!r} "
                f"(needed for t = {float(at)!r}); declare `support_{name}` so that {name} is defined inside it"
            )
