"""The sum as it is written: one shifted slice of the input for each tap, times the tap, added up.

Where a group has one input channel the product is elementwise, and XLA fuses all taps into one pass over memory;
else it is a matrix product for each tap. Few taps are unrolled; many run in a loop over all but the last kernel
axis, so that the program stays short. Zeros between the samples of a dilated input are multiplied like all others.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, dilated
from jconv.engine._target import LANES
from jconv.engine.algorithms._parts import products, shapes, signal_sum, unpadded
from jconv.engine.algorithms._parts.sums import add_terms

# How many taps are written out: as many as compile within half a second.
UNROLLED_SINGLE = 256
UNROLLED_DEPTHWISE = 64
UNROLLED_PRODUCTS = 32
TALL = 24


def refusal(problem: Problem) -> str | None:
    return None


def _elementwise(problem: Problem) -> bool:
    return problem.in_channels == 1


def _unrolled(problem: Problem) -> int:
    if not _elementwise(problem):
        return UNROLLED_PRODUCTS
    return UNROLLED_SINGLE if problem.out_channels == 1 else UNROLLED_DEPTHWISE


def estimate(problem: Problem) -> Estimate:
    work = _work(problem)
    return Estimate(work, flops=_flops(problem), memory=_memory(problem), written_out=_written_out(problem))


def _written_out(problem: Problem) -> int:
    """Taps that are compiled one by one."""
    if problem.tap_count <= _unrolled(problem):
        return problem.tap_count
    if not _elementwise(problem):
        return 1
    last = problem.taps[-1]
    runs = -(-last // _unrolled(problem))
    return last // runs + last % runs


def _flops(problem: Problem) -> float:
    """Zeros between the samples are multiplied too."""
    return problem.flops * math.prod(problem.lhs_dilation)


def _work(problem: Problem) -> dict[str, float]:
    flops, library = _flops(problem), problem.target.machine.library
    if problem.tap_count == problem.groups == 1 and flops == problem.flops and not _elementwise(problem):
        # One product of the arrays as they are.
        work = flops * products.waste(problem.in_channels, problem.multiplier) * problem.itemsize / 4
        return {
            "pointwise_calls": 1.0,
            f"{library}_pointwise_flops": work,
            "pointwise_bytes": float(problem.io_bytes),
        }
    looped = problem.tap_count > _unrolled(problem)
    if signal_sum.applies(problem) and not looped:
        return signal_sum.work(problem)
    if not _elementwise(problem):
        steps = problem.tap_count
        narrow = min(problem.in_channels, problem.multiplier) < LANES
        kind = "grouped" if problem.groups > 1 else "narrow" if narrow else "matmul"
        kind = f"volume_{kind}" if problem.ndim > 2 else kind
    else:
        many = "depthwise" if problem.groups > 1 else "stem"
        kind = many if problem.out_channels > 1 else "image" if _without_copy(problem) else "single"
        steps = -(-problem.tap_count // problem.taps[-1]) * -(-problem.taps[-1] // _unrolled(problem))
    return {
        ("image_calls" if kind in ("image", "single") and not looped else "calls"): 1.0,
        f"{kind}{'_looped' if looped else ''}_flops": flops * problem.itemsize / 4,
        # The lines of many rows do not lie in cache together.
        "image_tall_flops": flops if kind == "image" and math.prod(problem.taps[:-1]) > TALL else 0.0,
        "strided_flops": flops if max(problem.strides) > 1 else 0.0,
        (f"{kind}_bytes" if kind in ("image", "stem") else "bytes"): float(problem.io_bytes),
        "loop_bytes": float(steps * math.prod(problem.out_shape) * problem.itemsize) if looped else 0.0,
        "steps": float(steps) if looped else 0.0,
    }


def _memory(problem: Problem) -> int:
    if _without_copy(problem):
        return unpadded.memory(problem)
    padded = (
        problem.batch
        * problem.in_channels
        * problem.groups
        * math.prod(
            s * (o - 1) + d * (k - 1) + 1
            for s, o, d, k in zip(problem.strides, problem.out_space, problem.rhs_dilation, problem.taps)
        )
    )
    copies = 0 if _elementwise(problem) else math.prod(problem.out_shape[:-1]) * problem.in_channels * problem.groups
    return (padded + copies) * problem.itemsize


def _without_copy(problem: Problem) -> bool:
    return unpadded.fits(problem) and problem.tap_count <= UNROLLED_SINGLE


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    if _without_copy(problem):
        return unpadded.correlate(problem, lhs, rhs, functools.partial(_single_sum, problem))
    if signal_sum.applies(problem) and problem.tap_count <= _unrolled(problem):
        return signal_sum.apply(problem, lhs, rhs)
    padded = shapes.zero_pad(problem, lhs)
    if _elementwise(problem):
        return _elementwise_sum(problem, padded, rhs)
    return _matmul_sum(problem, padded, rhs)


def _single_sum(problem: Problem, padded: jax.Array, weights: jax.Array) -> jax.Array:
    """The unrolled sum over one channel of whatever is read of `padded`."""
    read = [dilated(k, d) - 1 for k, d in zip(problem.taps, problem.rhs_dilation)]

    def term(taps: tuple[int, ...]) -> jax.Array:
        starts = [d * t for d, t in zip(problem.rhs_dilation, taps)]
        stops = [n - r + s for n, r, s in zip(padded.shape[1:], read, starts)]
        return lax.slice(padded, (0, *starts), (padded.shape[0], *stops)) * weights[taps]

    return add_terms(map(term, shapes.tap_indices(problem)))


def _elementwise_sum(problem: Problem, padded: jax.Array, rhs: jax.Array) -> jax.Array:
    squeeze = problem.out_channels == 1
    if squeeze:  # a trailing axis of one would be the vectorised one
        padded, weights = padded[..., 0], rhs[..., 0, 0]
    else:
        weights = rhs[..., 0, :]
    strides, dilation, out_space = problem.strides, problem.rhs_dilation, problem.out_space
    n = problem.ndim

    def term(array: jax.Array, taps: Sequence[int], axes: Sequence[int], weight: jax.Array) -> jax.Array:
        """One tap's contribution: `axes` are those still to be sliced, at `taps`."""
        starts, stops, steps = [0] * array.ndim, list(array.shape), [1] * array.ndim
        for axis, tap in zip(axes, taps):
            starts[1 + axis] = dilation[axis] * tap
            stops[1 + axis] = starts[1 + axis] + strides[axis] * (out_space[axis] - 1) + 1
            steps[1 + axis] = strides[axis]
        piece = lax.slice(array, starts, stops, steps)
        if problem.multiplier > 1:  # only what is read: the whole input would be held in memory so many times
            piece = jnp.repeat(piece, problem.multiplier, axis=-1)
        return piece * weight

    if problem.tap_count <= _unrolled(problem):
        terms = (term(padded, tap, range(n), weights[tap]) for tap in shapes.tap_indices(problem))
        return _append_channel(add_terms(terms), squeeze)

    # Loop over all kernel axes but the last, unroll the last in runs of one length. The few taps that are left over
    # have a loop of their own: taps of zero that filled up a run would spread a NaN or inf.
    outer, last = problem.taps[:-1], problem.taps[-1]
    runs = -(-last // _unrolled(problem))
    length = last // runs

    def add_run(place: jax.Array, first: jax.Array | int, count: int, total: jax.Array) -> jax.Array:
        """Add the taps [first, first + count) of the last axis, at a place of the other axes."""
        starts: list[jax.Array | int] = [0] * padded.ndim
        sizes = list(padded.shape)
        index = place
        for axis in range(n - 2, -1, -1):
            starts[1 + axis] = dilation[axis] * (index % outer[axis])
            sizes[1 + axis] = strides[axis] * (out_space[axis] - 1) + 1
            index = index // outer[axis]
        starts[n] = first * dilation[-1]
        sizes[n] = strides[-1] * (out_space[-1] - 1) + dilation[-1] * (count - 1) + 1
        band = lax.dynamic_slice(padded, starts, sizes)
        steps = [1, *strides[:-1], 1, *([1] * (padded.ndim - n - 1))]
        band = lax.slice(band, [0] * band.ndim, band.shape, steps) if max(steps) > 1 else band
        line = lax.dynamic_index_in_dim(weights.reshape(-1, *weights.shape[n - 1 :]), place, keepdims=False)
        kernel = lax.dynamic_slice_in_dim(line, first, count)
        return total + add_terms(term(band, (t,), (n - 1,), kernel[t]) for t in range(count))

    def body(step: jax.Array, total: jax.Array) -> jax.Array:
        return add_run(step // runs, step % runs * length, length, total)

    places = math.prod(outer)
    total = jnp.zeros((problem.batch, *out_space, *weights.shape[n:]), padded.dtype)
    total = lax.fori_loop(0, places * runs, body, total)
    left = last - runs * length
    if left:
        total = lax.fori_loop(0, places, lambda place, total: add_run(place, runs * length, left, total), total)
    return _append_channel(total, squeeze)


def _append_channel(out: jax.Array, squeeze: bool) -> jax.Array:
    return out[..., None] if squeeze else out


def _matmul_sum(problem: Problem, padded: jax.Array, rhs: jax.Array) -> jax.Array:
    groups, inputs, outputs = problem.groups, problem.in_channels, problem.multiplier
    precision = products.precision(problem.precision)

    def product(samples: jax.Array, weight: jax.Array) -> jax.Array:
        if groups == 1:
            return lax.dot_general(samples, weight, (((samples.ndim - 1,), (0,)), ((), ())), precision=precision)
        split = samples.reshape(*samples.shape[:-1], groups, inputs)
        out = jnp.einsum("...gi,igm->...gm", split, weight.reshape(inputs, groups, outputs), precision=precision)
        return out.reshape(*out.shape[:-2], groups * outputs)

    if problem.tap_count <= _unrolled(problem):
        return add_terms(product(shapes.tap_slice(problem, padded, t), rhs[t]) for t in shapes.tap_indices(problem))
    weights = rhs.reshape(-1, *rhs.shape[-2:])

    def body(step: jax.Array, total: jax.Array) -> jax.Array:
        starts: list[jax.Array | int] = [0] * padded.ndim
        index = step
        for axis in range(problem.ndim - 1, -1, -1):
            starts[1 + axis] = problem.rhs_dilation[axis] * (index % problem.taps[axis])
            index = index // problem.taps[axis]
        reach = [s * (o - 1) + 1 for s, o in zip(problem.strides, problem.out_space)]
        band = lax.dynamic_slice(padded, starts, (padded.shape[0], *reach, padded.shape[-1]))
        band = lax.slice(band, [0] * band.ndim, band.shape, (1, *problem.strides, 1))
        return total + product(band, lax.dynamic_index_in_dim(weights, step, keepdims=False))

    return lax.fori_loop(0, problem.tap_count, body, jnp.zeros(problem.out_shape, padded.dtype))
