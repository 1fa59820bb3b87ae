"""Order statistics of a sliding window: the one rank filter behind medians, percentiles, minima and maxima.

The window is a static boolean footprint. Minima and maxima need no ordering: a run of k samples takes log₂ k steps.
Other ranks are selected by `jconv._order._select`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import boundary as boundary_rules
from jconv._order._select import select

# Runs of a footprint that is not a box up to which its extremes are combined run by run: more of them compile too long.
_MOST_RUNS = 16


def rank_filter(
    x: jax.Array,
    footprint: np.ndarray,
    rank: int,
    *,
    boundary: str | Sequence[str] = "symmetric",
    cval: float | jax.Array = 0,
    origin: Sequence[int] | None = None,
) -> jax.Array:
    """Select the `rank`-th smallest of the samples under `footprint`, at every sample of `x`.

    Parameters
    ----------
    x : real array of any rank
        Batch axes have size one in the footprint.
    footprint : static boolean array of the rank of `x`
        At least one element is true.
    rank : int
        From 0, the smallest.
    boundary : str or one per axis
        Rule of `jconv._core.boundary.pad`.
    cval : float
        The samples outside under the rule "constant".
    origin : sequence of int, optional
        Per axis, samples by which the window moves to the left; the output at i sees i - size // 2 - origin and the
        samples after it.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    A window that holds NaN gives NaN. Gradient: almost everywhere that of the sample selected; where several samples
    tie they share it equally.
    """
    if x.size == 0:
        return x
    footprint = np.asarray(footprint, bool)
    origin = (0,) * x.ndim if origin is None else tuple(origin)
    before = [size // 2 + shift for size, shift in zip(footprint.shape, origin, strict=True)]
    widths = [(b, size - 1 - b) for b, size in zip(before, footprint.shape)]
    padded = boundary_rules.pad(x, widths, boundary, cval)
    count = int(footprint.sum())
    if rank in (0, count - 1) and (footprint.all() or len(list(_runs(footprint))) <= _MOST_RUNS):
        return _extremum(padded, footprint, jnp.minimum if rank == 0 else jnp.maximum)
    return select(padded, footprint, rank)


def running(x: jax.Array, size: int, axis: int, combine: Callable[..., jax.Array]) -> jax.Array:
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


def _extremum(padded: jax.Array, footprint: np.ndarray, combine: Callable[..., jax.Array]) -> jax.Array:
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
        offset = (*lead, start)
        view = lax.slice(runs[length], offset, [o + s for o, s in zip(offset, shape)])
        result = view if result is None else combine(result, view)
    assert result is not None
    return result


def _runs(footprint: np.ndarray) -> Iterator[tuple[int, ...]]:
    """Every unbroken run of true elements along the last axis, as (leading indices …, start, length)."""
    for index in np.ndindex(footprint.shape[:-1]):
        edges = np.diff(np.concatenate([[0], footprint[index].astype(int), [0]]))
        for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)):
            yield (*index, int(start), int(stop - start))
