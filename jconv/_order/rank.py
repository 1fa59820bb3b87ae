"""Order statistics of a sliding window: the one rank filter behind medians, percentiles, minima and maxima.

The window is a static boolean footprint, so the samples under it are that many shifted views of one padded array, and
ordering them is a *network*: a fixed sequence of compare-exchanges (minimum, maximum), vectorised over the image and
free of branches. The comparators that do not reach the wanted rank are pruned. Minima and maxima need no ordering: a
run of k samples takes log₂ k steps.

Source: K. E. Batcher, *Sorting networks and their applications*, AFIPS 1968 (odd-even merge sort).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import boundary as boundary_rules

# Measured on XLA:CPU. A fused network compiles in exponential time unless it is cut every two layers; up to 25 samples
# the whole image at once is fastest, then blocks that stay in cache; past 150 samples the unrolled network compiles for
# too long, and whole layers over one stacked array take its place.
_LAYERS_PER_FUSION = 2
_WHOLE_IMAGE = 25
_UNROLLED = 150
_BLOCK = 8192


def rank_filter(
    x: jax.Array,
    footprint: np.ndarray,
    rank: int,
    *,
    boundary: str | Sequence[str] = "symmetric",
    cval: float | jax.Array = 0,
    origin: Sequence[int] | None = None,
) -> jax.Array:
    """The `rank`-th smallest (from 0) of the samples under `footprint`, at every sample of `x`.

    Parameters
    ----------
    x: real array of any rank; batch axes have size one in the footprint.
    footprint: static boolean array of the rank of `x`, with at least one true element.
    boundary: rule of `jconv._core.boundary.pad`, one or one per axis.
    origin: per axis, samples by which the window moves to the left; the output at i sees
        i - size // 2 - origin and the samples after it.

    Notes
    -----
    Gradient: almost everywhere that of the sample selected; where several samples tie they share it equally.
    """
    footprint = np.asarray(footprint, bool)
    origin = (0,) * x.ndim if origin is None else tuple(origin)
    before = [size // 2 + shift for size, shift in zip(footprint.shape, origin, strict=True)]
    widths = [(b, size - 1 - b) for b, size in zip(before, footprint.shape)]
    padded = boundary_rules.pad(x, widths, boundary, cval)
    count = int(footprint.sum())
    if rank == 0:
        return _extremum(padded, footprint, jnp.minimum)
    if rank == count - 1:
        return _extremum(padded, footprint, jnp.maximum)
    offsets = tuple(map(tuple, np.argwhere(footprint).tolist()))
    return _select(padded, offsets, x.shape, rank)


def running(x: jax.Array, size: int, axis: int, combine: Callable) -> jax.Array:
    """`combine` over every run of `size` samples along `axis`, without padding, for an idempotent `combine`.

    Runs of 1, 2, 4, … samples follow from each other; two overlapping ones make the last.
    """
    length = x.shape[axis] - size + 1
    width = 1
    while width < size:
        step = min(width, size - width)
        stop = x.shape[axis] - step
        x = combine(lax.slice_in_dim(x, 0, stop, axis=axis), lax.slice_in_dim(x, step, stop + step, axis=axis))
        width += step
        if width in (4, 16, 64, 256):
            x = lax.optimization_barrier(x)
    return lax.slice_in_dim(x, 0, length, axis=axis)


def _extremum(padded: jax.Array, footprint: np.ndarray, combine: Callable) -> jax.Array:
    """Minimum or maximum under the footprint: axis by axis where it is a box, else run by run along the last axis."""
    if footprint.all():
        for axis, size in enumerate(footprint.shape):
            padded = running(lax.optimization_barrier(padded), size, axis, combine)
        return padded
    shape = tuple(p - f + 1 for p, f in zip(padded.shape, footprint.shape))
    result = None
    runs: dict[int, jax.Array] = {}
    for *lead, start, length in _runs(footprint):
        if length not in runs:
            runs[length] = running(padded, length, padded.ndim - 1, combine)
        view = _view(runs[length], (*lead, start), shape)
        result = view if result is None else combine(result, view)
    assert result is not None
    return result


def _runs(footprint: np.ndarray) -> Iterator[tuple[int, ...]]:
    """Every unbroken run of true elements along the last axis, as (leading indices …, start, length)."""
    for index in np.ndindex(footprint.shape[:-1]):
        edges = np.diff(np.concatenate([[0], footprint[index].astype(int), [0]]))
        for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)):
            yield (*index, int(start), int(stop - start))


def _view(padded: jax.Array, offset: Sequence[int], shape: Sequence[int]) -> jax.Array:
    return lax.slice(padded, offset, [o + s for o, s in zip(offset, shape)])


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def _select(padded: jax.Array, offsets: tuple, shape: tuple[int, ...], rank: int) -> jax.Array:
    if len(offsets) <= _WHOLE_IMAGE:
        return _network(padded, offsets, shape, rank)
    inner = math.prod(shape[1:])
    rows = max(1, min(shape[0], _BLOCK // max(inner, 1)))
    blocks = -(-shape[0] // rows)
    reach = padded.shape[0] - shape[0]
    padded = jnp.pad(padded, [(0, blocks * rows - shape[0])] + [(0, 0)] * (padded.ndim - 1))
    order = _network if len(offsets) <= _UNROLLED else _sorted

    def block(index):
        part = lax.dynamic_slice_in_dim(padded, index * rows, rows + reach, axis=0)
        return order(part, offsets, (rows, *shape[1:]), rank)

    result = lax.map(block, jnp.arange(blocks))
    return result.reshape(blocks * rows, *shape[1:])[: shape[0]]


@_select.defjvp
def _select_jvp(offsets, shape, rank, primals, tangents):
    # The output is one of the window's samples: its derivative is that sample's, shared where several are equal to it.
    (padded,), (slope,) = primals, tangents
    chosen = _select(padded, offsets, shape, rank)

    def add(total, offset):
        hit = (lax.dynamic_slice(padded, offset, shape) == chosen).astype(slope.dtype)
        return (total[0] + hit * lax.dynamic_slice(slope, offset, shape), total[1] + hit), None

    total = (jnp.zeros(shape, slope.dtype), jnp.zeros(shape, slope.dtype))
    if len(offsets) <= _WHOLE_IMAGE:
        for offset in offsets:
            total, _ = add(total, offset)
    else:
        total, _ = lax.scan(add, total, tuple(jnp.asarray(np.array(offsets).T)))
    return chosen, total[0] / total[1]


def _network(padded: jax.Array, offsets: tuple, shape: tuple[int, ...], rank: int) -> jax.Array:
    """The pruned network on shifted views."""
    wires = [_view(padded, offset, shape) for offset in offsets]
    for depth, layer in enumerate(_layers(len(wires), rank)):
        for a, b in layer:
            wires[a], wires[b] = jnp.minimum(wires[a], wires[b]), jnp.maximum(wires[a], wires[b])
        if depth % _LAYERS_PER_FUSION == 1:
            wires = list(lax.optimization_barrier(tuple(wires)))
    return wires[rank]


@lru_cache(maxsize=64)
def _layers(count: int, rank: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The comparators that reach output `rank` of Batcher's network for `count` inputs, in layers of disjoint pairs."""
    live, kept = {rank}, []
    for a, b in reversed(list(_batcher(count))):
        if a in live or b in live:
            kept.append((a, b))
            live |= {a, b}
    layers: list[list[tuple[int, int]]] = []
    level: dict[int, int] = {}
    for a, b in reversed(kept):
        depth = max(level.get(a, 0), level.get(b, 0))
        level[a] = level[b] = depth + 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append((a, b))
    return tuple(map(tuple, layers))


def _batcher(count: int) -> Iterator[tuple[int, int]]:
    """Odd-even merge sort for any number of inputs (Knuth, TAOCP 3, algorithm 5.2.2M)."""
    span = 1
    while span < count:
        step = span
        while step >= 1:
            for j in range(step % span, count - step, 2 * step):
                for i in range(j, j + min(step, count - j - step)):
                    if i // (2 * span) == (i + step) // (2 * span):
                        yield i, i + step
            step //= 2
        span *= 2


def _sorted(padded: jax.Array, offsets: tuple, shape: tuple[int, ...], rank: int) -> jax.Array:
    """Bitonic sort of the stacked views along their first axis, a layer at a time; short windows of +∞ fill it up."""
    count = 1 << (len(offsets) - 1).bit_length()
    starts = jnp.asarray(np.array(offsets))
    wires = lax.map(lambda start: lax.dynamic_slice(padded, start, shape), starts)
    dtype = padded.dtype
    top = (
        np.inf
        if jnp.issubdtype(dtype, jnp.inexact)
        else (True if jnp.issubdtype(dtype, bool) else jnp.iinfo(dtype).max)
    )
    wires = jnp.concatenate([wires, jnp.full((count - len(offsets), *shape), top, dtype)])
    span = 2
    while span <= count:
        halves = wires.reshape(count // span, 2, span // 2, *shape)
        low, high = halves[:, 0], halves[:, 1, ::-1]
        wires = jnp.stack([jnp.minimum(low, high), jnp.maximum(low, high)[:, ::-1]], axis=1)
        step = span // 4
        while step >= 1:
            halves = wires.reshape(count // (2 * step), 2, step, *shape)
            low, high = halves[:, 0], halves[:, 1]
            wires = lax.optimization_barrier(jnp.stack([jnp.minimum(low, high), jnp.maximum(low, high)], axis=1))
            step //= 2
        span *= 2
    return wires.reshape(count, *shape)[rank]
