"""The convolution integral at given points, by quadrature that knows where the integrand is smooth."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.continuous import _adaptive as adaptive
from jconv.continuous import _pieces
from jconv.continuous import _quadrature as quadrature
from jconv.continuous._adaptive import Adaptive
from jconv.continuous._declared import DeclaredRule
from jconv.continuous._distributions import Delta, Distribution, distributions_convolved
from jconv.continuous._function import Function
from jconv.continuous._nodes import Table
from jconv.continuous._periodic import PeriodicFunction, periodic_convolved
from jconv.continuous._quadrature import AccuracyWarning, Convolved
from jconv.continuous._rules import GaussLegendre, Rule

_INF = math.inf
_BLOCK = 2**17  # values of the integrand that are held at once: they stay in cache, for any number of points


def convolve(
    f: Callable[..., Any],
    g: Callable[..., Any],
    t: Any = None,
    *,
    support_f: Sequence[Any] = (-_INF, _INF),
    support_g: Sequence[Any] = (-_INF, _INF),
    breaks_f: Sequence[Any] = (),
    breaks_g: Sequence[Any] = (),
    rule: Rule | Adaptive | DeclaredRule | None = None,
    rtol: Any = None,
    atol: Any = None,
    args_f: tuple = (),
    args_g: tuple = (),
    derivative: str = "rule",
    extent: str = "full",
) -> Any:
    """Convolution of two functions of a real variable, at given points, with an error estimate.

        value(t) = ∫ f(x) g(t - x) dx

    Without `t`, f and g are function objects (`Function`, `PeriodicFunction`, `Delta`, `Distribution`), and so is the
    result: exact for piecewise polynomials, on [a + c, b + d].

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
    rule : how each piece is integrated, such as `GaussLegendre(96)` (the default), `GaussKronrod(61)`, `TanhSinh(161)`
        (integrable singularities at ends and breakpoints), `ClenshawCurtis(129)`, `Adaptive(...)`; or one for which a
        weight or a period is declared: `GaussHermite`, `GaussLaguerre`, `PeriodicTrapezoid`.
    rtol, atol : subdivide pieces until the error is at most max(atol, rtol |value|), by `Adaptive(rule)`; where the
        reported error is larger, the subdivisions ran out (outside `jit` an `AccuracyWarning` says so too).
    args_f, args_g : further arguments: the functions are called as f(x, *args_f) and g(y, *args_g).
    derivative : "rule" differentiates the sum that the rule is, nodes moving with the ends of the pieces (f and g are
        differentiated in x too). "integrand" integrates the derivative on nodes at rest and adds Leibniz's boundary
        terms at every end and breakpoint: f and g need no derivative in x where nothing but their parameters moves.

    extent : of a convolution of function objects: "full", or "same", the domain of f.

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
    check.choice("extent", extent, ("full", "same"))
    if t is None:
        return _objects_convolved(f, g, extent)
    (support_f, breaks_f), (support_g, breaks_g) = _known(f, support_f, breaks_f), _known(g, support_g, breaks_g)
    chosen, tolerance = _rule(rule, rtol, atol)
    first, second = _function("f", f, args_f), _function("g", g, args_g)
    shape_f, shape_g = _pieces.shape("f", support_f, breaks_f), _pieces.shape("g", support_g, breaks_g)
    _fits(chosen, shape_f, shape_g)
    t = jnp.asarray(t)
    dtype = _working_dtype(t, shape_f, shape_g)
    flat = t.astype(dtype).reshape(-1)
    if isinstance(chosen, DeclaredRule):
        nodes = chosen.points
        at, evaluations = functools.partial(_with_nodes, first, second, chosen), chosen.n
    else:
        problem = _Problem(first, second, shape_f, shape_g, chosen, tolerance, derivative == "integrand")
        nodes, at, evaluations = problem.nodes, problem.at, problem.evaluations
    value, error = _blockwise(at, flat, evaluations)
    value = value.reshape(t.shape + value.shape[1:])
    error = error.reshape(t.shape + error.shape[1:])
    _refuse_nan(value, first, second, flat, nodes)
    _warn_if_exhausted(chosen, value, error, tolerance)
    return Convolved(value, error)


def _objects_convolved(f: Any, g: Any, extent: str) -> Any:
    objects = (Function, Delta, Distribution)
    if isinstance(f, PeriodicFunction) and isinstance(g, PeriodicFunction):
        return periodic_convolved(f, g)
    if not (isinstance(f, objects) and isinstance(g, objects)):
        kinds = f"{type(f).__name__} and {type(g).__name__}"
        raise TypeError(f"`t` is missing, and f and g are not function objects of one kind but {kinds}; pass `t`")
    result = distributions_convolved(f, g)
    if extent == "full":
        return result
    if not (isinstance(f, Function) and isinstance(result, Function)):
        raise ValueError("`extent='same'` wants a `Function` as f and as the result; use 'full' with deltas")
    return result.restrict(*f.domain)


def _known(f: Any, support: Sequence[Any], breaks: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Support and breakpoints; those of a function object, where none are given."""
    if not isinstance(f, Function) or len(breaks) or any(not _pieces.concrete(v) or math.isfinite(v) for v in support):
        return support, breaks
    return f.domain, tuple(f.breaks[i] for i in range(1, f.breaks.shape[0] - 1))


class _Problem(NamedTuple):
    """What is the same for all points t."""

    f: Callable
    g: Callable
    shape_f: _pieces.Shape
    shape_g: _pieces.Shape
    rule: Rule | Adaptive
    tolerance: tuple
    at_rest: bool

    @property
    def base(self) -> Rule:
        return self.rule.rule if isinstance(self.rule, Adaptive) else self.rule

    @property
    def evaluations(self) -> int:
        pieces = 1 + len(self.shape_f.breaks) + len(self.shape_g.breaks)
        return self.base.n * (max(pieces, self.rule.limit) if isinstance(self.rule, Adaptive) else pieces)

    def table(self, dtype: Any) -> Table:
        return self.base.table(dtype).watched_first()

    def at(self, t: jax.Array) -> Convolved:
        pieces = _pieces.resolve(self.shape_f, self.shape_g, t)
        table, place = self.table(t.dtype), functools.partial(self.place, t)
        segments = quadrature.whole(pieces)
        if isinstance(self.rule, Adaptive):
            segments = adaptive.subdivide(self.f, self.g, pieces, self.rule.limit, table, place, *self.tolerance)
        far = adaptive.far_ends(pieces, segments)
        value, error = quadrature.summed(self.f, self.g, place(pieces, segments), table, far)
        value, error = value.sum(0), error.sum(0)
        if self.at_rest:
            value = value + quadrature.boundary(self.f, self.g, pieces, self.harmless(t), t)
        return Convolved(value, error)

    def harmless(self, t: jax.Array) -> tuple[jax.Array, jax.Array]:
        return _pieces.interior(self.shape_f, t.dtype), _pieces.interior(self.shape_g, t.dtype)

    def place(self, t: jax.Array, pieces: _pieces.Pieces, segments: quadrature.Segments) -> quadrature.Points:
        options = {"at_rest": self.at_rest, "closed": self.base.closed}
        return quadrature.points(pieces, segments, self.table(t.dtype), self.harmless(t), t, **options)

    def nodes(self, t: jax.Array) -> quadrature.Points:
        """The nodes of the rule on whole pieces."""
        pieces = _pieces.resolve(self.shape_f, self.shape_g, t)
        return self.place(t, pieces, quadrature.whole(pieces))


def _with_nodes(f: Callable, g: Callable, rule: DeclaredRule, t: jax.Array) -> Convolved:
    value, error = quadrature.summed(f, g, rule.points(t), rule.table(t.dtype), None)
    return Convolved(value.sum(0), error.sum(0))


def _rule(rule: Any, rtol: Any, atol: Any) -> tuple[Any, tuple]:
    """The rule, adaptive if a tolerance is asked for, and (rtol, atol)."""
    if not isinstance(rule, Rule | Adaptive | DeclaredRule | None):
        raise TypeError(f"`rule` must be a rule such as GaussLegendre(96), got {rule!r}; rules are in jconv.continuous")
    asked = rtol is not None or atol is not None
    if asked and isinstance(rule, DeclaredRule):
        raise ValueError(f"`rtol` and `atol` need a rule that can be refined, got {rule}; pass Adaptive()")
    if asked and not isinstance(rule, Adaptive | DeclaredRule):
        rule = Adaptive() if rule is None else Adaptive(rule)
    if rtol is None:
        rtol = 0.0 if atol is not None else 1e-10
    return GaussLegendre() if rule is None else rule, (rtol, 0.0 if atol is None else atol)


def _function(name: str, f: Any, args: tuple) -> Callable[[jax.Array], jax.Array]:
    if not callable(f):
        raise TypeError(
            f"`{name}` must be a function of a scalar, got {type(f).__name__}; wrap an array by sampling it"
        )
    if not isinstance(args, tuple):
        raise TypeError(f"`args_{name}` must be a tuple of further arguments, got {args!r}; pass ({args!r},)")
    return lambda x: jnp.asarray(f(x, *args))


def _fits(rule: Any, f: _pieces.Shape, g: _pieces.Shape) -> None:
    """Refuse a rule that cannot integrate over these supports."""
    if isinstance(rule, DeclaredRule):
        if any(s.lower is not None or s.upper is not None or s.breaks for s in (f, g)):
            raise ValueError(
                f"`rule` {rule} has its own nodes on the line; leave supports and breakpoints at their defaults"
            )
        return
    unbounded = (f.lower is None and g.upper is None) or (f.upper is None and g.lower is None)
    if unbounded and not (rule.rule if isinstance(rule, Adaptive) else rule).unbounded:
        raise ValueError(
            f"`rule` {rule} integrates bounded pieces only, but the supports of f and g overlap without bound; "
            "pass GaussLegendre() or TanhSinh(), or a bounded support"
        )


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


def _refuse_nan(value: Any, f: Any, g: Any, t: Any, nodes: Callable) -> None:
    """Outside `jit`, name the function that returned NaN and a place where it did."""
    if not _pieces.concrete(value) or not np.any(np.isnan(value)):
        return
    bad = np.isnan(np.asarray(value)).reshape(t.size, -1).any(axis=1)
    at = t[int(np.argmax(bad))]
    where = nodes(at)
    for name, function, place in (("f", f, where.x), ("g", g, where.y)):
        seen = quadrature.sampled(function, place)
        nan = np.isnan(np.asarray(seen)).reshape(place.size, -1).any(axis=1)
        if nan.any():
            raise ValueError(
                f"`{name}` returned NaN at {float(place.reshape(-1)[int(np.argmax(nan))])!r} "
                f"(needed for t = {float(at)!r}); declare `support_{name}` so that {name} is defined inside it"
            )


def _warn_if_exhausted(rule: Any, value: Any, error: Any, tolerance: tuple) -> None:
    """Outside `jit`, say that the subdivisions ran out before the tolerance was met."""
    if not isinstance(rule, Adaptive) or not all(map(_pieces.concrete, (value, error, *tolerance))):
        return
    rtol, atol = tolerance
    short = np.asarray(error) > np.maximum(atol, rtol * np.abs(value))
    if short.any():
        warnings.warn(
            f"{rule} ran out of subdivisions at {short.sum()} of {short.size} values; the largest error there is "
            f"{float(np.max(np.where(short, error, 0))):.1e}: raise `limit`, declare breakpoints, or relax `rtol`",
            AccuracyWarning,
            stacklevel=3,
        )
