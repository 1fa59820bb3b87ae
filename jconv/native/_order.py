"""Order statistics of sliding windows as primitives, run by native loops on CPU.

A padded picture has the shape (B, D, H, W, C) and a footprint (d, h, w) covers its middle axes; the results have the
shape (B, D-d+1, H-h+1, W-w+1, C). `rank_windows` has no derivative; `pick` is linear in what it carries, and is the
derivative of `rank_windows` in its picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from jconv._core.cores import cores
from jconv._core.sorting_network import selection
from jconv.native import _kernels, _lowering

# Samples under a footprint up to which a network is faster than the sliding window.
_NETWORK = 64
# Samples looked at below which a second thread does not pay.
_WORTH_SHARING = 400_000
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


rank_p = Primitive("jconv_rank_windows")
pick_p = Primitive("jconv_pick")


def rank_windows(padded: jax.Array, footprint: Footprint, rank: int, fallback: Callable[..., jax.Array]) -> jax.Array:
    """The `rank`-th smallest sample (from 0) under the footprint, NaN where it covers any.

    Where the loop cannot be used, as for more than three axes, `fallback(padded, footprint=…, rank=…)` is traced,
    which must be hashable.
    """
    return rank_p.bind(padded, footprint=footprint, rank=rank, fallback=fallback)


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
    operands = _lowering.alike(padded, chosen, carried)
    return pick_p.bind(*operands, footprint=footprint, fallback=fallback, transpose=transpose)


@rank_p.def_impl
def _run_rank(*operands: jax.Array, **params: Any) -> jax.Array:
    return _lowering.run(rank_p, operands, params)


@rank_p.def_abstract_eval
def _rank_shape(padded: Any, *, footprint: Footprint, **_: Any) -> Any:
    return _lowering.result_type(footprint.results(padded.shape), padded.dtype, padded)


def _lower_rank(ctx: Any, padded: Any, *, footprint: Footprint, rank: int, fallback: Callable[..., jax.Array]) -> Any:
    (aval,), (out,) = ctx.avals_in, ctx.avals_out
    trace = partial(_listed, partial(fallback, footprint=footprint, rank=rank))
    if len(footprint.shape) != 3:
        return _lowering.lower_fallback(ctx, padded, fallback=trace)
    count, results = len(footprint.indices), int(np.prod(out.shape))
    if count <= _NETWORK:
        units = int(np.prod(out.shape[:3]))
        parts = max(1, min(units, 8 * cores(), results * count // _WORTH_SHARING))
        scratch = 0
        if count in _kernels.IN_REGISTERS and rank == count // 2:
            kernel = _kernels.network(aval.dtype, count, rank)
            parameters = (parts, *footprint.shape, *np.ravel(footprint.indices))
        else:
            kernel = _kernels.comparators(aval.dtype)
            steps = [pair for layer in selection(count, rank) for pair in layer]
            parameters = (
                parts,
                *footprint.shape,
                count,
                len(steps),
                rank,
                *np.ravel(footprint.indices),
                *np.ravel(steps),
            )
    else:
        runs = footprint.runs()
        tall, wide = _tile(footprint.shape, out.shape)
        tiles = -(-out.shape[2] // tall) * -(-out.shape[3] // wide) * out.shape[0] * out.shape[1] * out.shape[4]
        parts = max(1, min(tiles, 2 * cores(), results * (len(runs) + 20) // _WORTH_SHARING))
        parameters = (parts, *footprint.shape, rank, tall, wide, len(runs), *np.ravel(runs))
        samples = footprint.shape[0] * (tall + footprint.shape[1] - 1) * (wide + footprint.shape[2] - 1) + 8
        kernel = _kernels.window(aval.dtype)
        scratch = parts * ((samples * (2 * aval.dtype.itemsize + 12 + 1) + _BINS_BYTES + 256) // 8)
    return _lowering.lower(
        ctx,
        padded,
        kernel=kernel,
        parameters=[int(p) for p in parameters],
        scratch=scratch,
        fallback=trace,
    )


def _tile(window: tuple[int, int, int], results: Sequence[int]) -> tuple[int, int]:
    """The rows and columns of results in a tile: a few times the window, so that few samples are sorted twice."""
    _, h, w = window
    wide = min(results[3], max(3 * w, 4096 if h == 1 else 64))
    tall = min(results[2], 1 if h == 1 else max(2 * h, 32))
    return max(tall, 1), max(wide, 1)


@pick_p.def_impl
def _run_pick(*operands: jax.Array, **params: Any) -> jax.Array:
    return _lowering.run(pick_p, operands, params)


@pick_p.def_abstract_eval
def _pick_shape(padded: Any, chosen: Any, carried: Any, *, transpose: bool, **_: Any) -> Any:
    shape = padded.shape if transpose else chosen.shape
    return _lowering.result_type(shape, carried.dtype, padded, chosen, carried)


def _lower_pick(
    ctx: Any, *operands: Any, footprint: Footprint, transpose: bool, fallback: Callable[..., jax.Array]
) -> Any:
    padded, chosen, _ = ctx.avals_in
    trace = partial(_listed, partial(fallback, footprint=footprint, transpose=transpose))
    if len(footprint.shape) != 3:
        return _lowering.lower_fallback(ctx, *operands, fallback=trace)
    count = len(footprint.indices)
    units = chosen.shape[0] * (1 if transpose else chosen.shape[1] * chosen.shape[2])
    parts = max(1, min(units, 8 * cores(), int(np.prod(chosen.shape)) * count // _WORTH_SHARING))
    parameters = (parts, *footprint.shape, int(transpose), count, *np.ravel(footprint.indices))
    return _lowering.lower(
        ctx,
        *operands,
        kernel=_kernels.pick(padded.dtype),
        parameters=[int(p) for p in parameters],
        scratch=0,
        fallback=trace,
    )


def _listed(function: Callable[..., jax.Array], *arrays: jax.Array) -> list[jax.Array]:
    return [function(*arrays)]


def _pick_jvp(carried_tangent: Any, padded: Any, chosen: Any, carried: Any, **params: Any) -> Any:
    return pick_p.bind(*_lowering.alike(padded, chosen, carried_tangent), **params)


def _transpose_pick(cotangent: Any, padded: Any, chosen: Any, carried: Any, **params: Any) -> list[Any]:
    params["transpose"] = not params["transpose"]
    return [None, None, pick_p.bind(*_lowering.alike(padded, chosen, cotangent), **params)]


def _batch(
    primitive: Primitive, operands: Sequence[Any], axes: Sequence[int | None], **params: Any
) -> tuple[jax.Array, int]:
    """A mapped axis joins the batches: one call."""
    size = next(v.shape[d] for v, d in zip(operands, axes) if d is not None)
    joined = []
    for value, axis in zip(operands, axes):
        whole = jnp.broadcast_to(value, (size, *value.shape)) if axis is None else jnp.moveaxis(value, axis, 0)
        joined.append(whole.reshape(size * whole.shape[1], *whole.shape[2:]))
    out = primitive.bind(*joined, **params)
    return out.reshape(size, joined[0].shape[0] // max(size, 1), *out.shape[1:]), 0


mlir.register_lowering(rank_p, _lower_rank)
mlir.register_lowering(pick_p, _lower_pick)
ad.defjvp(pick_p, None, None, _pick_jvp)
ad.primitive_transposes[pick_p] = _transpose_pick
batching.primitive_batchers[rank_p] = partial(_batch, rank_p)
batching.primitive_batchers[pick_p] = partial(_batch, pick_p)
