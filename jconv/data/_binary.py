"""The binary files of MNIST and its relatives, and of CIFAR-10 and CIFAR-100."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np

from jconv._core.errors import InputError
from jconv.data._labelled import Labelled, check_labels

# The third byte of an IDX file; numbers are stored with the highest byte first.
_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_PIXELS = 3 * 32 * 32


def load_idx(path: str | os.PathLike) -> np.ndarray:
    """The array in an IDX file, gzipped or not, in the machine's own byte order.

    Raises an InputError for a file that is no IDX, or shorter or longer than its header says. The format:
    Y. LeCun, C. Cortes, C. Burges, "The MNIST database", at the end of the page.
    """
    content = _read(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise InputError(f"{str(path)!r} is no IDX file: it does not begin with an IDX magic number")
    dtype, ndim = np.dtype(_IDX_TYPES[content[2]]), content[3]
    begin = 4 + 4 * ndim
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, min(begin, len(content) - 3), 4))
    wanted = math.prod(shape) * dtype.itemsize
    if len(shape) < ndim or len(content) - begin != wanted:
        raise InputError(
            f"{str(path)!r} is cut off or damaged: its header asks for shape {shape}, {wanted} bytes, and "
            f"{max(0, len(content) - begin)} follow"
        )
    return np.frombuffer(content, dtype, offset=begin).reshape(shape).astype(dtype.newbyteorder("="))


def load_mnist(images: str | os.PathLike, labels: str | os.PathLike, *, classes: int = 10) -> Labelled:
    """Pictures (N, H, W, 1), float32 in [0, 1], and labels, from the IDX files of MNIST, Fashion-MNIST or EMNIST.

    Raises an InputError where the files do not belong together, or a label lies outside 0 … classes − 1.
    """
    pixels, found = load_idx(images), load_idx(labels)
    if pixels.ndim != 3 or pixels.dtype != np.uint8:
        raise InputError(f"{str(images)!r} holds {pixels.dtype} of shape {pixels.shape}; pass bytes of shape (N, H, W)")
    if found.shape != pixels.shape[:1]:
        raise InputError(
            f"{str(images)!r} holds {len(pixels)} pictures, and {str(labels)!r} labels of shape {found.shape}; pass "
            "the two files of one set"
        )
    names = tuple(str(label) for label in range(classes))
    return Labelled((pixels / np.float32(255))[..., None], check_labels(found, classes, repr(str(labels))), names)


def load_cifar(*paths: str | os.PathLike, classes: int = 10) -> Labelled:
    """Pictures (N, 32, 32, 3), float32 in [0, 1], and labels, from the binary files of CIFAR-10 or CIFAR-100.

    `classes` says which. A record is a label (of CIFAR-100 a coarse and a fine one, of which the fine one counts) and
    the red, green and blue planes. Raises an InputError for a file that is not made of whole
    records, or a label outside the classes.
    A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    if classes not in (10, 100):
        raise ValueError(f"`classes` must be 10 or 100, got {classes}; CIFAR has no other files")
    if not paths:
        raise InputError("no CIFAR files were named; name at least one")
    before = 1 if classes == 10 else 2
    pictures, labels = [], []
    for path in paths:
        content = np.frombuffer(_read(path), np.uint8)
        if not len(content) or len(content) % (before + _PIXELS):
            raise InputError(
                f"{str(path)!r} is no binary file of CIFAR-{classes}, or is cut off: its {len(content)} bytes are no "
                f"whole number of records of {before + _PIXELS}"
            )
        records = content.reshape(-1, before + _PIXELS)
        labels.append(check_labels(records[:, before - 1], classes, repr(str(path))))
        pictures.append(records[:, before:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1) / np.float32(255))
    return Labelled(np.concatenate(pictures), np.concatenate(labels), tuple(str(label) for label in range(classes)))


def _read(path: str | os.PathLike) -> bytes:
    """The bytes of a file, unzipped where they are gzipped."""
    try:
        content = Path(path).read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read {str(path)!r}: {error}") from error
