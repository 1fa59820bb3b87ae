"""The jitted bodies of every linear filter: 1-D passes one after the other, moving sums, and one n-D correlation."""

from __future__ import annotations

import math
import operator
from functools import lru_cache, partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv.engine import _low_rank as low_rank
from jconv.engine._problem import Problem
from jconv.ndimage._frame import bordered as _bordered
from jconv.ndimage._frame.output import store

# Up to so many terms are added in one fused pass; a further pass over the image costs as much as so many.
_TERMS = 12
_PASS = 8


@lru_cache(maxsize=256)
def _split(size: int) -> tuple[int, int]:
    """(cost in terms, number of equal runs) of the cheapest way to sum `size` samples by sums of runs."""
    if size <= _TERMS:
        return size, 1
    return min((_split(size // count)[0] + _PASS + count + size % count, count) for count in range(2, _TERMS + 1))


def window_sum(x: jax.Array, size: int, axis: int) -> jax.Array:
    """Sums over every run of `size` samples along `axis`, without padding.

    A long run is a few equal shorter ones, whose sums are taken once for all outputs, and some samples more: 2 √size
    terms or fewer, and as accurate as a pairwise sum, where differences of a cumulative sum lose digits.
    """
    _, count = _split(size)
    run = size // count
    pieces = [(x, count * run + i) for i in range(size % count)] if count > 1 else [(x, i) for i in range(size)]
    if count > 1:
        sums = lax.optimization_barrier(window_sum(x, run, axis))
        pieces += [(sums, i * run) for i in range(count)]
    length = x.shape[axis] - size + 1
    return reduce(operator.add, (lax.slice_in_dim(a, start, start + length, axis=axis) for a, start in pieces))


def _whole(x) -> bool:
    return not jnp.issubdtype(x.dtype, jnp.inexact)


def _along(x, weights, axis, left, rule, cval, exact):
    """One 1-D correlation under a boundary rule."""
    one = lambda value, rest: [value if a == axis else rest for a in range(x.ndim)]
    weights = weights.reshape(one(weights.shape[0], 1))
    return _bordered.correlate(x, weights, one(left, 0), one(rule, "zero"), cval, exact=exact)


def separable(x, factors, cval, *, axes, rules, lefts, work, dtype):
    """One 1-D correlation per axis, each result stored in `dtype` as SciPy does; as many factors as axes."""
    rules = _bordered.rules_of(rules, cval)
    return _separable(x, factors, cval, axes=axes, rules=rules, lefts=lefts, work=work, dtype=dtype)


@partial(jax.jit, static_argnames=("axes", "rules", "lefts", "work", "dtype"))
def _separable(x, factors, cval, *, axes, rules, lefts, work, dtype):
    for weights, axis, rule, left in zip(factors, axes, rules, lefts, strict=True):
        total = _along(x.astype(work), weights.astype(work), axis, left, rule, cval, _whole(x))
        x = store(total, dtype)
    return store(x, dtype)


def boxes(x, cval, *, sizes, axes, rules, lefts, work, dtype):
    """One moving average per axis, each result stored in `dtype`."""
    rules = _bordered.rules_of(rules, cval)
    return _boxes(x, cval, sizes=sizes, axes=axes, rules=rules, lefts=lefts, work=work, dtype=dtype)


@partial(jax.jit, static_argnames=("sizes", "axes", "rules", "lefts", "work", "dtype"))
def _boxes(x, cval, *, sizes, axes, rules, lefts, work, dtype):
    for size, axis, rule, left in zip(sizes, axes, rules, lefts, strict=True):
        if size <= _TERMS:
            total = _along(x.astype(work), jnp.ones(size, work), axis, left, rule, cval, _whole(x))
        else:
            extended = _bordered.extended(x.astype(work), axis, (left, size - 1 - left), rule, cval)
            total = window_sum(lax.optimization_barrier(extended), size, axis)
        x = lax.optimization_barrier(store(total / size, dtype))
    return store(x, dtype)


def dense(x, weights, cval, *, rules, lefts, work, dtype):
    """One correlation with n-D weights, given whole or as a sum of terms, each a tuple of 1-D factors, one per axis."""
    rules = _bordered.rules_of(rules, cval)
    return _dense(x, weights, cval, rules=rules, lefts=lefts, work=work, dtype=dtype)


@partial(jax.jit, static_argnames=("rules", "lefts", "work", "dtype"))
def _dense(x, weights, cval, *, rules, lefts, work, dtype):
    exact, x = _whole(x), x.astype(work)
    if isinstance(weights, tuple):
        x = reduce(operator.add, (_term(x, factors, lefts, rules, cval, exact) for factors in weights))
    else:
        x = _bordered.correlate(x, weights.astype(work), lefts, rules, cval, exact=exact)
    return store(x, dtype)


def in_one_pass(sizes, rules, cval, dtype) -> bool:
    """Whether passes that are stored in between may be one correlation with the product of their weights.

    Whole numbers are rounded after every pass; and what a later pass finds outside of a constant border is `cval`
    again, not what the earlier ones made of it.
    """
    exact = not jnp.issubdtype(dtype, jnp.inexact) or "constant" in _bordered.rules_of(rules, cval)
    return not exact and math.prod(sizes) <= 2 * sum(sizes)


def _term(x, factors, lefts, rules, cval, exact):
    """One correlation after the other along each axis."""
    for axis, (factor, left, rule) in enumerate(zip(factors, lefts, rules)):
        factor = factor.astype(x.dtype)
        x = _along(x, factor, axis, left, rule, cval, exact) if factor.shape[0] > 1 else x * factor[0]
        cval = cval * factor.sum()  # what a constant outside has become
    return x


def terms(weights: np.ndarray, space: tuple[int, ...], work) -> tuple[tuple[np.ndarray, ...], ...] | None:
    """The separable terms of weights for an image of shape `space`, if passes are the cheaper way."""
    if not jnp.issubdtype(work, jnp.inexact):
        return None
    problem = Problem(
        lhs_shape=(1, *(n + k - 1 for n, k in zip(space, weights.shape)), 1),
        rhs_shape=(*weights.shape, 1, 1),
        strides=(1,) * len(space),
        padding=((0, 0),) * len(space),
        lhs_dilation=(1,) * len(space),
        rhs_dilation=(1,) * len(space),
        groups=1,
        dtype=str(np.dtype(work)),
    )
    # One term is worth its passes always; weights of zeros have none, and are no sum of passes.
    return low_rank.terms_for(problem, weights, at_least=1) or None
