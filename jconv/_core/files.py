"""Writing files so that a reader finds either the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jconv._core.errors import InputError


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """Open a binary file beside `path` for writing; rename it to `path` on success, remove it on failure."""
    path = Path(path)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    try:
        with open(beside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o666 & ~_umask())  # mkstemp makes private files
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON, atomically. NaN and infinity, which JSON lacks, raise."""
    with atomic(path) as file:
        file.write((json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def output_folder(path: str | os.PathLike) -> Path:
    """`path` as a folder that exists and can be written, else an InputError."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(
            f"cannot write to the output folder {str(path)!r}: {error.strerror or error}; choose another with --out"
        ) from error
    return path


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
