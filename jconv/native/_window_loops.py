"""The loop of order statistics in large windows: a window that slides over ranks. It imports numba.

The picture is cut into tiles. A tile's samples are sorted once (radix sort), and each is replaced by its rank in the
tile, so that the samples in a window are a set of bits. When the window moves by one, the samples that leave and enter
at the ends of the footprint's runs flip their bits; the number of bits below the last result says how far the next one
is, and counting bits word by word finds it. The cost of a result is that of the footprint's runs (its height, for a
box), not of its samples. After Huang, Yang and Tang, "A fast two-dimensional median filtering algorithm", IEEE Trans.
ASSP 27 (1979), with ranks for grey values and a bit for a bin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from jconv.native import _frame as xla
from jconv.native._frame import ARGUMENTS, RESULTS, address_of, argument, extent, halves, parameters, result, words
from jconv.native._order_loops import count_bits, lowest_bit

# Bits that a pass of the radix sort looks at.
_DIGIT = 11
_BINS = 1 << _DIGIT


def _key(dtype: np.dtype) -> Callable[..., Any]:
    """A function from the bits of a number to a key, unsigned and in the order of the numbers; NaN is the largest."""
    bits = 8 * dtype.itemsize
    top, whole = 1 << (bits - 1), (1 << bits) - 1
    unsigned = getattr(np, f"uint{bits}")
    if dtype.kind == "u":
        return njit(lambda word: word, inline="always")
    flip = unsigned(top)
    if dtype.kind == "i":
        return njit(lambda word: unsigned(word ^ flip), inline="always")
    largest = unsigned(whole)
    infinity = unsigned(np.array(np.inf, dtype).view(unsigned))
    magnitude = unsigned(whole >> 1)

    @njit(inline="always")
    def key(word: Any) -> Any:
        if word & magnitude > infinity:
            return largest
        return unsigned(~word) if word & flip else unsigned(word ^ flip)

    return key


def _word(dtype: np.dtype) -> Callable[..., Any]:
    """The inverse of `_key`."""
    bits = 8 * dtype.itemsize
    unsigned = getattr(np, f"uint{bits}")
    flip = unsigned(1 << (bits - 1))
    if dtype.kind == "u":
        return njit(lambda key: key, inline="always")
    if dtype.kind == "i":
        return njit(lambda key: unsigned(key ^ flip), inline="always")

    @njit(inline="always")
    def word(key: Any) -> Any:
        return unsigned(key ^ flip) if key & flip else unsigned(~key)

    return word


@njit
def _sort(keys: Any, order: Any, spare_keys: Any, spare_order: Any, bins: Any, count: int, bits: int) -> bool:
    """Sort keys and the numbers beside them, digit by digit; whether the result stands in the spare memory."""
    swapped = False
    for shift in range(0, bits, _DIGIT):
        for i in range(_BINS):
            bins[i] = 0
        for i in range(count):
            bins[(np.int64(keys[i]) >> shift) & (_BINS - 1)] += 1
        total, most = 0, 0
        for i in range(_BINS):
            here = bins[i]
            bins[i] = total
            total += here
            most = max(most, here)
        if most == count:
            continue  # all have the same digit
        for i in range(count):
            digit = (np.int64(keys[i]) >> shift) & (_BINS - 1)
            to = bins[digit]
            bins[digit] = to + 1
            spare_keys[to] = keys[i]
            spare_order[to] = order[i]
        keys, spare_keys = spare_keys, keys
        order, spare_order = spare_order, order
        swapped = not swapped
    return swapped


@njit(inline="always")
def _find(bits: Any, pointer: int, below: int, rank: int) -> int:
    """The position of the set bit of one rank, `below` bits being set below the position `pointer`."""
    word = pointer >> 6
    if below <= rank:
        need = rank - below
        here = bits[word] & (np.int64(-1) << (pointer & 63))
        count = count_bits(here)
        while count <= need:
            need -= count
            word += 1
            here = bits[word]
            count = count_bits(here)
    else:
        need = below - rank
        here = bits[word] & ((np.int64(1) << (pointer & 63)) - 1)
        count = count_bits(here)
        while count < need:
            need -= count
            word -= 1
            here = bits[word]
            count = count_bits(here)
        need = count - need
    for _ in range(need):
        here &= here - 1
    return (word << 6) + lowest_bit(here)


def window(dtype: np.dtype) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The sample of one rank under any footprint.

    Parameters: the parts; d, h, w; the rank; a tile's rows and columns; the number of runs; then of each run its plane,
    row, first column and length. Result 1 is scratch of `scratch_bytes` for each part.
    """
    size, bits = dtype.itemsize, 8 * dtype.itemsize
    unsigned = xla.POINTERS[np.dtype(f"uint{bits}")]
    key_of, word_of = _key(dtype), _word(dtype)
    floating, largest = dtype.kind == "f", getattr(np, f"uint{bits}")((1 << bits) - 1)

    @njit(inline="always")
    def parts(frame: Any) -> int:
        return parameters(frame)[0]

    @njit
    def tile(x: Any, y: Any, at: int, to: int, planes: tuple, rows: int, columns: int, given: Any, memory: int) -> None:
        """One tile of `rows` × `columns` results; `planes` holds the strides of x (plane, row, sample) and y."""
        x_plane, x_row, x_step, y_row, y_step = planes
        d, h, w, rank, runs = given[1], given[2], given[3], given[4], given[7]
        height, width = rows + h - 1, columns + w - 1
        count = d * height * width
        room = (count + 7) // 8 * 8
        keys, spare_keys = unsigned(memory), unsigned(memory + size * room)
        memory += 2 * size * room
        order, spare_order, ranks = halves(memory), halves(memory + 4 * room), halves(memory + 8 * room)
        memory += 12 * room
        bins, bitmap = halves(memory), words(memory + 4 * _BINS)
        index = 0
        for plane in range(d):
            for row in range(height):
                start = at + plane * x_plane + row * x_row
                for column in range(width):
                    keys[index] = key_of(x[start + column * x_step])
                    order[index] = index
                    index += 1
        if _sort(keys, order, spare_keys, spare_order, bins, count, bits):
            keys, order = spare_keys, spare_order
        for i in range(count):
            ranks[order[i]] = i
        numbers = count  # ranks from here on are of samples that are not a number
        if floating:
            while numbers > 0 and keys[numbers - 1] == largest:
                numbers -= 1
        for row in range(rows):
            missing = 0  # samples in the window that are not a number
            for i in range((count >> 6) + 1):
                bitmap[i] = 0
            for run in range(runs):
                first = (given[8 + 4 * run] * height + row + given[9 + 4 * run]) * width + given[10 + 4 * run]
                for i in range(first, first + given[11 + 4 * run]):
                    bitmap[ranks[i] >> 6] |= np.int64(1) << (ranks[i] & 63)
                    missing += np.int64(ranks[i] >= numbers)
            pointer = _find(bitmap, 0, 0, rank)
            below = rank
            y[to + row * y_row] = word_of(largest if missing > 0 else keys[pointer])
            for column in range(1, columns):
                for run in range(runs):
                    first = (given[8 + 4 * run] * height + row + given[9 + 4 * run]) * width + given[10 + 4 * run]
                    leaves, enters = ranks[first + column - 1], ranks[first + column - 1 + given[11 + 4 * run]]
                    bitmap[leaves >> 6] ^= np.int64(1) << (leaves & 63)
                    bitmap[enters >> 6] ^= np.int64(1) << (enters & 63)
                    below += np.int64(enters < pointer) - np.int64(leaves < pointer)
                    missing += np.int64(enters >= numbers) - np.int64(leaves >= numbers)
                pointer = _find(bitmap, pointer, below, rank)
                below = rank
                y[to + row * y_row + column * y_step] = word_of(largest if missing > 0 else keys[pointer])

    @njit
    def work(frame: Any, part: int, parts: int) -> None:
        given = parameters(frame)
        x, y = argument(frame, 0, unsigned), result(frame, 0, unsigned)
        depth, height, width = (
            extent(frame, ARGUMENTS, 0, 1),
            extent(frame, ARGUMENTS, 0, 2),
            extent(frame, ARGUMENTS, 0, 3),
        )
        batches, channels = extent(frame, ARGUMENTS, 0, 0), extent(frame, ARGUMENTS, 0, 4)
        planes, rows, columns = extent(frame, RESULTS, 0, 1), extent(frame, RESULTS, 0, 2), extent(frame, RESULTS, 0, 3)
        tall, wide = given[5], given[6]
        down, across = (rows + tall - 1) // tall, (columns + wide - 1) // wide
        units = batches * planes * channels * down * across
        memory = address_of(result(frame, 1, words)) + extent(frame, RESULTS, 1, 0) * 4 // parts // 64 * 64 * part
        strides = (height * width * channels, width * channels, channels, columns * channels, channels)
        for unit in range(units * part // parts, units * (part + 1) // parts):
            left = unit % across * wide
            top = unit // across % down * tall
            rest = unit // across // down
            channel, plane, batch = rest % channels, rest // channels % planes, rest // channels // planes
            at = (((batch * depth + plane) * height + top) * width + left) * channels + channel
            to = (((batch * planes + plane) * rows + top) * columns + left) * channels + channel
            tile(x, y, at, to, strides, min(tall, rows - top), min(wide, columns - left), given, memory)

    return parts, work
