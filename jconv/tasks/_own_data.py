"""Own data: a split of files into those to learn from and those to test on, weights of classes, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jconv._core.errors import InputError
from jconv._core.wording import size_of
from jconv.data import class_folders, list_files, load_each, load_image, resize_image

TESTED = 0.2
"""The share of the files of each class that is tested on."""
FEW = 30
"""Below this many test files a figure says little."""


class Pictures(NamedTuple):
    """Pictures of one size with their classes."""

    images: np.ndarray
    """(N, H, W, C) float32 in [0, 1]."""
    labels: np.ndarray
    """(N,) int32."""
    names: tuple[str, ...]
    """The names of the classes."""
    skipped: tuple[str, ...]
    """One message for each file that was left out."""


def load_classes(folder: str, *, size: int, channels: int, skip_damaged: bool) -> Pictures:
    """Read a folder with a folder of pictures for each class, all resized to one size, grey and colour alike."""
    files, labels, names = class_folders(folder)
    load = lambda file: resize_image(load_image(file), size=(size, size), channels=channels)
    images, indices, skipped = load_each(load, files, skip_damaged=skip_damaged)
    return Pictures(np.stack(images), np.asarray(labels, np.int32)[indices], names, tuple(skipped))


def split_by_class(
    labels: np.ndarray, names: Sequence[str], things: str, rng: np.random.Generator, share: float = TESTED
) -> np.ndarray:
    """Choose the examples to test on, of each class the same share and at least one.

    Returns
    -------
    array (N,) of bool

    Raises
    ------
    InputError
        When there is one class only, or a class has fewer than two examples.
    """
    if len(names) < 2:
        raise InputError(
            f"there is only one class, {names[0]!r}, so that every answer is right; add a folder for another class"
        )
    tested = np.zeros(len(labels), bool)
    for label, name in enumerate(names):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) < 2:
            how_many = "one" if len(members) else "no"
            raise InputError(
                f"the class {name!r} has {how_many} {things}; it takes two, to train on one and to test on the other"
            )
        tested[members[: max(1, round(share * len(members)))]] = True
    return tested


def split_files(count: int, things: str, rng: np.random.Generator, share: float = TESTED) -> np.ndarray:
    """Choose which of `count` files are tested on, as (count,) of bool; at least one, and never all."""
    if count < 2:
        raise InputError(f"there is only one {things}; it takes two, to train on one and to test on the other")
    tested = np.zeros(count, bool)
    tested[rng.permutation(count)[: max(1, round(share * count))]] = True
    return tested


def weigh_classes(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return weights (classes,) in inverse proportion to how often a class occurs, with the mean 1 over the examples.

    >>> weigh_classes(np.array([0, 0, 0, 1]), 2)
    array([0.6666667, 2.       ], dtype=float32)
    """
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / np.maximum(counts, 1) / max(1, np.count_nonzero(counts))).astype(np.float32)


def warn_of_few(tested: int, things: str) -> tuple[str, ...]:
    """Return a warning where the test set is too small for its figure to say much."""
    if tested >= FEW:
        return ()
    return (f"only {tested} {things} were tested on, so that the figure is rough; see its interval",)


def cut_squares(
    folder: str, *, least: int, multiple: int, margin: int, seed: int, skip_damaged: bool, most: int = 256
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Cut pictures of any size into squares of one size, without resizing, which would change noise and blur.

    The side, at most `most`, is that of the largest square which lies in every picture and is `margin` more than a
    `multiple`. A whole file is either learned from or tested on; of a test picture the middle square is used.

    Returns
    -------
    train, test : array (P, side, side, 3)
        Bytes; grey pictures have equal channels.
    skipped : tuple of str
        One message for each file that was left out.
    """

    def load(file: Path) -> np.ndarray:
        image = resize_image(load_image(file))
        if min(image.shape[:2]) < least:
            raise InputError(f"the picture {str(file)!r} is {size_of(image)}; pieces of it need {least}×{least} pixels")
        return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)

    images, _, skipped = load_each(load, list_files(folder), skip_damaged=skip_damaged)
    tested = split_files(len(images), "picture", np.random.default_rng(seed))
    side = min(most, *(min(image.shape[:2]) for image in images))
    side = margin + (side - margin) // multiple * multiple
    squares: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for image, held_out in zip(images, tested):
        counts = (1, 1) if held_out else tuple(n // side for n in image.shape[:2])
        before = [(n - side * count) // 2 for n, count in zip(image.shape[:2], counts)]
        for at in np.ndindex(*counts):
            top, left = (first + side * index for first, index in zip(before, at))
            squares[int(held_out)].append(image[top : top + side, left : left + side])
    return np.stack(squares[0]), np.stack(squares[1]), tuple(skipped)
