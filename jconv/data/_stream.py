"""Batches that are loaded while training runs, for data too large for memory (grain, of the extra `stream`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jconv._core import check
from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv.data._image_folders import resize_image
from jconv.data._images import load_image
from jconv.data._labelled import class_folders


class Source(Protocol):
    """Examples by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class ImageFiles:
    """The pictures of a folder of class folders, each read when it is asked for: (picture (H, W, channels), label).

    Parameters
    ----------
    folder : path
        Holds a folder for each class, whose name is that of the class.
    size : (rows, columns)
        Every picture is resized to this.
    channels : 1 or 3
        Grey or colour. Default 3.

    Raises
    ------
    InputError
        As `image_folder`; for a damaged picture only when it is read.

    Examples
    --------
    >>> ImageFiles("no_such_folder", size=(32, 32))
    Traceback (most recent call last):
    jconv.InputError: there is no folder 'no_such_folder'; pass one that exists
    """

    def __init__(self, folder: str | os.PathLike[str], *, size: tuple[int, int], channels: int = 3) -> None:
        self.files, self.labels, self.names = class_folders(folder)
        self.size, self.channels = size, channels

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.int32]:
        file: Path = self.files[index]
        return resize_image(load_image(file), size=self.size, channels=self.channels), np.int32(self.labels[index])


def stream(source: Source, *, batch_size: int, seed: int, change: Callable[..., Any] | None = None) -> Any:
    """Shuffle examples into batches without end, for the `batch` of `jconv.training.fit`.

    Parameters
    ----------
    source : object with len(source) and source[i]
        The examples, such as `ImageFiles`.
    batch_size : int
        Examples in each batch.
    seed : int
        Decides the order; each epoch has its own.
    change : callable (example, numpy.random.Generator) -> example, optional
        A random change of each example, whenever it is drawn.

    Returns
    -------
    grain.MapDataset
        Batch number i is ``result[i]``.

    Raises
    ------
    InputError
        When there are fewer examples than a batch takes, or grain, of the extra `stream`, is not installed.

    Notes
    -----
    Batch number i is a pure function of the source, the seed and i, so that a resumed run sees the batches that it
    would have seen.

    Examples
    --------
    >>> stream(["a", "b"], batch_size=3, seed=0)
    Traceback (most recent call last):
    jconv.InputError: `batch_size` is 3, but there are only 2 examples; make it smaller
    """
    batch_size, seed = check.positive_int("batch_size", batch_size), check.integer("seed", seed)
    if batch_size > len(source):
        raise InputError(f"`batch_size` is {batch_size}, but there are only {len(source)} examples; make it smaller")
    batches = needed("grain", "stream").MapDataset.source(source).seed(seed).shuffle().repeat()
    if change is not None:
        batches = batches.random_map(change)
    return batches.batch(batch_size, drop_remainder=True)
