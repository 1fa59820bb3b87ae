"""Loops of cascaded second-order sections, in one pass over the samples. They import numba.

The layout of the signal and the arithmetic are those of `jconv.native._recursion_loops`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from jconv.native import _frame as xla
from jconv.native._frame import ARGUMENTS, address_of, argument, doubles, extent, parameters, result
from jconv.native._recursion_loops import (
    _BLOCK,
    LANES,
    _block_of_samples,
    _eight_samples,
    _groups,
    _load,
    _offset_words,
    _offsets,
    _store,
)

# Second-order sections. Products and sums may be fused here, which is faster and rounds less often.

_fused = njit(fastmath={"contract"})


@njit(inline="always")
def _section(
    sample: float, b0: float, b1: float, b2: float, a1: float, a2: float, z0: float, z1: float
) -> tuple[float, float, float]:
    """One sample through one transposed section: the output and the two states."""
    out = b0 * sample + z0
    return out, (b1 * sample + z1) - a1 * out, b2 * sample - a2 * out


@njit(inline="always")
def _direct_section(
    sample: float, b0: float, b1: float, b2: float, a1: float, a2: float, z0: float, z1: float
) -> tuple[float, float, float]:
    """One sample through one direct section."""
    w = (sample - a2 * z1) - a1 * z0
    return (b2 * z1 + b1 * z0) + b0 * w, w, z0


@_fused
def _four(block: Any, count: int, c: Any, z: Any) -> None:
    """A block of samples through four transposed sections at once: the processor overlaps them."""
    b0, b1, b2, a1, a2 = c[0], c[1], c[2], c[4], c[5]
    d0, d1, d2, e1, e2 = c[6], c[7], c[8], c[10], c[11]
    f0, f1, f2, g1, g2 = c[12], c[13], c[14], c[16], c[17]
    h0, h1, h2, k1, k2 = c[18], c[19], c[20], c[22], c[23]
    z0, z1, z2, z3, z4, z5, z6, z7 = z[0], z[1], z[2], z[3], z[4], z[5], z[6], z[7]
    for i in range(count):
        sample, z0, z1 = _section(block[i], b0, b1, b2, a1, a2, z0, z1)
        sample, z2, z3 = _section(sample, d0, d1, d2, e1, e2, z2, z3)
        sample, z4, z5 = _section(sample, f0, f1, f2, g1, g2, z4, z5)
        block[i], z6, z7 = _section(sample, h0, h1, h2, k1, k2, z6, z7)
    z[0], z[1], z[2], z[3], z[4], z[5], z[6], z[7] = z0, z1, z2, z3, z4, z5, z6, z7


@_fused
def _two(block: Any, count: int, c: Any, z: Any) -> None:
    """A block of samples through two transposed sections at once."""
    b0, b1, b2, a1, a2 = c[0], c[1], c[2], c[4], c[5]
    d0, d1, d2, e1, e2 = c[6], c[7], c[8], c[10], c[11]
    z0, z1, z2, z3 = z[0], z[1], z[2], z[3]
    for i in range(count):
        sample, z0, z1 = _section(block[i], b0, b1, b2, a1, a2, z0, z1)
        block[i], z2, z3 = _section(sample, d0, d1, d2, e1, e2, z2, z3)
    z[0], z[1], z[2], z[3] = z0, z1, z2, z3


@_fused
def _single(block: Any, count: int, c: Any, z: Any) -> None:
    """A block of samples through one transposed section."""
    b0, b1, b2, a1, a2 = c[0], c[1], c[2], c[4], c[5]
    z0, z1 = z[0], z[1]
    for i in range(count):
        block[i], z0, z1 = _section(block[i], b0, b1, b2, a1, a2, z0, z1)
    z[0], z[1] = z0, z1


@_fused
def _direct_single(block: Any, count: int, c: Any, z: Any) -> None:
    """A block of samples through one direct section."""
    b0, b1, b2, a1, a2 = c[0], c[1], c[2], c[4], c[5]
    z0, z1 = z[0], z[1]
    for i in range(count):
        block[i], z0, z1 = _direct_section(block[i], b0, b1, b2, a1, a2, z0, z1)
    z[0], z[1] = z0, z1


@njit
def _cascade_one(x: Any, y: Any, n: int, start: int, step: int, sections: int, sos: Any, z: Any, direct: bool) -> None:
    """One lane through all sections; z is (sections, 2). The direct form runs through the sections backwards."""
    block = _block_of_samples()
    done = 0
    while done < n:
        count = min(_BLOCK, n - done)
        at = start + done * step
        for i in range(count):
            block[i] = x[at + i * step]
        if direct:
            for section in range(sections - 1, -1, -1):
                _direct_single(
                    block, count, doubles(address_of(sos) + 48 * section), doubles(address_of(z) + 16 * section)
                )
        else:
            section = 0
            while section < sections:
                c, states = doubles(address_of(sos) + 48 * section), doubles(address_of(z) + 16 * section)
                if sections - section >= 4:
                    _four(block, count, c, states)
                    section += 4
                elif sections - section >= 2:
                    _two(block, count, c, states)
                    section += 2
                else:
                    _single(block, count, c, states)
                    section += 1
        for i in range(count):
            y[at + i * step] = block[i]
        done += count


@_fused
def _cascade_lanes(
    x: Any,
    y: Any,
    n: int,
    start: int,
    step: int,
    together: bool,
    offsets: Any,
    sections: int,
    sos: Any,
    z: Any,
    direct: bool,
) -> None:
    """Eight lanes through all sections; z is (sections, 2, 8)."""
    sample = _eight_samples()
    at = start
    for _ in range(n):
        _load(x, at, together, offsets, sample)
        if direct:
            for s in range(sections - 1, -1, -1):
                b0, b1, b2, a1, a2 = sos[6 * s], sos[6 * s + 1], sos[6 * s + 2], sos[6 * s + 4], sos[6 * s + 5]
                here = 2 * LANES * s
                for lane in range(LANES):
                    z0, z1 = z[here + lane], z[here + LANES + lane]
                    sample[lane], z[here + lane], z[here + LANES + lane] = _direct_section(
                        sample[lane], b0, b1, b2, a1, a2, z0, z1
                    )
        else:
            for s in range(sections):
                b0, b1, b2, a1, a2 = sos[6 * s], sos[6 * s + 1], sos[6 * s + 2], sos[6 * s + 4], sos[6 * s + 5]
                here = 2 * LANES * s
                for lane in range(LANES):
                    z0, z1 = z[here + lane], z[here + LANES + lane]
                    sample[lane], z[here + lane], z[here + LANES + lane] = _section(
                        sample[lane], b0, b1, b2, a1, a2, z0, z1
                    )
        _store(y, at, together, offsets, sample)
        at += step


def sosfilt(dtype: np.dtype) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """As `lfilter`, with sections (P, S, 6), step states (P, S, 2) and states (P, B, S, 2, C)."""
    reals, size = xla.POINTERS[dtype], dtype.itemsize

    @njit(inline="always")
    def parts(frame: Any) -> int:
        return parameters(frame)[0]

    @njit
    def work(frame: Any, part: int, count: int) -> None:
        backwards, direct = parameters(frame)[1] != 0, parameters(frame)[2] != 0
        sections = extent(frame, ARGUMENTS, 0, 1)
        batches, n, channels = (
            extent(frame, ARGUMENTS, 2, 1),
            extent(frame, ARGUMENTS, 2, 2),
            extent(frame, ARGUMENTS, 2, 3),
        )
        filters, lanes, states = extent(frame, ARGUMENTS, 2, 0), batches * channels, 2 * sections
        z = doubles(address_of(result(frame, 2, doubles)) + 8 * LANES * states * part)
        offsets = _offset_words()
        groups = (lanes + LANES - 1) // LANES
        first, last = _groups(count, part, filters * groups)
        start, step = (channels * (n - 1), -channels) if backwards else (0, channels)
        end = 0 if backwards else channels * (n - 1)
        for unit in range(first, last):
            p, lane = unit // groups, unit % groups * LANES
            sos = doubles(address_of(argument(frame, 0, doubles)) + 48 * sections * p)
            steady = doubles(address_of(argument(frame, 1, doubles)) + 8 * states * p)
            shift = size * n * lanes * p
            x = reals(address_of(argument(frame, 2, reals)) + shift)
            y = reals(address_of(result(frame, 0, reals)) + shift)
            shift = size * states * lanes * p
            zi = reals(address_of(argument(frame, 3, reals)) + shift)
            zf = reals(address_of(result(frame, 1, reals)) + shift)
            width = min(LANES, lanes - lane)
            together = _offsets(lane, width, n, channels, offsets)
            side = LANES if width > 2 else 1
            for turn in range(1 if side == LANES else width):
                for k in range(states):
                    for i in range(side):
                        index = lane + turn + min(i, width - 1)
                        z[side * k + i] = zi[(index // channels * states + k) * channels + index % channels]
                        if n > 0 and not direct:
                            z[side * k + i] += steady[k] * x[offsets[turn + i] + start]
                if side == LANES:
                    _cascade_lanes(x, y, n, start, step, together, offsets, sections, sos, z, direct)
                else:
                    _cascade_one(x, y, n, offsets[turn] + start, step, sections, sos, z, direct)
                for i in range(min(side, width)):
                    index, extra = lane + turn + i, 0.0
                    for k in range(states):
                        zf[(index // channels * states + k) * channels + index % channels] = z[side * k + i]
                        extra += steady[k] * z[side * k + i]
                    if direct and n > 0:
                        y[offsets[turn + i] + end] += extra

    return parts, work
