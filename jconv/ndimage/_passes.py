"""The two jitted bodies of every linear filter: 1-D passes one after the other, and one n-D correlation."""

from __future__ import annotations

from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv import engine
from jconv._core.boundary import pad
from jconv.engine import low_rank
from jconv.engine.problem import Problem
from jconv.ndimage._output import store

# From so many taps on, measured on XLA:CPU, a banded matrix across the rows beats shifted rows.
_LONG = 25
_BLOCK = 128


def along(x: jax.Array, weights: jax.Array, axis: int) -> jax.Array:
    """Correlate along one axis, without padding.

    The barriers keep XLA from fusing one pass into the next, which would compute the first once for each tap of the
    second.
    """
    x = lax.optimization_barrier(x)
    if weights.shape[0] >= _LONG and axis < x.ndim - 1 and jnp.issubdtype(x.dtype, jnp.floating):
        return lax.optimization_barrier(_across(x, weights, axis))
    return lax.optimization_barrier(engine.correlate(x, weights.reshape(weights.shape + (1,) * (x.ndim - axis - 1))))


def _across(x: jax.Array, weights: jax.Array, axis: int) -> jax.Array:
    """A long kernel along an axis that is not the last: blocks of it times one banded Toeplitz matrix."""
    taps, length = weights.shape[0], x.shape[axis] - weights.shape[0] + 1
    block = min(_BLOCK, length)
    step = np.arange(block + taps - 1)[None] - np.arange(block)[:, None]
    band = jnp.where((step >= 0) & (step < taps), weights[np.clip(step, 0, taps - 1)], 0)
    blocks = -(-length // block)
    widths = [(0, 0)] * x.ndim
    widths[axis] = (0, blocks * block - length)
    x = jnp.pad(x, widths)
    parts = [lax.slice_in_dim(x, i * block, (i + 1) * block + taps - 1, axis=axis) for i in range(blocks)]
    contract = lambda part: lax.dot_general(band, part, (((1,), (axis,)), ((), ())), precision=lax.Precision.HIGHEST)
    parts = [jnp.moveaxis(contract(part), 0, axis) for part in parts]
    return lax.slice_in_dim(jnp.concatenate(parts, axis=axis), 0, length, axis=axis)


def window_sum(x: jax.Array, size: int, axis: int) -> jax.Array:
    """Sums over every run of `size` samples along `axis`, without padding.

    Runs of 1, 2, 4, … samples follow from each other, and the binary digits of `size` say which to add: as accurate
    as a pairwise sum, where differences of a cumulative sum lose digits.
    """
    total, offset, width = None, 0, 1
    length = x.shape[axis] - size + 1
    while True:
        if size & width:
            piece = lax.slice_in_dim(x, offset, offset + length, axis=axis)
            total = piece if total is None else total + piece
            offset += width
        width *= 2
        if width > size:
            assert total is not None
            return total
        stop = x.shape[axis] - width // 2
        x = lax.slice_in_dim(x, 0, stop, axis=axis) + lax.slice_in_dim(x, width // 2, stop + width // 2, axis=axis)
        if width in (4, 16, 64, 256):
            x = lax.optimization_barrier(x)


@partial(jax.jit, static_argnames=("axes", "rules", "lefts", "work", "dtype"))
def separable(x, factors, cval, *, axes, rules, lefts, work, dtype):
    """One 1-D correlation per axis, each result stored in `dtype` as SciPy does; as many factors as axes."""
    for weights, axis, rule, left in zip(factors, axes, rules, lefts, strict=True):
        size = weights.shape[0]
        widths = [(0, 0)] * x.ndim
        widths[axis] = (left, size - 1 - left)
        x = store(along(pad(x.astype(work), widths, rule, cval), weights.astype(work), axis), dtype)
    return store(x, dtype)


@partial(jax.jit, static_argnames=("sizes", "axes", "rules", "lefts", "work", "dtype"))
def boxes(x, cval, *, sizes, axes, rules, lefts, work, dtype):
    """One moving average per axis, each result stored in `dtype`."""
    for size, axis, rule, left in zip(sizes, axes, rules, lefts, strict=True):
        widths = [(0, 0)] * x.ndim
        widths[axis] = (left, size - 1 - left)
        padded = lax.optimization_barrier(pad(x.astype(work), widths, rule, cval))
        x = lax.optimization_barrier(store(window_sum(padded, size, axis) / size, dtype))
    return store(x, dtype)


@partial(jax.jit, static_argnames=("rule", "lefts", "work", "dtype"))
def dense(x, weights, cval, *, rule, lefts, work, dtype):
    """One correlation with n-D weights, given whole or as a sum of terms, each a tuple of 1-D factors, one per axis."""
    separable = isinstance(weights, tuple)
    shape = tuple(f.shape[0] for f in weights[0]) if separable else weights.shape
    padded = pad(x.astype(work), [(left, size - 1 - left) for left, size in zip(lefts, shape)], rule, cval)
    if not separable:
        return store(engine.correlate(padded, weights.astype(work)), dtype)
    parts = [_term(padded, [f.astype(work) for f in factors]) for factors in weights]
    return store(reduce(jnp.add, parts), dtype)


def _term(x: jax.Array, factors: list[jax.Array]) -> jax.Array:
    for axis, factor in enumerate(factors):
        x = along(x, factor, axis) if factor.shape[0] > 1 else x * factor[0]
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
