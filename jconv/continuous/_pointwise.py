"""The convolution integral at given points: nodes are placed, the functions are looked at, and the rule is summed.

The first and the last step know nothing of the functions. They are compiled once for each shape, and outside `jit`
every call with other functions finds them compiled.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax

from jconv._core.concrete import is_traced
from jconv.continuous._adaptive import Adaptive, far_ends, subdivide
from jconv.continuous._declared import DeclaredRule
from jconv.continuous._leibniz import boundary_terms
from jconv.continuous._nodes import Table, watched_first
from jconv.continuous._pieces import Pieces, Shape, interior_point, resolve
from jconv.continuous._placement import Nodes, Segments, place_nodes, whole_pieces
from jconv.continuous._quadrature import Convolved, sample_function, sum_rule
from jconv.continuous._rules import Rule
from jconv.continuous._types import Real, ScalarFunction

_BLOCK = 2**17
"""Values of the integrand that are held at once: they stay in cache, for any number of points."""


class Problem(NamedTuple):
    """What is the same for all points t; `at_rest` is derivative="integrand", `tolerance` is (rtol, atol)."""

    f: ScalarFunction
    g: ScalarFunction
    shape_f: Shape
    shape_g: Shape
    rule: Rule | Adaptive | DeclaredRule
    tolerance: tuple[Real, Real]
    at_rest: bool

    @property
    def evaluations(self) -> int:
        """Values of the integrand for one point t."""
        if isinstance(self.rule, DeclaredRule):
            return self.rule.n
        pieces = 1 + len(self.shape_f.breaks) + len(self.shape_g.breaks)
        if isinstance(self.rule, Adaptive):
            return self.rule.rule.n * max(pieces, self.rule.limit)
        return self.rule.n * pieces

    def nodes(self, t: jax.Array) -> Nodes:
        """Return the nodes for a scalar `t`, on whole pieces."""
        if isinstance(self.rule, DeclaredRule):
            return self.rule.nodes(t)
        rule = self.rule.rule if isinstance(self.rule, Adaptive) else self.rule
        return Nodes(*(v[0] for v in _place(self.shape_f, self.shape_g, t[None], rule, self.at_rest)[0]))


def integrate_points(problem: Problem, t: jax.Array) -> Convolved:
    """Value and error at every element of `t`, (T,), in blocks that bound the memory."""
    run = functools.partial(_integrate_block, problem)
    if isinstance(problem.rule, Adaptive) and not is_traced(t):
        run = jax.jit(run)  # the loop inside is compiled anyhow; so is all around it, in one program
    block = max(1, _BLOCK // problem.evaluations)
    if t.size <= block:
        return Convolved(*run(t))
    one = lambda s: tuple(v[0] for v in run(s[None]))
    return Convolved(*jax.lax.map(one, t, batch_size=block))


def _integrate_block(problem: Problem, t: jax.Array) -> tuple[jax.Array, jax.Array]:
    f, g, shape_f, shape_g, rule, _, at_rest = problem
    if isinstance(rule, Adaptive):
        return jax.vmap(functools.partial(_integrate_adaptively, problem))(t)
    if isinstance(rule, DeclaredRule):
        nodes, far, table = jax.vmap(rule.nodes)(t), None, rule.table()
    else:
        nodes, far = _place(shape_f, shape_g, t, rule, at_rest)
        table = watched_first(rule.table(t.dtype))
    at_x, at_y = sample_function(f, nodes.x), sample_function(g, nodes.y)
    value, error = _sum(at_x, at_y, nodes, far, table, isinstance(rule, DeclaredRule))
    if at_rest:
        value = value + jax.vmap(functools.partial(_boundary, problem))(t)
    return value, error


@functools.partial(jax.jit, static_argnames=("rule", "at_rest"))
def _place(shape_f: Shape, shape_g: Shape, t: jax.Array, rule: Rule, at_rest: bool) -> tuple[Nodes, jax.Array | None]:
    """Return the nodes on whole pieces for every t, (T, S, N), and the segments that reach to infinity, (T, S)."""

    def at(s: jax.Array) -> tuple[Nodes, jax.Array | None]:
        pieces = resolve(shape_f, shape_g, s)
        segments = whole_pieces(pieces)
        return _place_on(shape_f, shape_g, rule, at_rest, s, pieces, segments), far_ends(pieces, segments)

    return jax.vmap(at)(t)


def _place_on(
    shape_f: Shape, shape_g: Shape, rule: Rule, at_rest: bool, t: jax.Array, pieces: Pieces, segments: Segments
) -> Nodes:
    harmless = interior_point(shape_f, t.dtype), interior_point(shape_g, t.dtype)
    table = watched_first(rule.table(t.dtype))
    return place_nodes(pieces, segments, table, harmless, t, at_rest=at_rest, closed=rule.closed)


@functools.partial(jax.jit, static_argnames=("table", "weighted"))
def _sum(
    at_x: jax.Array, at_y: jax.Array, nodes: Nodes, far: jax.Array | None, table: Table, weighted: bool
) -> tuple[jax.Array, jax.Array]:
    """Sum the rule and its error estimate over the segments: (T, channels) each."""

    def at(at_x: jax.Array, at_y: jax.Array, nodes: Nodes, far: jax.Array | None) -> tuple[jax.Array, jax.Array]:
        value, error = sum_rule(at_x, at_y, nodes, table, far, weighted=weighted)
        return value.sum(0), error.sum(0)

    return jax.vmap(at)(at_x, at_y, nodes, far)


def _integrate_adaptively(problem: Problem, t: jax.Array) -> tuple[jax.Array, jax.Array]:
    f, g, shape_f, shape_g, adaptive, tolerance, at_rest = problem
    assert isinstance(adaptive, Adaptive)
    pieces = resolve(shape_f, shape_g, t)
    table = watched_first(adaptive.rule.table(t.dtype))
    place = functools.partial(_place_on, shape_f, shape_g, adaptive.rule, at_rest, t)
    segments = subdivide(f, g, pieces, adaptive.limit, table, place, tolerance)
    nodes = place(pieces, segments)
    at_x, at_y = sample_function(f, nodes.x), sample_function(g, nodes.y)
    value, error = sum_rule(at_x, at_y, nodes, table, far_ends(pieces, segments))
    value, error = value.sum(0), error.sum(0)
    return (value + _boundary(problem, t) if at_rest else value), error


def _boundary(problem: Problem, t: jax.Array) -> jax.Array:
    shape_f, shape_g = problem.shape_f, problem.shape_g
    harmless = interior_point(shape_f, t.dtype), interior_point(shape_g, t.dtype)
    return boundary_terms(problem.f, problem.g, resolve(shape_f, shape_g, t), harmless, t)
