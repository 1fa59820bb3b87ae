"""Examples with their classes, and the checks that every loader makes."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from jconv._core.errors import InputError

K = TypeVar("K")
T = TypeVar("T")


class Labelled(NamedTuple):
    """Examples with their classes, as arrays in memory."""

    inputs: np.ndarray
    """(N, …), such as pictures (N, H, W, C) in [0, 1]."""
    labels: np.ndarray
    """(N,) int32, counted from 0."""
    names: tuple[str, ...]
    """Of the classes."""
    skipped: tuple[str, ...] = ()
    """What could not be used and was left out, as asked: one message for each file."""


def check_labels(labels: Any, classes: int, source: str) -> np.ndarray:
    """Labels as int32, else an InputError that names the first which lies outside 0 … classes − 1, and its place."""
    array = np.asarray(labels)
    if not np.issubdtype(array.dtype, np.integer) or not array.size:
        raise InputError(f"{source} must hold whole numbers as labels, got {array.dtype} of shape {array.shape}")
    outside = np.argwhere((array < 0) | (array >= classes))
    if len(outside):
        where = tuple(map(int, outside[0]))
        at = where[0] if len(where) == 1 else where
        raise InputError(
            f"{source} holds the label {int(array[tuple(where)])} at {at}, and {len(outside) - 1} more outside "
            f"0 … {classes - 1}; count the classes from 0, or say that there are more"
        )
    return array.astype(np.int32)


def known_name(name: str, known: Iterable[str], what: str) -> str:
    """`name` if it is one of `known`, else an InputError that names the nearest."""
    known = list(map(str, known))
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    raise InputError(f"{what} has no {name!r}{hint} it has {', '.join(map(repr, known)) or 'none'}")


def class_folders(folder: str | os.PathLike, endings: Sequence[str]) -> tuple[list[Path], list[int], tuple[str, ...]]:
    """The files of a folder of class folders, the class of each, and the classes' names, all in the order of names.

    Hidden files and files with other endings do not count. Raises an InputError where there is no such folder, none in
    it, or where one of them holds no file that counts.
    """
    root = existing_folder(folder)
    classes = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not classes:
        raise InputError(f"the folder {str(root)!r} has no folders in it; make one for each class")
    files, labels, empty = [], [], []
    for label, path in enumerate(classes):
        found = files_in(path, endings)
        files += found
        labels += [label] * len(found)
        empty += [] if found else [path.name]
    if empty:
        raise InputError(
            f"in {str(root)!r} the class folders {', '.join(map(repr, empty))} hold no file that ends in "
            f"{', '.join(endings)}; add some, or remove those folders"
        )
    return files, labels, tuple(path.name for path in classes)


def files_in(folder: Path, endings: Sequence[str]) -> list[Path]:
    """The files under a folder with one of these endings, hidden ones left out, in the order of their names."""
    wanted = lambda path: path.is_file() and path.suffix.lower() in endings and not path.name.startswith(".")
    return sorted(path for path in folder.rglob("*") if wanted(path))


def existing_folder(folder: str | os.PathLike) -> Path:
    """`folder` as a Path, else an InputError."""
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"there is no folder {str(root)!r}; pass one that exists")
    return root


def load_each(
    load: Callable[[K], T], files: Sequence[K], *, skip_damaged: bool
) -> tuple[list[T], list[int], list[str]]:
    """Load files; of those that can be used the values and their indices, of the others the messages.

    Without `skip_damaged` the first that cannot be used is an InputError, and one when none can.
    """
    values, kept, skipped = [], [], []
    for index, file in enumerate(files):
        try:
            values.append(load(file))
            kept.append(index)
        except InputError as error:
            if not skip_damaged:
                raise InputError(f"{error}; repair or remove it, or ask to skip damaged files") from error
            skipped.append(str(error))
    if not values:
        raise InputError(f"none of {len(files)} files could be used; the first: {skipped[0] if skipped else 'missing'}")
    return values, kept, skipped
