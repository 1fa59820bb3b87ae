"""Loops of recursive filters. They import numba.

The signal is (P, B, N, C): P filters, each for B batches of C channels, N samples in time. A filter's B·C lanes run in
groups of eight, side by side in the processor's vector registers, whichever axis is contiguous; what is left of one or
two lanes runs one by one with the state in scalar registers. The state and all arithmetic are float64, in SciPy's order
of operations, so that float64 signals get SciPy's numbers.

Two structures share the loops. The *transposed* direct form II is SciPy's. Its adjoint in the signal and in the states
is the *direct* form II with the time reversed, and the other way round; see `jconv.native._recursion`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from jconv.native import _frame as xla
from jconv.native._frame import (
    ARGUMENTS,
    address_of,
    argument,
    doubles,
    extent,
    local_memory,
    local_words,
    parameters,
    result,
)

LANES = 8
# Samples that a pair of sections filters before the next pair takes its turn: they stay in the nearest cache.
_BLOCK = 512

_offset_words = local_words(LANES)
_eight_samples, _eight_results, _block_of_samples = (local_memory(np.float64, n) for n in (LANES, LANES, _BLOCK))


@njit(inline="always")
def _offsets(first: int, lanes: int, n: int, channels: int, offsets: Any) -> bool:
    """Where each lane of a group starts, the last one repeated to make eight; whether they lie side by side."""
    for lane in range(LANES):
        index = first + min(lane, lanes - 1)
        offsets[lane] = index // channels * n * channels + index % channels
    return lanes == LANES and first % channels + LANES <= channels


@njit(inline="always")
def _load(x: Any, at: int, together: bool, offsets: Any, into: Any) -> None:
    if together:
        start = at + offsets[0]
        for lane in range(LANES):
            into[lane] = x[start + lane]
    else:
        for lane in range(LANES):
            into[lane] = x[at + offsets[lane]]


@njit(inline="always")
def _store(y: Any, at: int, together: bool, offsets: Any, values: Any) -> None:
    if together:
        start = at + offsets[0]
        for lane in range(LANES):
            y[start + lane] = values[lane]
    else:
        for lane in range(LANES):
            y[at + offsets[lane]] = values[lane]


@njit(inline="always")
def _groups(parts: int, part: int, groups: int) -> tuple[int, int]:
    """The groups of lanes that belong to a part."""
    return groups * part // parts, groups * (part + 1) // parts


# b and a, transposed


@njit
def _transposed_lanes(
    x: Any, y: Any, n: int, start: int, step: int, together: bool, offsets: Any, order: int, b: Any, a: Any, z: Any
) -> None:
    """Eight lanes; z is (order + 1, 8), its last row zero."""
    sample, out = _eight_samples(), _eight_results()
    at = start
    for _ in range(n):
        _load(x, at, together, offsets, sample)
        for lane in range(LANES):
            out[lane] = z[lane] + b[0] * sample[lane]
        for j in range(order):
            bj, aj = b[j + 1], a[j + 1]
            for lane in range(LANES):
                z[LANES * j + lane] = z[LANES * (j + 1) + lane] + bj * sample[lane] - aj * out[lane]
        _store(y, at, together, offsets, out)
        at += step


@njit
def _transposed_four(x: Any, y: Any, n: int, start: int, step: int, b: Any, a: Any, z: Any) -> None:
    """One lane, order 4 at most; b, a and z are filled up with zeros."""
    b0, b1, b2, b3, b4 = b[0], b[1], b[2], b[3], b[4]
    a1, a2, a3, a4 = a[1], a[2], a[3], a[4]
    z0, z1, z2, z3 = z[0], z[1], z[2], z[3]
    at = start
    for _ in range(n):
        sample = float(x[at])
        out = z0 + b0 * sample
        z0 = z1 + b1 * sample - a1 * out
        z1 = z2 + b2 * sample - a2 * out
        z2 = z3 + b3 * sample - a3 * out
        z3 = b4 * sample - a4 * out
        y[at] = out
        at += step
    z[0], z[1], z[2], z[3] = z0, z1, z2, z3


@njit
def _transposed_eight(x: Any, y: Any, n: int, start: int, step: int, b: Any, a: Any, z: Any) -> None:
    """One lane, order 8 at most."""
    b0, b1, b2, b3, b4, b5, b6, b7, b8 = b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8]
    a1, a2, a3, a4, a5, a6, a7, a8 = a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]
    z0, z1, z2, z3, z4, z5, z6, z7 = z[0], z[1], z[2], z[3], z[4], z[5], z[6], z[7]
    at = start
    for _ in range(n):
        sample = float(x[at])
        out = z0 + b0 * sample
        z0 = z1 + b1 * sample - a1 * out
        z1 = z2 + b2 * sample - a2 * out
        z2 = z3 + b3 * sample - a3 * out
        z3 = z4 + b4 * sample - a4 * out
        z4 = z5 + b5 * sample - a5 * out
        z5 = z6 + b6 * sample - a6 * out
        z6 = z7 + b7 * sample - a7 * out
        z7 = b8 * sample - a8 * out
        y[at] = out
        at += step
    z[0], z[1], z[2], z[3], z[4], z[5], z[6], z[7] = z0, z1, z2, z3, z4, z5, z6, z7


@njit
def _transposed_one(x: Any, y: Any, n: int, start: int, step: int, order: int, b: Any, a: Any, z: Any) -> None:
    """One lane, any order; z is (order + 1), its last element zero."""
    if order <= 4:
        _transposed_four(x, y, n, start, step, b, a, z)
        return
    if order <= 8:
        _transposed_eight(x, y, n, start, step, b, a, z)
        return
    at = start
    for _ in range(n):
        sample = float(x[at])
        out = z[0] + b[0] * sample
        for j in range(order):
            z[j] = z[j + 1] + b[j + 1] * sample - a[j + 1] * out
        y[at] = out
        at += step


@njit
def _transposed_sparse(
    x: Any, y: Any, n: int, start: int, step: int, order: int, b: Any, a: Any, z: Any, ring: Any, taps: Any
) -> None:
    """One lane of a filter with few taps, as combs have: the states stand in a ring, and only taps change them."""
    count = 0
    for k in range(1, order + 1):
        if b[k] != 0 or a[k] != 0:
            taps[count] = k
            count += 1
    for j in range(order):
        ring[j] = z[j]
    head, at = 0, start
    for _ in range(n):
        sample = float(x[at])
        out = ring[head] + b[0] * sample
        ring[head] = 0.0
        for index in range(count):
            k = taps[index]
            slot = head + k
            if slot >= order:
                slot -= order
            ring[slot] = ring[slot] + b[k] * sample - a[k] * out
        head += 1
        if head == order:
            head = 0
        y[at] = out
        at += step
    for j in range(order):
        slot = head + j
        z[j] = ring[slot - order if slot >= order else slot]


# b and a, direct: the states are the last values of w = x - Σ a w, the newest first


@njit
def _direct_lanes(
    x: Any, y: Any, n: int, start: int, step: int, together: bool, offsets: Any, order: int, b: Any, a: Any, z: Any
) -> None:
    sample, out = _eight_samples(), _eight_results()
    at = start
    for _ in range(n):
        _load(x, at, together, offsets, sample)
        for lane in range(LANES):
            out[lane] = 0.0
        for k in range(order, 0, -1):
            bk, ak = b[k], a[k]
            for lane in range(LANES):
                w = z[LANES * (k - 1) + lane]
                sample[lane] -= ak * w
                out[lane] += bk * w
                z[LANES * k + lane] = w
        for lane in range(LANES):
            z[lane] = sample[lane]
            out[lane] += b[0] * sample[lane]
        _store(y, at, together, offsets, out)
        at += step


@njit
def _direct_one(
    x: Any, y: Any, n: int, start: int, step: int, order: int, b: Any, a: Any, z: Any, ring: Any, taps: Any
) -> None:
    """One lane; the states stand in a ring, and only taps that are not zero are read."""
    count = 0
    for k in range(order, 0, -1):
        if b[k] != 0 or a[k] != 0:
            taps[count] = k
            count += 1
    for j in range(order):
        ring[j] = z[j]
    head, at = 0, start  # ring[head] is the newest
    for _ in range(n):
        w, out = float(x[at]), 0.0
        for index in range(count):
            k = taps[index]
            slot = head + k - 1
            if slot >= order:
                slot -= order
            w -= a[k] * ring[slot]
            out += b[k] * ring[slot]
        if order > 0:
            head = (order if head == 0 else head) - 1
            ring[head] = w
        y[at] = out + b[0] * w
        at += step
    for j in range(order):
        slot = head + j
        z[j] = ring[slot - order if slot >= order else slot]


def lfilter(dtype: np.dtype) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Operands: b and a (P, 2, K+1) and the step states (P, K), both float64; x (P, B, N, C), zi (P, B, K, C).

    Results: y, the states after the last sample, scratch doubles. Parameters: the number of parts,
    whether the time runs backwards, whether the form is the direct one. The states start at zi plus the step states
    times the first sample; in the direct form the adjoint of that is added to the last output.
    """
    reals = xla.POINTERS[dtype]

    @njit(inline="always")
    def parts(frame: Any) -> int:
        return parameters(frame)[0]

    @njit
    def work(frame: Any, part: int, count: int) -> None:
        backwards, direct = parameters(frame)[1] != 0, parameters(frame)[2] != 0
        order = extent(frame, ARGUMENTS, 0, 2) - 1
        batches, n, channels = (
            extent(frame, ARGUMENTS, 2, 1),
            extent(frame, ARGUMENTS, 2, 2),
            extent(frame, ARGUMENTS, 2, 3),
        )
        filters, lanes = extent(frame, ARGUMENTS, 2, 0), batches * channels
        room = max(order, 8) + 1
        whole = result(frame, 2, doubles)
        base = address_of(whole) + 8 * 16 * room * part
        b, a, z = doubles(base), doubles(base + 8 * room), doubles(base + 16 * room)
        ring, taps = doubles(base + 80 * room), xla.words(base + 88 * room)
        offsets = _offset_words()
        groups = (lanes + LANES - 1) // LANES
        first, last = _groups(count, part, filters * groups)
        known = -1
        sparse = False
        start, step = (channels * (n - 1), -channels) if backwards else (0, channels)
        end = 0 if backwards else channels * (n - 1)
        for unit in range(first, last):
            p, lane = unit // groups, unit % groups * LANES
            steady = doubles(address_of(argument(frame, 1, doubles)) + 8 * order * p)
            if p != known:
                given = doubles(address_of(argument(frame, 0, doubles)) + 16 * (order + 1) * p)
                scale, used = given[order + 1], 0
                for k in range(room):
                    b[k] = given[k] / scale if k <= order else 0.0
                    a[k] = given[order + 1 + k] / scale if k <= order else 0.0
                    used += b[k] != 0 or a[k] != 0
                sparse = order > 8 and 3 * used < order
                known = p
            size = reals_size * n * lanes * p
            x = reals(address_of(argument(frame, 2, reals)) + size)
            y = reals(address_of(result(frame, 0, reals)) + size)
            size = reals_size * order * lanes * p
            zi = reals(address_of(argument(frame, 3, reals)) + size)
            zf = reals(address_of(result(frame, 1, reals)) + size)
            width = min(LANES, lanes - lane)
            if width > 2 and not sparse:
                together = _offsets(lane, width, n, channels, offsets)
                for k in range(order + 1):
                    for i in range(LANES):
                        index = lane + min(i, width - 1)
                        z[LANES * k + i] = 0.0
                        if k < order:
                            z[LANES * k + i] = zi[(index // channels * order + k) * channels + index % channels]
                            if n > 0 and not direct:
                                z[LANES * k + i] += steady[k] * x[offsets[i] + start]
                if direct:
                    _direct_lanes(x, y, n, start, step, together, offsets, order, b, a, z)
                else:
                    _transposed_lanes(x, y, n, start, step, together, offsets, order, b, a, z)
                for i in range(width):
                    index, extra = lane + i, 0.0
                    for k in range(order):
                        zf[(index // channels * order + k) * channels + index % channels] = z[LANES * k + i]
                        extra += steady[k] * z[LANES * k + i]
                    if direct and n > 0:
                        y[offsets[i] + end] += extra
                continue
            for i in range(width):
                index = lane + i
                offset = index // channels * n * channels + index % channels
                for k in range(room):
                    z[k] = 0.0
                    if k < order:
                        z[k] = zi[(index // channels * order + k) * channels + index % channels]
                        if n > 0 and not direct:
                            z[k] += steady[k] * x[offset + start]
                if direct:
                    _direct_one(x, y, n, offset + start, step, order, b, a, z, ring, taps)
                elif sparse:
                    _transposed_sparse(x, y, n, offset + start, step, order, b, a, z, ring, taps)
                else:
                    _transposed_one(x, y, n, offset + start, step, order, b, a, z)
                extra = 0.0
                for k in range(order):
                    zf[(index // channels * order + k) * channels + index % channels] = z[k]
                    extra += steady[k] * z[k]
                if direct and n > 0:
                    y[offset + end] += extra

    reals_size = dtype.itemsize
    return parts, work
