"""Examples with their classes, and the checks that every loader makes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from jconv._core.errors import InputError
from jconv._core.names import list_known

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".webp")
"""The endings of picture files."""

K = TypeVar("K")
T = TypeVar("T")


class Labelled(NamedTuple):
    """Examples with their classes, as arrays in memory."""

    inputs: np.ndarray
    """(N, …), such as pictures (N, H, W, C) in [0, 1]."""
    labels: np.ndarray
    """(N,) int32, counted from 0."""
    names: tuple[str, ...]
    """The names of the classes."""
    skipped: tuple[str, ...] = ()
    """One message for each file that could not be used and was left out, as asked."""


def check_labels(labels: ArrayLike, classes: int, source: str) -> np.ndarray:
    """Check that labels are integers in 0 … classes − 1.

    Parameters
    ----------
    labels : array of integers
        Of any shape.
    classes : int
        The number of classes.
    source : str
        Where the labels come from, such as a file's name; messages begin with it.

    Returns
    -------
    array of int32
        The labels, in their shape.

    Raises
    ------
    InputError
        When they are not integers, there are none, or one lies outside; the first such one and its place are named.

    Examples
    --------
    >>> check_labels([0, 2, 1], 3, "labels.txt")
    array([0, 2, 1], dtype=int32)
    """
    array = np.asarray(labels)
    if not np.issubdtype(array.dtype, np.integer) or not array.size:
        raise InputError(f"{source} must hold integers as labels, got {array.dtype} of shape {array.shape}")
    outside = np.argwhere((array < 0) | (array >= classes))
    if len(outside):
        where = tuple(map(int, outside[0]))
        at = where[0] if len(where) == 1 else where
        raise InputError(
            f"{source} holds the label {int(array[tuple(where)])} at {at}, and {len(outside) - 1} more outside "
            f"0 … {classes - 1}; count the classes from 0, or pass a larger number of classes"
        )
    return array.astype(np.int32)


def check_column(name: str, known: Iterable[str], what: str) -> None:
    """Raise an InputError, which names the nearest, unless `name` is one of `known`."""
    known = list(map(str, known))
    if name not in known:
        raise InputError(f"{what} has no {name!r}{list_known(name, known, 'It has')}")


def check_classes(labels: np.ndarray, names: Sequence[str], things: str) -> None:
    """Raise an InputError where there are fewer than two classes, or no example of one of them could be read."""
    if missing := [name for label, name in enumerate(names) if label not in labels]:
        raise InputError(f"of the classes {', '.join(map(repr, missing))} no {things} could be read; add some")


def class_folders(
    folder: str | os.PathLike[str], endings: Sequence[str] = PICTURES
) -> tuple[list[Path], list[int], tuple[str, ...]]:
    """List the files of a folder that has a folder for each class.

    Parameters
    ----------
    folder : path
        Hidden files and files with other endings in it do not count.
    endings : sequence of str
        With their dots, in small letters. Default: those of pictures.

    Returns
    -------
    files : list of Path
    labels : list of int
        The class of each file, counted from 0 in the order of `names`.
    names : tuple of str
        The names of the classes, which are those of the folders, sorted.

    Raises
    ------
    InputError
        When there is no such folder, it holds no folder, or one of these holds no file that counts.

    Examples
    --------
    >>> class_folders("no_such_folder")
    Traceback (most recent call last):
    jconv.InputError: there is no folder 'no_such_folder'; pass one that exists
    """
    root = _existing_folder(folder)
    classes = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not classes:
        raise InputError(f"the folder {str(root)!r} has no folders in it; make one for each class")
    files, labels, empty = [], [], []
    for label, path in enumerate(classes):
        members = _files_in(path, endings)
        files += members
        labels += [label] * len(members)
        empty += [] if members else [path.name]
    if empty:
        raise InputError(
            f"in {str(root)!r} the class folders {', '.join(map(repr, empty))} hold no file that ends in "
            f"{', '.join(endings)}; add some, or remove those folders"
        )
    return files, labels, tuple(path.name for path in classes)


def list_files(folder: str | os.PathLike[str], endings: Sequence[str] = PICTURES) -> list[Path]:
    """List the files under a folder, without hidden ones, in the order of their names.

    Parameters
    ----------
    folder : path
        Searched with the folders in it.
    endings : sequence of str
        With their dots, in small letters. Default: those of pictures.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        When there is no such folder, or no such file in it.

    Examples
    --------
    >>> list_files("no_such_folder")
    Traceback (most recent call last):
    jconv.InputError: there is no folder 'no_such_folder'; pass one that exists
    """
    root = _existing_folder(folder)
    files = _files_in(root, endings)
    if not files:
        raise InputError(f"the folder {str(root)!r} holds no file that ends in {', '.join(endings)}; add some")
    return files


def _files_in(folder: Path, endings: Sequence[str]) -> list[Path]:
    counts = lambda path: path.is_file() and path.suffix.lower() in endings and not path.name.startswith(".")
    return sorted(path for path in folder.rglob("*") if counts(path))


def _existing_folder(folder: str | os.PathLike[str]) -> Path:
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"there is no folder {str(root)!r}; pass one that exists")
    return root


def load_each(
    load: Callable[[K], T], files: Sequence[K], *, skip_damaged: bool = False
) -> tuple[list[T], list[int], list[str]]:
    """Load files one by one.

    Parameters
    ----------
    load : callable (file) -> value
        Raises an InputError for a file that cannot be used.
    files : sequence
        What is handed to `load`.
    skip_damaged : bool
        Go on past files that cannot be used. Default False.

    Returns
    -------
    values : list
    indices : list of int
        Which of the files they came from.
    skipped : list of str
        The messages of the others.

    Raises
    ------
    InputError
        When none can be used, and, without `skip_damaged`, for the first that cannot.

    Examples
    --------
    >>> load_each(str.upper, ["a", "b"])
    (['A', 'B'], [0, 1], [])
    """
    values, indices, skipped = [], [], []
    for index, file in enumerate(files):
        try:
            values.append(load(file))
            indices.append(index)
        except InputError as error:
            if not skip_damaged:
                raise InputError(
                    f"{str(error).rstrip('.')}; repair or remove it, or ask to skip damaged files"
                ) from error
            skipped.append(str(error))
    if not values:
        raise InputError(f"none of {len(files)} files could be used; the first: {skipped[0] if skipped else 'missing'}")
    return values, indices, skipped
