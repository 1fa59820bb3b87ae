"""PNG files with 16 bits in each of several channels, which Pillow reads and writes with 8 bits only.

Each row of a PNG is stored as differences to what one of five filters predicts from the byte to the left (a), above (b)
and above left (c), all modulo 256. Undoing the filters runs through a picture pixel by pixel; here it runs along its
anti-diagonals, where no pixel depends on another, so that each step is one NumPy operation on all rows.

W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025, sections 9 (filters) and 11 (chunks).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from jconv._core.errors import InputError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {2: 3, 4: 2, 6: 4}
"""Channels of the colour types RGB, grey with alpha, RGB with alpha."""


def is_deep(content: bytes) -> bool:
    """Whether a PNG file has 16 bits in each of several channels."""
    return len(content) > 25 and content[24] == 16 and content[25] in _COLOURS


def decode(content: bytes, what: str) -> np.ndarray:
    """Read such a PNG file as (H, W, C) uint16, else raise an InputError that begins with `what`."""
    width, height, _, colour, _, _, interlaced = struct.unpack(">IIBBBBB", content[16:29])
    if interlaced:
        raise InputError(f"{what} is an interlaced PNG of 16 bits; save it without interlacing")
    step = 2 * _COLOURS[colour]
    stride = 1 + width * step
    unpacked = zlib.decompressobj().decompress(_image_data(content, what), height * stride)
    if len(unpacked) != height * stride:
        raise InputError(f"{what} is cut off: it holds {len(unpacked)} of {height * stride} bytes of pixels")
    rows = np.frombuffer(unpacked, np.uint8).reshape(height, stride)
    if (rows[:, 0] > 4).any():
        raise InputError(f"{what} is damaged: it names a filter that PNG does not have")
    values = _unfilter(rows[:, 1:].reshape(height, width, step), rows[:, 0])
    return values.view(">u2").astype(np.uint16).reshape(height, width, -1)


def encode(pixels: np.ndarray) -> bytes:
    """Write (H, W, C) uint16 with 2, 3 or 4 channels as a PNG file."""
    height, width, channels = pixels.shape
    colour = {count: number for number, count in _COLOURS.items()}[channels]
    values = np.ascontiguousarray(pixels.astype(">u2")).view(np.uint8).reshape(height, -1)
    above = np.concatenate([np.zeros_like(values[:1]), values[:-1]])
    rows = np.concatenate([np.full((height, 1), 2, np.uint8), values - above], axis=1)  # filter 2: the byte above
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _image_data(content: bytes, what: str) -> bytes:
    """Join the compressed pixels of all IDAT chunks, and compare their checksums."""
    at, parts = len(SIGNATURE), []
    while at + 12 <= len(content):
        (length,), name = struct.unpack(">I", content[at : at + 4]), content[at + 4 : at + 8]
        data, crc = content[at + 8 : at + 8 + length], content[at + 8 + length : at + 12 + length]
        if len(crc) < 4 or zlib.crc32(name + data) != int.from_bytes(crc, "big"):
            raise InputError(f"{what} is cut off or damaged: the checksum of a part is wrong")
        if name == b"IDAT":
            parts.append(data)
        if name == b"IEND":
            break
        at += 12 + length
    return b"".join(parts)


def _unfilter(filtered: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Undo the filters (H,) of rows (H, W, step) of bytes."""
    height, width, step = filtered.shape
    # One row and one column of zeros stand before the picture, as the filters have it.
    out = np.zeros((height + 1, width + 1, step), np.uint8)
    for diagonal in range(height + width - 1):
        rows = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        columns = diagonal - rows
        left = out[rows + 1, columns].astype(np.int16)
        up = out[rows, columns + 1].astype(np.int16)
        corner = out[rows, columns].astype(np.int16)
        kinds = filters[rows][:, None]
        predicted = np.select(
            [kinds == 1, kinds == 2, kinds == 3, kinds == 4],
            [left, up, (left + up) // 2, _paeth(left, up, corner)],
            0,
        )
        out[rows + 1, columns + 1] = filtered[rows, columns] + predicted.astype(np.uint8)
    return np.ascontiguousarray(out[1:, 1:])


def _paeth(left: np.ndarray, up: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Of the three neighbours the one nearest to left + up - corner; ties go to the left, then up."""
    far_left, far_up, far_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    return np.where((far_left <= far_up) & (far_left <= far_corner), left, np.where(far_up <= far_corner, up, corner))
