"""Loops of order statistics. They import numba.

A padded picture is (B, D, H, W, C); the window covers (d, h, w) of it, and the results are (B, D-d+1, H-h+1, W-w+1, C).
Samples that are not a number count as the largest; where the picture holds any, a last pass writes NaN into every
result whose window holds one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types

from jconv._core.sorting_network import selection
from jconv.native import _frame as xla
from jconv.native._frame import (
    ARGUMENTS,
    RESULTS,
    argument,
    extent,
    intrinsic,
    local_memory,
    parameters,
    result,
)

# The bytes of a vector register, and how many of them a wire in memory fills.
_VECTOR_BYTES, _VECTORS = 32, 4
MOST_WIRES = 64
# Results of `pick` at a time.
_CHUNK = 128


@intrinsic
def count_bits(context: Any, word: Any) -> Any:
    """The number of bits that are set."""
    return types.int64(types.int64), lambda cx, builder, signature, args: builder.ctpop(args[0])


@intrinsic
def lowest_bit(context: Any, word: Any) -> Any:
    """The position of the lowest bit that is set."""
    return types.int64(types.int64), lambda cx, builder, signature, args: builder.cttz(
        args[0], ir.Constant(ir.IntType(1), 1)
    )


@njit(inline="always")
def _row_of(unit: int, depth: int, height: int, d: int, h: int) -> int:
    """The row of the padded picture (B, depth, height) at which the window of a row of results starts."""
    rows, planes = height - h + 1, depth - d + 1
    plane = unit // rows
    return (plane // planes * depth + plane % planes) * height + unit % rows


def network(dtype: np.dtype, count: int, rank: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The sample of one rank under `count` samples, by a network whose wires are vector registers.

    Parameters: the parts; d, h, w; then the three indices of each sample under the footprint.
    """
    reals, floating = xla.POINTERS[dtype], dtype.kind == "f"
    lanes = _VECTOR_BYTES // dtype.itemsize
    many, one = _registers(dtype, count, rank, lanes), _registers(dtype, count, rank, 1)
    offset_words = xla.local_words(count)

    @njit(inline="always")
    def parts(frame: Any) -> int:
        return parameters(frame)[0]

    @njit
    def work(frame: Any, part: int, parts: int) -> None:
        given, offsets = parameters(frame), offset_words()
        x, y = argument(frame, 0, reals), result(frame, 0, reals)
        depth, height = extent(frame, ARGUMENTS, 0, 1), extent(frame, ARGUMENTS, 0, 2)
        channels, d, h, w = extent(frame, ARGUMENTS, 0, 4), given[1], given[2], given[3]
        line = extent(frame, ARGUMENTS, 0, 3) * channels
        n = line - (w - 1) * channels
        for k in range(count):
            offsets[k] = (given[4 + 3 * k] * height + given[5 + 3 * k]) * line + given[6 + 3 * k] * channels
        units = extent(frame, RESULTS, 0, 0) * extent(frame, RESULTS, 0, 1) * extent(frame, RESULTS, 0, 2)
        searched, bad = 0, -1  # lines of x below `searched` were looked at; `bad` is the last that holds a NaN
        for unit in range(units * part // parts, units * (part + 1) // parts):
            row = _row_of(unit, depth, height, d, h)
            start, here = row * line, unit * n
            if n < lanes:
                for i in range(n):
                    one(x, start + i, offsets, y, here + i)
            else:
                for i in range(0, n - lanes + 1, lanes):
                    many(x, start + i, offsets, y, here + i)
                if n % lanes != 0:  # the last vector overlaps the one before
                    many(x, start + n - lanes, offsets, y, here + n - lanes)
            if floating:
                for other in range(max(row, searched), row + (d - 1) * height + h):
                    if _holds_nan(x, other * line, line):
                        bad = other
                    searched = other + 1
                if bad >= row:
                    _spread_nan(x, y, start, n, count, offsets, unit)

    return parts, work


def comparators(dtype: np.dtype) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The same for any number of samples up to `MOST_WIRES` and any rank: the wires lie in memory, the network is data.

    Parameters: the parts; d, h, w; the numbers of samples and of comparators, the rank; the three indices of each
    sample; then the two wires of each comparator.
    """
    reals, floating = xla.POINTERS[dtype], dtype.kind == "f"
    lanes = _VECTORS * _VECTOR_BYTES // dtype.itemsize
    wire_memory, offset_words = local_memory(dtype, MOST_WIRES * lanes), xla.local_words(MOST_WIRES)
    exchange = _exchange(dtype)

    @njit(inline="always")
    def parts(frame: Any) -> int:
        return parameters(frame)[0]

    @njit
    def work(frame: Any, part: int, parts: int) -> None:
        given, offsets, wires = parameters(frame), offset_words(), wire_memory()
        x, y = argument(frame, 0, reals), result(frame, 0, reals)
        depth, height = extent(frame, ARGUMENTS, 0, 1), extent(frame, ARGUMENTS, 0, 2)
        channels, d, h, w = extent(frame, ARGUMENTS, 0, 4), given[1], given[2], given[3]
        count, steps, rank = given[4], given[5], given[6]
        line = extent(frame, ARGUMENTS, 0, 3) * channels
        n = line - (w - 1) * channels
        for k in range(count):
            offsets[k] = (given[7 + 3 * k] * height + given[8 + 3 * k]) * line + given[9 + 3 * k] * channels
        first = 7 + 3 * count
        units = extent(frame, RESULTS, 0, 0) * extent(frame, RESULTS, 0, 1) * extent(frame, RESULTS, 0, 2)
        searched, bad = 0, -1
        for unit in range(units * part // parts, units * (part + 1) // parts):
            row = _row_of(unit, depth, height, d, h)
            start, here = row * line, unit * n
            for i in range(0, n, lanes):
                size = min(lanes, n - i)
                for k in range(count):
                    at = start + i + offsets[k]
                    if size == lanes:
                        for lane in range(lanes):
                            wires[k * lanes + lane] = x[at + lane]
                    else:
                        for lane in range(lanes):
                            wires[k * lanes + lane] = x[at + min(lane, size - 1)]
                for step in range(steps):
                    exchange(wires, given[first + 2 * step] * lanes, given[first + 2 * step + 1] * lanes)
                for lane in range(size):
                    y[here + i + lane] = wires[rank * lanes + lane]
            if floating:
                for other in range(max(row, searched), row + (d - 1) * height + h):
                    if _holds_nan(x, other * line, line):
                        bad = other
                    searched = other + 1
                if bad >= row:
                    _spread_nan(x, y, start, n, count, offsets, unit)

    return parts, work


def _exchange(dtype: np.dtype) -> Callable[..., None]:
    """The function that puts the smaller of two wires first, lane by lane."""
    element, lanes = getattr(types, dtype.name), _VECTOR_BYTES // dtype.itemsize

    @intrinsic
    def run(context: Any, wires: Any, low: Any, high: Any) -> Any:
        def generate(cx: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.VectorType(cx.get_value_type(element), lanes)
            places = [builder.bitcast(builder.gep(args[0], [at]), kind.as_pointer()) for at in args[1:]]
            for vector in range(_VECTORS):
                ends = [builder.gep(place, [ir.Constant(ir.IntType(64), vector)]) for place in places]
                pair = [builder.load(end, align=dtype.itemsize) for end in ends]
                less = _less(builder, dtype, pair)
                builder.store(builder.select(less, *pair), ends[0], align=dtype.itemsize)
                builder.store(builder.select(less, *reversed(pair)), ends[1], align=dtype.itemsize)
            return cx.get_dummy_value()

        return types.void(wires, low, high), generate

    return run


def _less(builder: Any, dtype: np.dtype, pair: Any) -> Any:
    if dtype.kind == "f":
        return builder.fcmp_ordered("<", *pair)
    return (builder.icmp_signed if dtype.kind == "i" else builder.icmp_unsigned)("<", *pair)


def _registers(dtype: np.dtype, count: int, rank: int, lanes: int) -> Callable[..., None]:
    """The function that runs a network for `lanes` neighbours at once: written in LLVM's language, without branches."""
    element = getattr(types, dtype.name)

    @intrinsic
    def run(context: Any, x: Any, at: Any, offsets: Any, y: Any, to: Any) -> Any:
        def generate(cx: Any, builder: Any, signature: Any, args: Any) -> Any:
            scalar = cx.get_value_type(element)
            kind = ir.VectorType(scalar, lanes) if lanes > 1 else scalar
            x, at, offsets, y, to = args

            def place(base: Any, index: Any) -> Any:
                return builder.bitcast(builder.gep(base, [index]), kind.as_pointer())

            wires = []
            for k in range(count):
                offset = builder.load(builder.gep(offsets, [ir.Constant(ir.IntType(64), k)]))
                wires.append(builder.load(place(x, builder.add(at, offset)), align=dtype.itemsize))
            for layer in selection(count, rank):
                for a, b in layer:
                    pair = wires[a], wires[b]
                    less = _less(builder, dtype, pair)
                    wires[a], wires[b] = builder.select(less, *pair), builder.select(less, *reversed(pair))
            builder.store(wires[rank], place(y, to), align=dtype.itemsize)
            return cx.get_dummy_value()

        return types.void(x, at, offsets, y, to), generate

    return run


@njit
def _holds_nan(x: Any, at: int, n: int) -> bool:
    bad = False
    for i in range(n):
        bad |= x[at + i] != x[at + i]
    return bad


@njit
def _spread_nan(x: Any, y: Any, start: int, n: int, count: int, offsets: Any, unit: int) -> None:
    """Write NaN into a line of results wherever a sample under the footprint is one."""
    for k in range(count):
        at, bad = start + offsets[k], False
        for i in range(n):
            bad |= x[at + i] != x[at + i]
        if bad:
            for i in range(n):
                if x[at + i] != x[at + i]:
                    y[unit * n + i] = x[at + i]


def pick(dtype: np.dtype) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """What the samples under the footprint that equal the result carry, in equal shares.

    Operands: the padded picture, the results, the values carried; parameters as those of `network`, between w and the
    indices whether the transpose is meant and the number of samples. Forwards, each result is the mean of the carried
    values (in the padded picture's shape) of the samples equal to it. The transpose spreads the carried values (in the
    results' shape) over those samples.
    """
    reals = xla.POINTERS[dtype]
    counts, totals = local_memory(dtype, _CHUNK), local_memory(dtype, _CHUNK)

    @njit(inline="always")
    def parts(frame: Any) -> int:
        return parameters(frame)[0]

    @njit
    def work(frame: Any, part: int, parts: int) -> None:
        given, hits, sums = parameters(frame), counts(), totals()
        x, chosen, carried = argument(frame, 0, reals), argument(frame, 1, reals), argument(frame, 2, reals)
        y = result(frame, 0, reals)
        depth, height = extent(frame, ARGUMENTS, 0, 1), extent(frame, ARGUMENTS, 0, 2)
        channels, d, h, w = extent(frame, ARGUMENTS, 0, 4), given[1], given[2], given[3]
        transpose, count = given[4] != 0, given[5]
        line = extent(frame, ARGUMENTS, 0, 3) * channels
        n = line - (w - 1) * channels
        batches, planes, rows = (
            extent(frame, ARGUMENTS, 1, 0), extent(frame, ARGUMENTS, 1, 1), extent(frame, ARGUMENTS, 1, 2)
        )  # fmt: skip
        # A part of a transpose is a range of batches, whose windows share no sample with another's.
        units = batches * planes * rows
        first, last = units * part // parts, units * (part + 1) // parts
        if transpose:
            low, high = batches * part // parts, batches * (part + 1) // parts
            first, last = low * planes * rows, high * planes * rows
            for i in range(low * depth * height * line, high * depth * height * line):
                y[i] = 0
        for unit in range(first, last):
            start = _row_of(unit, depth, height, d, h) * line
            for at in range(0, n, _CHUNK):
                size = min(_CHUNK, n - at)
                here = unit * n + at
                for i in range(size):
                    hits[i] = 0
                    sums[i] = 0
                for k in range(count):
                    o = start + at + (given[6 + 3 * k] * height + given[7 + 3 * k]) * line + given[8 + 3 * k] * channels
                    if transpose:
                        for i in range(size):
                            hits[i] += x[o + i] == chosen[here + i]
                    else:
                        for i in range(size):
                            hit = x[o + i] == chosen[here + i]
                            hits[i] += hit
                            sums[i] += carried[o + i] if hit else 0
                if not transpose:
                    for i in range(size):
                        y[here + i] = sums[i] / hits[i]
                    continue
                for i in range(size):
                    sums[i] = carried[here + i] / hits[i]
                for k in range(count):
                    o = start + at + (given[6 + 3 * k] * height + given[7 + 3 * k]) * line + given[8 + 3 * k] * channels
                    for i in range(size):
                        y[o + i] += sums[i] if x[o + i] == chosen[here + i] else 0

    return parts, work
