"""The convolution integral at given points, by quadrature that knows where the integrand is smooth."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike

from jconv._core import check
from jconv.continuous._adaptive import Adaptive
from jconv.continuous._arguments import (
    AnyRule,
    check_fit,
    check_function,
    check_rule,
    fill_shape,
    refuse_nan,
    warn_if_exhausted,
    working_dtype,
)
from jconv.continuous._corners import has_singular_corner
from jconv.continuous._pieces import check_shape
from jconv.continuous._pointwise import Problem, integrate_points
from jconv.continuous._quadrature import Convolved
from jconv.continuous._rules import GaussLegendre, TanhSinh
from jconv.continuous._types import Points, Real, ScalarFunction

_LINE = (-math.inf, math.inf)


def convolve(
    f: ScalarFunction,
    g: ScalarFunction,
    t: ArrayLike | None = None,
    *,
    support_f: Points = _LINE,
    support_g: Points = _LINE,
    breaks_f: Points = (),
    breaks_g: Points = (),
    rule: AnyRule | None = None,
    rtol: Real | None = None,
    atol: Real | None = None,
    args_f: tuple = (),
    args_g: tuple = (),
    derivative: str = "rule",
) -> Convolved:
    r"""Convolve two functions of a real variable at given points, with an error estimate.

    .. math:: (f \otimes g)(t) = \int f(x)\, g(t - x)\, dx

    The integral runs over the overlap of the support of f with that of g mirrored and shifted to t. It is cut at every
    breakpoint of f and of the mirrored g, and the rule is applied to each piece: a kink or a jump that is declared
    costs nothing. On an unbounded piece the rule is mapped by x = a + u/(1-u).

    Parameters
    ----------
    f, g : callable
        Functions of a scalar that return a scalar or an array (channels; those of f and g broadcast), real or complex.
        They may close over traced values. They are looked at only inside their supports.
    t : array (...)
        Points. Required; for the convolution of function objects use `convolve_functions`.
    support_f, support_g : pairs of scalars
        (lower, upper) of each function. Ends may be traced (then finite). Default the whole line.
    breaks_f, breaks_g : sequences of scalars
        Where the function or a derivative of it jumps; may be traced. An unbounded function should name the places of
        its peaks here; without any, its peak is assumed at 0. Default none.
    rule : GaussLegendre, GaussKronrod, ClenshawCurtis, TanhSinh, Adaptive, GaussHermite, ..., optional
        How each piece is integrated. Default: `GaussLegendre(96)`; where f or g has an integrable singularity at an end
        of its support or at a breakpoint, `TanhSinh(321)`.
    rtol, atol : scalars, optional
        Subdivide pieces until the error is at most max(atol, rtol \|value\|), by `Adaptive(rule)`. Where the reported
        error is larger, the subdivisions ran out (outside `jit` an `AccuracyWarning` says so too).
    args_f, args_g : tuples
        Further arguments: the functions are called as f(x, \*args_f) and g(y, \*args_g). Default none.
    derivative : {"rule", "integrand"}
        "rule" differentiates the sum that the rule is, nodes moving with the ends of the pieces (f and g are
        differentiated in x too). "integrand" integrates the derivative on nodes at rest and adds Leibniz's boundary
        terms at every end and breakpoint: f and g need no derivative in x where nothing but their parameters moves.

    Returns
    -------
    Convolved
        (value, error), each of shape t.shape + channels. The error covers the rule and rounding; it is inf where an
        unbounded tail does not fall fast enough to be integrated. It is not a proof: no rule sees a peak between all
        nodes of a piece.

    Raises
    ------
    TypeError
        If `t` is missing or complex, `f` or `g` is not callable, or `rule` is not a rule.
    ValueError
        If a support is reversed, empty or NaN, a breakpoint is not finite, or an unbounded support meets a rule for
        bounded pieces only; outside `jit` also if a function returned NaN, with the place where it did.

    Notes
    -----
    Cost: t.size · (1 + number of breakpoints) · n evaluations of f and g, plus 32 of each per corner for the default
    rule. Where functions close over traced values, the default compiles both of its rules and runs one. Where the
    supports do not overlap the value is 0 exactly.

    A singularity is resolved to full precision where it lies at 0: near another place p, x itself is rounded to
    eps \|p\|, and (p - x)^a is then right to about eps^(1+a), which the error covers. Shift the function to 0.

    The gradient flows to `args_f`, `args_g`, values that f and g close over, `t`, supports and breakpoints, in both
    modes and any order; the error has the gradient zero. The working precision is the widest among `t`, supports and
    breakpoints.

    P. J. Davis and P. Rabinowitz, *Methods of Numerical Integration* (1984); error estimates by null rules:
    D. P. Laurie, "Null rules and orthogonal expansions" (1994).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> box = lambda x: jnp.ones_like(x)
    >>> value, error = convolve(box, box, jnp.array([0.25, 1.0, 3.0]), support_f=(0, 1), support_g=(0, 1))
    >>> [round(float(v), 5) for v in value]
    [0.25, 1.0, 0.0]
    """
    check.choice("derivative", derivative, ("rule", "integrand"))
    if t is None:
        raise TypeError(
            "`t` is missing; pass the points at which the convolution is wanted, or use convolve_functions(f, g) for "
            "function objects"
        )
    (support_f, breaks_f), (support_g, breaks_g) = (
        fill_shape(f, support_f, breaks_f),
        fill_shape(g, support_g, breaks_g),
    )
    has_tolerance = rtol is not None or atol is not None
    rule = check_rule(rule, has_tolerance)
    if rtol is None:
        rtol = 0.0 if atol is not None else 1e-10
    first, second = check_function("f", f, args_f), check_function("g", g, args_g)
    shape_f, shape_g = check_shape("f", support_f, breaks_f), check_shape("g", support_g, breaks_g)
    points = jnp.asarray(t)
    dtype = working_dtype(points, shape_f, shape_g)
    smooth, singular = (Adaptive(), Adaptive(TanhSinh(161))) if has_tolerance else (GaussLegendre(), TanhSinh(321))
    check_fit(smooth if rule is None else rule, shape_f, shape_g)
    flat = points.astype(dtype).reshape(-1)
    problem = Problem(
        first, second, shape_f, shape_g, smooth, (rtol, 0.0 if atol is None else atol), derivative == "integrand"
    )
    is_singular = _is_singular(problem, dtype) if rule is None else False
    if isinstance(is_singular, bool):
        problem = problem._replace(rule=rule or (singular if is_singular else smooth))
        value, error = integrate_points(problem, flat)
    else:
        branches = [lambda s, r=r: integrate_points(problem._replace(rule=r), s) for r in (singular, smooth)]
        value, error = jax.lax.cond(is_singular, *branches, flat)
    value = value.reshape(points.shape + value.shape[1:])
    error = error.reshape(points.shape + error.shape[1:])
    refuse_nan(value, first, second, flat, problem.nodes)
    warn_if_exhausted(problem.rule, value, error, problem.tolerance)
    return Convolved(value, error)


def _is_singular(problem: Problem, dtype: DTypeLike) -> bool | jax.Array:
    """Whether f or g is singular at a corner; traced where they close over traced values."""
    # Inside `jit`, functions of known values are looked at while tracing, so that one rule alone is compiled.
    with jax.ensure_compile_time_eval():
        parts = [
            has_singular_corner(h, shape, dtype)
            for h, shape in ((problem.f, problem.shape_f), (problem.g, problem.shape_g))
        ]
        either = parts[0] | parts[1]
    try:
        return bool(either)
    except jax.errors.ConcretizationTypeError:
        return either
