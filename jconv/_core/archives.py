"""Arrays from `.npz` files of unknown origin: their directory is checked before anything is unpacked."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Mapping
from typing import IO

import numpy as np

from jconv._core.errors import InputError
from jconv._core.limits import check_bytes


def read_npz(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read the arrays of a `.npz` file, without pickles.

    Raises
    ------
    InputError
        When its directory, or the header of an array in it, declares more bytes than `_core.limits` allows, or an array
        declares another size than its entry in the directory has.
    OSError, ValueError, EOFError, zipfile.BadZipFile
        When it is not such a file, or is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        check_bytes(f"the file {os.fspath(path)!r}", sum(entry.file_size for entry in archive.infolist()))
        arrays = {}
        for entry in archive.infolist():
            with archive.open(entry) as file:
                _check_header(file, entry, os.fspath(path))
            with archive.open(entry) as file:
                arrays[entry.filename.removesuffix(".npy")] = np.lib.format.read_array(file, allow_pickle=False)
        return arrays


def describe(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Return the type and shape of each array as text, such as ``"float32[3, 3]"``.

    >>> describe({"kernel": np.zeros((3, 3), np.float32)})
    {'kernel': 'float32[3, 3]'}
    """
    return {name: f"{array.dtype}{list(array.shape)}" for name, array in arrays.items()}


def _check_header(file: IO[bytes], entry: zipfile.ZipInfo, path: str) -> None:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    # NumPy allocates the whole array before it reads, so that a false shape could ask for any amount of memory.
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize != entry.file_size - file.tell():
        raise InputError(
            f"the array {entry.filename!r} of {path!r} declares {dtype}{list(shape)}, and its entry has "
            f"{entry.file_size - file.tell()} bytes; the file is damaged"
        )
