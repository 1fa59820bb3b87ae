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
def beside(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a path beside `path`, with its suffix, to write to: renamed to `path` on success, removed on failure."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix or ".tmp")
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o666 & ~_umask())  # mkstemp makes private files
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def atomic(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """Open a binary file beside `path` for writing; rename it to `path` on success, remove it on failure."""
    with beside(path) as name, open(name, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


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
            f"cannot write to the output folder {str(path)!r}: {error.strerror or error}; choose another folder"
        ) from error
    return path


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
