"""Order statistics in JAX's own operations: on accelerators, in exported programs, and where there is no native loop.

Few samples are ordered by a *network*, a fixed sequence of compare-exchanges (minimum, maximum) on shifted views of the
picture. Beyond that the result is found bit by bit: how many samples under the footprint lie below a candidate says
whether the candidate's highest open bit is set. That compiles at once for every window, and its memory is that of a few
blocks of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core.sorting_network import selection
from jconv.native import Footprint

# Measured on XLA:CPU. A fused network compiles in exponential time unless it is cut every two layers, and takes tens of
# seconds beyond this number of samples.
_MOST_WIRES = 25
_LAYERS_PER_FUSION = 2
# Results that stay in cache while the samples under the footprint are counted.
_BLOCK = 8192


def select_views(padded: jax.Array, *, footprint: Footprint, rank: int) -> jax.Array:
    """Return the `rank`-th smallest sample under the footprint; the fallback of `jconv.native.rank_windows`."""
    if len(footprint.indices) <= _MOST_WIRES:
        return _network(padded, footprint, rank)
    axis = next(axis for axis, size in enumerate(footprint.shape, start=1) if size > 1)
    shape = footprint.results(padded.shape)
    inner = math.prod(shape) // shape[axis]
    rows = max(1, min(shape[axis], _BLOCK // max(inner, 1)))
    blocks = -(-shape[axis] // rows)
    reach = padded.shape[axis] - shape[axis]
    widths = [(0, 0)] * padded.ndim
    widths[axis] = (0, blocks * rows - shape[axis])
    padded = jnp.pad(padded, widths)

    def block(index: jax.Array) -> jax.Array:
        part = lax.dynamic_slice_in_dim(padded, index * rows, rows + reach, axis=axis)
        return _bisection(part, footprint, rank)

    parts = jnp.moveaxis(lax.map(block, jnp.arange(blocks)), 0, axis)
    whole = parts.reshape(*shape[:axis], blocks * rows, *shape[axis + 1 :])
    return lax.slice_in_dim(whole, 0, shape[axis], axis=axis)


def pick_views(
    padded: jax.Array, chosen: jax.Array, carried: jax.Array, *, footprint: Footprint, transpose: bool
) -> jax.Array:
    """Average what the samples equal to `chosen` carry, or apply its adjoint; the fallback of `jconv.native.pick`."""
    shape = chosen.shape

    def hits(offset: Sequence[int | jax.Array]) -> jax.Array:
        return (lax.dynamic_slice(padded, offset, shape) == chosen).astype(carried.dtype)

    def gather(
        sums: tuple[jax.Array, jax.Array], offset: Sequence[jax.Array]
    ) -> tuple[tuple[jax.Array, jax.Array], None]:
        hit = hits(offset)
        value = jnp.zeros((), carried.dtype) if transpose else lax.dynamic_slice(carried, offset, shape)
        return (sums[0] + hit * value, sums[1] + hit), None

    def scatter(total: jax.Array, offset: Sequence[jax.Array]) -> tuple[jax.Array, None]:
        part = lax.dynamic_slice(total, offset, shape) + hits(offset) * share
        return lax.dynamic_update_slice(total, part, offset), None

    zeros = jnp.zeros(shape, carried.dtype)
    offsets = _columns(footprint)
    (total, count), _ = lax.scan(gather, (zeros, zeros), offsets)
    if not transpose:
        return total / count
    share = carried / count
    return lax.scan(scatter, jnp.zeros(padded.shape, carried.dtype), offsets)[0]


def _offsets(footprint: Footprint) -> list[tuple[int, ...]]:
    """Where the view of each sample under the footprint starts in a padded picture (B, …, C)."""
    return [(0, *index, 0) for index in footprint.indices]


def _columns(footprint: Footprint) -> tuple[jax.Array, ...]:
    """Return the same for `lax.scan`, an array for each axis."""
    return tuple(jnp.asarray(column) for column in np.array(_offsets(footprint), np.int32).T)


def _network(padded: jax.Array, footprint: Footprint, rank: int) -> jax.Array:
    """Run the pruned network on shifted views."""
    shape = footprint.results(padded.shape)
    wires = [lax.slice(padded, o, [a + s for a, s in zip(o, shape)]) for o in _offsets(footprint)]
    for depth, layer in enumerate(selection(len(wires), rank)):
        for a, b in layer:
            wires[a], wires[b] = jnp.minimum(wires[a], wires[b]), jnp.maximum(wires[a], wires[b])
        if depth % _LAYERS_PER_FUSION == 1:
            wires = list(lax.optimization_barrier(tuple(wires)))
    return wires[rank]


def _bisection(padded: jax.Array, footprint: Footprint, rank: int) -> jax.Array:
    """Find the result's key from its highest bit to its lowest, by counting the samples below a candidate."""
    dtype, shape = padded.dtype, footprint.results(padded.shape)
    keys = _keys(padded)
    offsets = _columns(footprint)

    def count(samples: jax.Array, limit: jax.Array) -> jax.Array:
        def add(total: jax.Array, offset: Sequence[jax.Array]) -> tuple[jax.Array, None]:
            return total + (lax.dynamic_slice(samples, offset, shape) < limit).astype(np.int32), None

        return lax.scan(add, jnp.zeros(shape, np.int32), offsets)[0]

    def settle(step: jax.Array, key: jax.Array) -> jax.Array:
        bit = jnp.left_shift(jnp.ones((), keys.dtype), (bits - 1 - step).astype(keys.dtype))
        candidate = key | bit
        return jnp.where(count(keys, candidate) <= rank, candidate, key)

    bits = 8 * keys.dtype.itemsize
    key = lax.fori_loop(0, bits, settle, jnp.zeros(shape, keys.dtype))
    values = _values(key, dtype)
    if jnp.issubdtype(dtype, jnp.floating):
        numbers = count(jnp.isnan(padded).astype(np.int32), jnp.ones(shape, np.int32))
        values = jnp.where(numbers < len(footprint.indices), jnp.nan, values)
    return values


def _keys(x: jax.Array) -> jax.Array:
    """Unsigned integers in the order of `x`, NaN the largest."""
    bits = 8 * x.dtype.itemsize
    unsigned = np.dtype(f"uint{bits}")
    if x.dtype.kind == "u":
        return x
    words = lax.bitcast_convert_type(x, unsigned)
    top = unsigned.type(1 << (bits - 1))
    if x.dtype.kind == "i":
        return words ^ top
    return jnp.where(jnp.isnan(x), ~jnp.zeros((), unsigned), jnp.where((words & top) != 0, ~words, words ^ top))


def _values(keys: jax.Array, dtype: np.dtype) -> jax.Array:
    """Return the inverse of `_keys`."""
    if dtype.kind == "u":
        return keys
    top = keys.dtype.type(1 << (8 * keys.dtype.itemsize - 1))
    words = keys ^ top if dtype.kind == "i" else jnp.where((keys & top) != 0, keys ^ top, ~keys)
    return lax.bitcast_convert_type(words, dtype)
