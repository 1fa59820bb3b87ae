"""Order statistics of sliding windows as primitives, run by native loops on CPU.

A padded picture has the shape (B, D, H, W, C) and a footprint (d, h, w) covers its middle axes; the results have the
shape (B, D-d+1, H-h+1, W-w+1, C). `rank_windows` has no derivative; `pick` is linear in what it carries, and is the
derivative of `rank_windows` in its picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.jax_internals import Results, Type, operation
from jconv._core.sorting_network import selection
from jconv.native import _calls, _kernels

# Samples under a footprint up to which a network is faster than the sliding window.
_NETWORK = 64
_BINS_BYTES = 4 * 2048


class Footprint(NamedTuple):
    """A footprint as a static argument: its shape and its indices, in order."""

    shape: tuple[int, ...]
    indices: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, mask: np.ndarray) -> Footprint:
        """From a boolean array, of rank 3 for the loops."""
        return cls(mask.shape, tuple(map(tuple, np.argwhere(mask).tolist())))

    def runs(self) -> list[tuple[int, int, int, int]]:
        """Every unbroken run along the last axis: plane, row, first column, length."""
        runs: list[tuple[int, int, int, int]] = []
        for plane, row, column in self.indices:
            if runs and runs[-1][:2] == (plane, row) and sum(runs[-1][2:]) == column:
                runs[-1] = (plane, row, runs[-1][2], runs[-1][3] + 1)
            else:
                runs.append((plane, row, column, 1))
        return runs

    def results(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of the results of a padded picture."""
        return (shape[0], *(n - size + 1 for n, size in zip(shape[1:-1], self.shape, strict=True)), shape[-1])


def is_ordered(dtype: np.dtype) -> bool:
    """Whether the loops know a dtype."""
    return np.dtype(dtype) in _kernels.ORDERED


def rank_windows(padded: jax.Array, footprint: Footprint, rank: int, fallback: Callable[..., jax.Array]) -> jax.Array:
    """The `rank`-th smallest sample (from 0) under the footprint, NaN where it covers any.

    Where the loop cannot be used, as for more than three axes, `fallback(padded, footprint=…, rank=…)` is traced,
    which must be hashable.
    """
    (chosen,) = _rank(padded, footprint=footprint, rank=rank, fallback=fallback)
    return chosen


def pick(
    padded: jax.Array,
    chosen: jax.Array,
    carried: jax.Array,
    footprint: Footprint,
    fallback: Callable[..., jax.Array],
    transpose: bool = False,
) -> jax.Array:
    """The mean of `carried` over the samples under the footprint that equal `chosen`; linear in `carried`.

    `carried` has the shape of `padded`; with `transpose` that of `chosen`, and is spread over those samples. The
    fallback gets the same arrays and the keywords `footprint` and `transpose`.
    """
    (picked,) = _pick(padded, chosen, carried, footprint=footprint, fallback=fallback, transpose=transpose)
    return picked


def _rank_types(padded: Any, *, footprint: Footprint, **_: Any) -> list[Type]:
    return [(footprint.results(padded.shape), padded.dtype)]


def _run_rank(
    padded: jax.Array, *, footprint: Footprint, rank: int, fallback: Callable[..., jax.Array], **target: Any
) -> Results:
    if len(footprint.shape) != 3 or _calls.unsuitable(padded, **target) is not None:
        return [fallback(padded, footprint=footprint, rank=rank)]
    out = jax.ShapeDtypeStruct(footprint.results(padded.shape), padded.dtype)
    count, results = len(footprint.indices), int(np.prod(out.shape))
    if count <= _NETWORK:
        units = int(np.prod(out.shape[:3]))
        parts = _calls.parts(units, results * count, per_core=8)
        scratch = 0
        if count in _kernels.IN_REGISTERS and rank == count // 2:
            kernel = _kernels.network(padded.dtype, count, rank)
            parameters = (parts, *footprint.shape, *np.ravel(footprint.indices))
        else:
            kernel = _kernels.comparators(padded.dtype)
            steps = [pair for layer in selection(count, rank) for pair in layer]
            places = (*np.ravel(footprint.indices), *np.ravel(steps))
            parameters = (parts, *footprint.shape, count, len(steps), rank, *places)
    else:
        runs = footprint.runs()
        tall, wide = _tile(footprint.shape, out.shape)
        tiles = -(-out.shape[2] // tall) * -(-out.shape[3] // wide) * out.shape[0] * out.shape[1] * out.shape[4]
        parts = _calls.parts(tiles, results * (len(runs) + 20), per_core=2)
        parameters = (parts, *footprint.shape, rank, tall, wide, len(runs), *np.ravel(runs))
        samples = footprint.shape[0] * (tall + footprint.shape[1] - 1) * (wide + footprint.shape[2] - 1) + 8
        kernel = _kernels.window(padded.dtype)
        scratch = parts * ((samples * (2 * padded.dtype.itemsize + 12 + 1) + _BINS_BYTES + 256) // 8)
    return _calls.call(kernel, padded, results=[out], parameters=[int(p) for p in parameters], scratch=scratch)


def _tile(window: tuple[int, int, int], results: Sequence[int]) -> tuple[int, int]:
    """The rows and columns of results in a tile: a few times the window, so that few samples are sorted twice."""
    _, h, w = window
    wide = min(results[3], max(3 * w, 4096 if h == 1 else 64))
    tall = min(results[2], 1 if h == 1 else max(2 * h, 32))
    return max(tall, 1), max(wide, 1)


def _pick_types(padded: Any, chosen: Any, carried: Any, *, transpose: bool, **_: Any) -> list[Type]:
    return [((padded if transpose else chosen).shape, carried.dtype)]


def _run_pick(
    padded: jax.Array,
    chosen: jax.Array,
    carried: jax.Array,
    *,
    footprint: Footprint,
    transpose: bool,
    fallback: Callable[..., jax.Array],
    **target: Any,
) -> Results:
    operands = padded, chosen, carried
    if len(footprint.shape) != 3 or _calls.unsuitable(*operands, **target) is not None:
        return [fallback(*operands, footprint=footprint, transpose=transpose)]
    count = len(footprint.indices)
    units = chosen.shape[0] * (1 if transpose else chosen.shape[1] * chosen.shape[2])
    parts = _calls.parts(units, int(np.prod(chosen.shape)) * count, per_core=8)
    parameters = (parts, *footprint.shape, int(transpose), count, *np.ravel(footprint.indices))
    results = [padded if transpose else chosen]
    return _calls.call(_kernels.pick(padded.dtype), *operands, results=results, parameters=[int(p) for p in parameters])


def _pick_jvp(operands: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Results, Sequence[Any]]:
    # `chosen` follows `padded`, and neither carries a derivative here: which sample is chosen changes in jumps.
    padded, chosen, _ = operands
    slope = tangents[2]
    return _pick(*operands, **params), [None] if slope is None else _pick(padded, chosen, slope, **params)


def _transpose_pick(cotangents: Sequence[Any], operands: Sequence[Any], **params: Any) -> list[Any]:
    padded, chosen, _ = operands
    params["transpose"] = not params["transpose"]
    return [None, None, *_pick(padded, chosen, *cotangents, **params)]


def _join(
    bind: Callable[..., Results], operands: Sequence[Any], axes: Sequence[int | None], **params: Any
) -> tuple[Results, list[int]]:
    """A mapped axis joins the batches: one call."""
    size = next(v.shape[d] for v, d in zip(operands, axes) if d is not None)
    joined = []
    for value, axis in zip(operands, axes):
        whole = jnp.broadcast_to(value, (size, *value.shape)) if axis is None else jnp.moveaxis(value, axis, 0)
        joined.append(whole.reshape(size * whole.shape[1], *whole.shape[2:]))
    (out,) = bind(*joined, **params)
    return [out.reshape(size, joined[0].shape[0] // max(size, 1), *out.shape[1:])], [0]


_rank = operation(
    "jconv_rank_windows", types=_rank_types, run=_run_rank, batch=lambda *args, **params: _join(_rank, *args, **params)
)
_pick = operation(
    "jconv_pick",
    types=_pick_types,
    run=_run_pick,
    jvp=_pick_jvp,
    transpose=_transpose_pick,
    batch=lambda *args, **params: _join(_pick, *args, **params),
)
