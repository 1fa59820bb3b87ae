"""The sample of one rank under a footprint, with its derivative: a native loop on CPU, JAX's operations elsewhere.

The picture is brought into the shape that the loops know: (B, D, H, W, C), where batch axes in front are joined to B,
those behind to C, and the window covers what is between.
"""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jconv import native
from jconv._order._fallback import pick_views, select_views
from jconv.native import Footprint


def select(padded: jax.Array, footprint: np.ndarray, rank: int) -> jax.Array:
    """Return the `rank`-th smallest (from 0) of the samples under `footprint`, wherever it lies within `padded`."""
    shape = tuple(p - f + 1 for p, f in zip(padded.shape, footprint.shape))
    if 0 in shape:
        return jnp.zeros(shape, padded.dtype)
    used = [axis for axis, size in enumerate(footprint.shape) if size > 1]
    first, last = (used[0], used[-1] + 1) if used else (0, 0)
    dtype, ones = padded.dtype, (1,) * (3 - (last - first))
    middle, window = ones + padded.shape[first:last], ones + footprint.shape[first:last]
    joined = padded.reshape(math.prod(padded.shape[:first]), *middle, math.prod(padded.shape[last:]))
    if not native.is_ordered(dtype):  # booleans and halves, which fit into a wider dtype
        joined = joined.astype(np.uint8 if dtype.kind == "b" else np.float32)
    chosen = _select(joined, Footprint.of(footprint.reshape(window)), rank)
    return chosen.astype(dtype).reshape(shape)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _select(padded: jax.Array, footprint: Footprint, rank: int) -> jax.Array:
    return native.rank_windows(padded, footprint, rank, select_views)


@_select.defjvp
def _select_jvp(
    footprint: Footprint, rank: int, primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    # The result is one of the window's samples: its derivative is that sample's, shared where several are equal to it.
    (padded,), (slope,) = primals, tangents
    chosen = _select(padded, footprint, rank)
    return chosen, native.pick(padded, chosen, slope, footprint, pick_views)
