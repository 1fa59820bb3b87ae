"""The binary files of MNIST and its relatives, and of CIFAR-10 and CIFAR-100."""

from __future__ import annotations

import gzip
import math
import os
import zlib

import numpy as np

from jconv._core.errors import InputError
from jconv._core.limits import check_bytes, max_bytes
from jconv.data._labelled import Labelled, check_labels

# The third byte of an IDX file; numbers are stored with the highest byte first.
_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_PIXELS = 3 * 32 * 32


def load_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read the array in an IDX file, gzipped or not.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    array
        Of the shape and type that the file declares, in the machine's own byte order.

    Raises
    ------
    InputError
        When it is not an IDX file, or is shorter or longer than its header says.

    Notes
    -----
    The format: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", at the end of the page.

    Examples
    --------
    >>> load_idx("no_such_file")
    Traceback (most recent call last):
    jconv.InputError: cannot read 'no_such_file': [Errno 2] No such file or directory: 'no_such_file'
    """
    content = _read(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise InputError(f"{str(path)!r} is not an IDX file: it does not begin with an IDX magic number")
    dtype, ndim = np.dtype(_IDX_TYPES[content[2]]), content[3]
    begin = 4 + 4 * ndim
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, min(begin, len(content) - 3), 4))
    declared = math.prod(shape) * dtype.itemsize
    if len(shape) < ndim or len(content) - begin != declared:
        raise InputError(
            f"{str(path)!r} is cut off or damaged: its header asks for shape {shape}, {declared} bytes, and "
            f"{max(0, len(content) - begin)} follow"
        )
    return np.frombuffer(content, dtype, offset=begin).reshape(shape).astype(dtype.newbyteorder("="))


def load_mnist(images: str | os.PathLike[str], labels: str | os.PathLike[str], *, classes: int = 10) -> Labelled:
    """Read the IDX files of MNIST, Fashion-MNIST or EMNIST.

    Parameters
    ----------
    images, labels : path
        The two files of one set, gzipped or not.
    classes : int
        The number of classes. Default 10.

    Returns
    -------
    Labelled
        Pictures (N, H, W, 1), float32 in [0, 1], and labels (N,).

    Raises
    ------
    InputError
        When the files do not belong together, or a label lies outside 0 … classes − 1.

    Examples
    --------
    >>> load_mnist("images", "labels")
    Traceback (most recent call last):
    jconv.InputError: cannot read 'images': [Errno 2] No such file or directory: 'images'
    """
    pixels, numbers = load_idx(images), load_idx(labels)
    if pixels.ndim != 3 or pixels.dtype != np.uint8:
        raise InputError(f"{str(images)!r} holds {pixels.dtype} of shape {pixels.shape}; pass bytes of shape (N, H, W)")
    if numbers.shape != pixels.shape[:1]:
        raise InputError(
            f"{str(images)!r} holds {len(pixels)} pictures, and {str(labels)!r} labels of shape {numbers.shape}; pass "
            "the two files of one set"
        )
    names = tuple(str(label) for label in range(classes))
    return Labelled((pixels / np.float32(255))[..., None], check_labels(numbers, classes, repr(str(labels))), names)


def load_cifar(*paths: str | os.PathLike[str], classes: int = 10) -> Labelled:
    """Read the binary files of CIFAR-10 or CIFAR-100.

    Parameters
    ----------
    *paths : path
        One file or several, whose pictures follow each other.
    classes : 10 or 100
        Which of the two; of CIFAR-100 the fine labels. Default 10.

    Returns
    -------
    Labelled
        Pictures (N, 32, 32, 3), float32 in [0, 1], and labels (N,).

    Raises
    ------
    InputError
        When no file is named, or one is cut off or of the other set.

    Notes
    -----
    A record is a label (of CIFAR-100 a coarse and a fine one, of which the fine one counts) and the red, green and blue
    planes. A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Examples
    --------
    >>> load_cifar()
    Traceback (most recent call last):
    jconv.InputError: no CIFAR files were named; name at least one
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
                f"{str(path)!r} is not a binary file of CIFAR-{classes}, or is cut off: its {len(content)} bytes are "
                f"not a multiple of {before + _PIXELS}, the size of a record"
            )
        records = content.reshape(-1, before + _PIXELS)
        labels.append(check_labels(records[:, before - 1], classes, repr(str(path))))
        pictures.append(records[:, before:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1) / np.float32(255))
    return Labelled(np.concatenate(pictures), np.concatenate(labels), tuple(str(label) for label in range(classes)))


def _read(path: str | os.PathLike[str]) -> bytes:
    """Read the bytes of a file, unzipped where they are gzipped, and never more than the limit."""
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else open(path, "rb") as file:
            content = file.read(max_bytes() + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read {str(path)!r}: {error}") from error
    check_bytes(repr(str(path)), len(content))
    return content
