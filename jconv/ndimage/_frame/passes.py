"""The jitted bodies of every linear filter: 1-D passes one after the other, moving sums, and one n-D correlation."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import lru_cache, partial, reduce
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike

from jconv.ndimage._frame import arithmetic, bordered, shifted
from jconv.ndimage._frame.arithmetic import Arithmetic
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import store

T = TypeVar("T")
Weights = np.ndarray | jax.Array
Factors = tuple[Weights, ...]

_TERMS = 12
_PASS = 8
"""Up to `_TERMS` terms are added in one fused pass; a further pass over the image costs as much as `_PASS` of them."""


def split(size: int) -> int:
    """Return the number of equal runs in which `size` samples are summed fastest; 1 for all at once."""
    return _split(size)[1]


@lru_cache(maxsize=256)
def _split(size: int) -> tuple[int, int]:
    """(cost in terms, number of equal runs) of the cheapest way to sum `size` samples by sums of runs."""
    if size <= _TERMS:
        return size, 1
    return min((_split(size // count)[0] + _PASS + count + size % count, count) for count in range(2, _TERMS + 1))


def window_sum(x: jax.Array, size: int, axis: int) -> jax.Array:
    """Sum over every run of `size` samples along `axis`, without padding.

    A long run is a few equal shorter ones, whose sums are taken once for all outputs, and some samples more: 2 √size
    terms or fewer, and as accurate as a pairwise sum, where differences of a cumulative sum lose digits.
    """
    count = split(size)
    run = size // count
    pieces = [(x, count * run + i) for i in range(size % count)] if count > 1 else [(x, i) for i in range(size)]
    if count > 1:
        sums = lax.optimization_barrier(window_sum(x, run, axis))
        pieces += [(sums, i * run) for i in range(count)]
    length = x.shape[axis] - size + 1
    return reduce(operator.add, (lax.slice_in_dim(a, start, start + length, axis=axis) for a, start in pieces))


def window_mean(x: jax.Array, size: int, axis: int, how: Arithmetic) -> jax.Array:
    """Average runs of integers, cut toward zero."""
    count = jnp.asarray(size, x.dtype)
    if not how.in_parts:
        return lax.div(window_sum(x, size, axis), count)
    # With x = q n + r the sum is n Σq + Σr, and neither of the two sums overflows.
    rest = window_sum(x % count, size, axis)
    floor = window_sum(x // count, size, axis) + rest // count
    return floor + ((floor < 0) & (rest % count != 0)).astype(x.dtype)


def separable(
    x: jax.Array,
    factors: Factors,
    cval: Value,
    *,
    axes: tuple[int, ...],
    rules: tuple[str, ...],
    lefts: tuple[int, ...],
    dtype: np.dtype,
) -> jax.Array:
    """One 1-D correlation per axis, each result stored in `dtype` as SciPy does; as many factors as axes."""
    how = arithmetic.of_sums(x.dtype, dtype, factors, cval)
    rules = bordered.rules_of(rules, cval)
    with how.context():
        return _separable(x, factors, cval, axes=axes, rules=rules, lefts=lefts, how=how, dtype=dtype)


@partial(jax.jit, static_argnames=("axes", "rules", "lefts", "how", "dtype"))
def _separable(
    x: jax.Array,
    factors: Factors,
    cval: Value,
    *,
    axes: tuple[int, ...],
    rules: tuple[str, ...],
    lefts: tuple[int, ...],
    how: Arithmetic,
    dtype: np.dtype,
) -> jax.Array:
    x, factors = _detached(how, (x, factors))
    for weights, axis, rule, left in zip(factors, axes, rules, lefts, strict=True):
        total = _along(x.astype(how.dtype), jnp.asarray(weights, how.dtype), axis, left, rule, cval, how)
        x = store(total, dtype, rounded=how.rounded)
    return store(x, dtype)


def boxes(
    x: jax.Array,
    cval: Value,
    *,
    sizes: tuple[int, ...],
    axes: tuple[int, ...],
    rules: tuple[str, ...],
    lefts: tuple[int, ...],
    dtype: np.dtype,
) -> jax.Array:
    """One moving average per axis, each result stored in `dtype`."""
    how = arithmetic.of_boxes(x.dtype, dtype, sizes, cval)
    rules = bordered.rules_of(rules, cval)
    with how.context():
        return _boxes(x, cval, sizes=sizes, axes=axes, rules=rules, lefts=lefts, how=how, dtype=dtype)


@partial(jax.jit, static_argnames=("sizes", "axes", "rules", "lefts", "how", "dtype"))
def _boxes(
    x: jax.Array,
    cval: Value,
    *,
    sizes: tuple[int, ...],
    axes: tuple[int, ...],
    rules: tuple[str, ...],
    lefts: tuple[int, ...],
    how: Arithmetic,
    dtype: np.dtype,
) -> jax.Array:
    x = _detached(how, x)
    whole = arithmetic.is_whole(how.dtype)
    for size, axis, rule, left in zip(sizes, axes, rules, lefts, strict=True):
        x = x.astype(how.dtype)
        if size <= _TERMS and not whole and not how.local:
            total = _along(x, jnp.ones(size, how.dtype), axis, left, rule, cval, how)
        else:
            widths = [(left, size - 1 - left) if a == axis else (0, 0) for a in range(x.ndim)]
            padded = bordered.extend(x, widths, _on(axis, rule, "zero", x.ndim), cval)
            total = window_mean(padded, size, axis, how) if whole else window_sum(padded, size, axis)
        x = lax.optimization_barrier(store(total if whole else total / size, dtype, rounded=how.rounded))
    return store(x, dtype)


def dense(
    x: jax.Array,
    weights: Weights | Factors,
    cval: Value,
    *,
    rules: tuple[str, ...],
    lefts: tuple[int, ...],
    dtype: np.dtype,
    without_zeros: bool = False,
) -> jax.Array:
    """One correlation with n-D weights, given whole or as the 1-D factors, one per axis, of which they are the product.

    With `without_zeros`, the taps of a known kernel that are not zero are summed alone, if they are few: a NaN then
    reaches no further than they do.
    """
    factors = weights if isinstance(weights, tuple) else (weights,)
    how = arithmetic.of_sums(x.dtype, dtype, factors, cval)
    rules = bordered.rules_of(rules, cval)
    offsets = None
    if without_zeros and isinstance(weights, np.ndarray) and not weights.all():
        offsets = shifted.offsets_of(weights)
        offsets = offsets if len(offsets) <= shifted.TOGETHER else None
    with how.context():
        return _dense(x, weights, cval, rules=rules, lefts=lefts, offsets=offsets, how=how, dtype=dtype)


@partial(jax.jit, static_argnames=("rules", "lefts", "offsets", "how", "dtype"))
def _dense(
    x: jax.Array,
    weights: Weights | Factors,
    cval: Value,
    *,
    rules: tuple[str, ...],
    lefts: tuple[int, ...],
    offsets: shifted.Offsets | None,
    how: Arithmetic,
    dtype: np.dtype,
) -> jax.Array:
    x, weights = _detached(how, (x, weights))
    x = x.astype(how.dtype)
    if isinstance(weights, tuple):
        x = _term(x, weights, lefts, rules, cval, how)
    else:
        x = _correlate(x, jnp.asarray(weights, how.dtype), lefts, rules, cval, how, offsets)
    return store(x, dtype, rounded=how.rounded)


def in_one_pass(sizes: Sequence[int], rules: Sequence[str], cval: Value, dtype: DTypeLike) -> bool:
    """Whether passes that are stored in between may be one correlation with the product of their weights.

    Whole numbers are rounded after every pass; and what a later pass finds outside of a constant border is `cval`
    again, not what the earlier ones made of it.
    """
    apart = arithmetic.is_whole(np.dtype(dtype)) or "constant" in bordered.rules_of(rules, cval)
    return not apart and math.prod(sizes) <= 2 * sum(sizes)


def _detached(how: Arithmetic, arrays: T) -> T:
    """Stop the derivative of arrays where the sum becomes whole numbers and its derivative would be lost anyway."""
    return lax.stop_gradient(arrays) if how.local else arrays


def on_all(axes: Sequence[int], values: Sequence[T], rest: T, ndim: int) -> list[T]:
    """One value for each axis of the image: `values` for `axes`, `rest` for the others."""
    chosen = dict(zip(axes, values))
    return [chosen.get(a, rest) for a in range(ndim)]


def _on(axis: int, value: T, rest: T, ndim: int) -> list[T]:
    return on_all([axis], [value], rest, ndim)


def _along(
    x: jax.Array, weights: jax.Array, axis: int, left: int, rule: str, cval: Value, how: Arithmetic
) -> jax.Array:
    """One 1-D correlation under a boundary rule."""
    weights = weights.reshape(_on(axis, weights.shape[0], 1, x.ndim))
    return _correlate(x, weights, _on(axis, left, 0, x.ndim), _on(axis, rule, "zero", x.ndim), cval, how)


def _correlate(
    x: jax.Array,
    weights: jax.Array,
    lefts: Sequence[int],
    rules: Sequence[str],
    cval: Value,
    how: Arithmetic,
    offsets: shifted.Offsets | None = None,
) -> jax.Array:
    """One n-D correlation under boundary rules: by the engine, or as shifted views where that is not to be asked."""
    if offsets is None and not how.local:
        return bordered.correlate(x, weights, lefts, rules, cval, exact=how.whole)
    widths = [(left, size - 1 - left) for left, size in zip(lefts, weights.shape)]
    x = bordered.extend(x, widths, rules, cval)
    total = shifted.correlate(x, weights, shifted.all_offsets(weights.shape) if offsets is None else offsets)
    return lax.optimization_barrier(total)


def _term(
    x: jax.Array, factors: Factors, lefts: Sequence[int], rules: Sequence[str], cval: Value, how: Arithmetic
) -> jax.Array:
    """One correlation after the other along each axis."""
    for axis, (factor, left, rule) in enumerate(zip(factors, lefts, rules)):
        factor = jnp.asarray(factor, x.dtype)
        x = _along(x, factor, axis, left, rule, cval, how) if factor.shape[0] > 1 else x * factor[0]
        cval = cval * factor.sum()  # what a constant outside has become
    return x
