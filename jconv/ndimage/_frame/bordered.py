"""Correlation of an image under a boundary rule, without an extended copy of it.

The engine correlates the image with zeros outside; the lines at the border that see what lies outside are computed once
more from thin extended strips, and written over the result. An extended copy of a large image would cost as much as the
correlation itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jconv import engine
from jconv._core.boundary import pad
from jconv._core.concrete import is_traced

Widths = Sequence[tuple[int, int]]
Value = complex | jax.Array

FREE_LINES = 1
"""`correlate_with_free_borders` leaves as many lines undefined as the kernel reaches over the end, and one more."""

LEAST_SAMPLES = 1 << 14
"""Smaller images are extended whole: that compiles faster."""

CHEAP_BYTES = 16 << 20
"""A copy of fewer bytes needs no fresh memory."""

WIDE_BORDER = 0.05
"""Share of an axis that a kernel takes, from which on a copy is cheaper than the strips, if copies are cheap."""


def correlate(
    x: jax.Array, weights: jax.Array, lefts: Sequence[int], rules: Sequence[str], cval: Value, *, exact: bool = False
) -> jax.Array:
    """Correlate `x` with weights of its rank, `lefts` samples of them before each output, in `x`'s shape.

    A sample reaches as far as the kernel does, whatever its value: for images of one channel the engine admits only
    algorithms whose outputs are the sums of their own products. `exact` asks for full precision on accelerators too,
    for sums that become whole numbers. The barriers keep XLA from fusing one filter into the next, which would compute
    the first once for each tap of the second.
    """
    precision = "highest" if exact else None
    run = partial(engine.correlate, precision=precision)
    x = lax.optimization_barrier(x)
    widths = [(left, size - 1 - left) for left, size in zip(lefts, weights.shape)]
    if all(rule == "zero" or not any(width) for rule, width in zip(rules, widths)):
        return lax.optimization_barrier(run(x, weights, padding=widths))
    if _is_extended(x, weights.shape):
        x = extend(x, widths, rules, cval)
        return lax.optimization_barrier(run(x, weights))
    free = all(rule != "zero" or not any(width) for rule, width in zip(rules, widths))
    run_inside = partial(engine.correlate_with_free_borders, precision=precision) if free else run
    out = lax.optimization_barrier(run_inside(x, weights, padding=widths))
    for axis, width in enumerate(widths):
        if rules[axis] == "zero" or not any(width):
            continue
        # Both ends in one piece; what the kernel sees of both at once is left unused.
        left, right = (n + FREE_LINES * free if n else 0 for n in width)
        ends = [(start, count) for start, count in ((0, left), (x.shape[axis] - right, right)) if count]
        strips = [_strip(x, axis, *end, widths, rules, cval) for end in ends]
        strips = lax.optimization_barrier(jnp.concatenate(strips, axis=axis))
        strips = lax.optimization_barrier(run(strips, weights))
        for (start, count), first in zip(ends, (0, strips.shape[axis] - right)):
            strip = lax.slice_in_dim(strips, first, first + count, axis=axis)
            out = lax.dynamic_update_slice(out, strip, [start if a == axis else 0 for a in range(x.ndim)])
    return lax.optimization_barrier(out)


def _is_extended(x: jax.Array, sizes: Sequence[int]) -> bool:
    """Whether to extend the image whole: where that is cheap, or the border is much of the image."""
    if x.size < LEAST_SAMPLES or any(n < 2 * size for n, size in zip(x.shape, sizes) if size > 1):
        return True
    border = max((size - 1) / n for n, size in zip(x.shape, sizes))
    return border > WIDE_BORDER and x.size * x.dtype.itemsize < CHEAP_BYTES


def rules_of(rules: Sequence[str], cval: Value) -> tuple[str, ...]:
    """Return the rules, "zero" for a constant that is known to be zero: the engine needs no border for it."""
    zero = not is_traced(cval) and cval == 0
    return tuple("zero" if rule == "constant" and zero else rule for rule in rules)


def extend(x: jax.Array, widths: Widths, rules: Sequence[str], cval: Value) -> jax.Array:
    """`x` continued along all axes, in memory, so that each sample of the border is made once."""
    return lax.optimization_barrier(_extended(x, widths, rules, cval))


def _extended(x: jax.Array, widths: Widths, rules: Sequence[str], cval: Value) -> jax.Array:
    """`x` continued along all axes; they do not see each other, so that their order does not matter."""
    for axis, (rule, width) in enumerate(zip(rules, widths)):
        if any(width):
            along = [width if a == axis else (0, 0) for a in range(x.ndim)]
            x = pad(x, along) if rule == "zero" else pad(x, along, rule, cval)
    return x


def _strip(
    x: jax.Array, axis: int, start: int, count: int, widths: Widths, rules: Sequence[str], cval: Value
) -> jax.Array:
    """Return what `count` lines of outputs from `start` on see of the continued image."""
    left, right = widths[axis]
    rule, size = rules[axis], x.shape[axis]
    first, last = start - left, start + count + right  # lines of the continued image
    if rule == "wrap":
        pieces = [(first % size, size), (0, last % size)] if first < 0 else [(first, size), (0, last - size)]
        strip = jnp.concatenate([lax.slice_in_dim(x, *piece, axis=axis) for piece in pieces], axis=axis)
        beyond = (0, 0)
    else:
        # A reflection needs one line more than it is wide.
        inside = (max(first, 0), max(last, 1 - first)) if first < 0 else (min(first, 2 * size - last - 1), size)
        strip = lax.slice_in_dim(x, *inside, axis=axis)
        beyond = (max(0, -first), max(0, last - size))
    strip = _extended(strip, [beyond if a == axis else width for a, width in enumerate(widths)], rules, cval)
    start = 0 if first < 0 else strip.shape[axis] - (last - first)
    return lax.slice_in_dim(strip, start, start + last - first, axis=axis)
