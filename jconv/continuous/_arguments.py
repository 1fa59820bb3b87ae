"""What `convolve` accepts: its arguments checked and brought into one form, and its results looked through."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike, DTypeLike

from jconv._core.concrete import is_traced
from jconv.continuous._adaptive import Adaptive
from jconv.continuous._declared import DeclaredRule
from jconv.continuous._function import Function
from jconv.continuous._pieces import Shape
from jconv.continuous._placement import Nodes
from jconv.continuous._quadrature import AccuracyWarning, sample_function
from jconv.continuous._rules import Rule
from jconv.continuous._types import Points, Real, ScalarFunction

AnyRule = Rule | Adaptive | DeclaredRule


def fill_shape(f: ScalarFunction, support: Points, breaks: Points) -> tuple[Points, Points]:
    """Support and breakpoints; those of a function object, where none are given."""
    is_given = len(breaks) or any(is_traced(end) or math.isfinite(float(end)) for end in support)
    if not isinstance(f, Function) or is_given:
        return support, breaks
    return f.domain, tuple(f.breaks[i] for i in range(1, f.breaks.shape[0] - 1))


def check_rule(rule: AnyRule | None, has_tolerance: bool) -> AnyRule | None:
    """Return the rule, adaptive if a tolerance is asked for; None where `convolve` is to choose."""
    if not isinstance(rule, Rule | Adaptive | DeclaredRule | None):
        raise TypeError(f"`rule` must be a rule such as GaussLegendre(96), got {rule!r}; rules are in jconv.continuous")
    if has_tolerance and isinstance(rule, DeclaredRule):
        raise ValueError(f"`rtol` and `atol` need a rule that can be refined, got {rule}; pass Adaptive()")
    return Adaptive(rule) if has_tolerance and isinstance(rule, Rule) else rule


def check_function(name: str, f: ScalarFunction, args: tuple) -> Callable[[jax.Array], jax.Array]:
    """`f` with its further arguments filled in."""
    if not callable(f):
        raise TypeError(
            f"`{name}` must be a function of a scalar, got {type(f).__name__}; wrap an array by sampling it"
        )
    if not isinstance(args, tuple):
        raise TypeError(f"`args_{name}` must be a tuple of further arguments, got {args!r}; pass ({args!r},)")
    return lambda x: jnp.asarray(f(x, *args))


def check_fit(rule: AnyRule, f: Shape, g: Shape) -> None:
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


def working_dtype(t: ArrayLike, f: Shape, g: Shape) -> DTypeLike:
    """Return the widest floating type among the points, supports and breakpoints."""
    ends = [v for v in (f.lower, f.upper, g.lower, g.upper, *f.breaks, *g.breaks) if v is not None]
    dtype = jnp.result_type(t, *ends, 0.0)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"`t`, supports and breakpoints must be real, got {dtype}; only f and g may be complex")
    return dtype


def refuse_nan(
    value: jax.Array, f: ScalarFunction, g: ScalarFunction, t: jax.Array, nodes: Callable[[jax.Array], Nodes]
) -> None:
    """Outside `jit`, name the function that returned NaN and a place where it did."""
    if is_traced(value) or not np.any(np.isnan(np.asarray(value))):
        return
    bad = np.isnan(np.asarray(value)).reshape(t.size, -1).any(axis=1)
    at = t[int(np.argmax(bad))]
    place = nodes(at)
    for name, function, where in (("f", f, place.x), ("g", g, place.y)):
        values = np.asarray(sample_function(function, where))
        nan = np.isnan(values).reshape(where.size, -1).any(axis=1)
        if nan.any():
            raise ValueError(
                f"`{name}` returned NaN at {float(where.reshape(-1)[int(np.argmax(nan))])!r} "
                f"(needed for t = {float(at)!r}); declare `support_{name}` so that {name} is defined inside it"
            )


def warn_if_exhausted(rule: AnyRule, value: jax.Array, error: jax.Array, tolerance: tuple[Real, Real]) -> None:
    """Outside `jit`, say that the subdivisions ran out before the tolerance was met."""
    if not isinstance(rule, Adaptive) or any(map(is_traced, (value, error, *tolerance))):
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
