"""The output folder of a run: held by one process at a time, and taken away again where a run left nothing in it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jconv._core.errors import InputError
from jconv._core.files import output_folder

try:
    import fcntl
except ImportError:  # not on Windows, where nothing guards the folder
    fcntl = None


@contextmanager
def hold_output(path: Path) -> Iterator[Path]:
    """Make an output folder and hold it until the run ends.

    The lock is one of the operating system on the folder itself: it leaves no file, and ends with the process, however
    that ends.

    Raises
    ------
    InputError
        When the folder cannot be written, or another process holds it.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    folder = output_folder(path)
    handle = os.open(folder, os.O_RDONLY) if fcntl is not None else None
    try:
        if handle is not None and fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                missing = []
                raise InputError(
                    f"another run is writing to {str(path)!r}; wait until it ends, or choose another --out"
                ) from error
            except OSError:  # a file system without locks
                pass
        yield folder
    finally:
        for made in missing:  # a folder that is still empty goes again; others refuse to
            with suppress(OSError):
                made.rmdir()
        if handle is not None:
            os.close(handle)


def resume_hint(args: argparse.Namespace) -> str:
    """Say how an interrupted run can go on; nothing for commands that do not train."""
    if not hasattr(args, "checkpoint_every"):
        return ""
    seals = (args.out / "checkpoints").glob("*.json")
    steps = [int(seal.stem) for seal in seals if seal.stem.isdecimal()]
    if steps:
        return f"; the same command with --resume goes on after step {max(steps)}"
    return "; nothing was saved. With --checkpoint-every N, a run can be resumed"
