"""Boxes of objects in pictures, as COCO writes them down in JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jconv._core.errors import InputError
from jconv.data._images import load_image, size_of
from jconv.data._labelled import load_each


class Boxes(NamedTuple):
    """Pictures and the objects on them; element i of each belongs to picture i."""

    files: tuple[Path, ...]
    sizes: np.ndarray
    """(N, 2): rows and columns of each picture."""
    boxes: tuple[np.ndarray, ...]
    """Each (n, 4) float32: left, top, right, bottom, in pixels."""
    labels: tuple[np.ndarray, ...]
    """Each (n,) int32, counted from 0 in the order of `names`."""
    names: tuple[str, ...]
    """Of the categories, in the order of their ids."""

    def load(self, *, skip_damaged: bool = False) -> tuple[list[np.ndarray], list[int], list[str]]:
        """The pictures, the indices of those that could be read, and what was wrong with the others.

        Without `skip_damaged`, a picture that cannot be read, or is of another size than the JSON says, is an
        InputError.
        """
        sizes = dict(zip(self.files, self.sizes))

        def load(file: Path) -> np.ndarray:
            image = load_image(file)
            if image.shape[:2] != tuple(sizes[file]):
                rows, columns = sizes[file]
                raise InputError(f"the picture {str(file)!r} is {size_of(image)}, and the JSON says {rows}×{columns}")
            return image

        return load_each(load, self.files, skip_damaged=skip_damaged)


def load_coco(path: str | os.PathLike, images: str | os.PathLike | None = None) -> Boxes:
    """Read the boxes of a COCO-style JSON file; crowds (`iscrowd`) are left out.

    Parameters
    ----------
    path : path
        With "images" (id, file_name, height, width), "annotations" (image_id, category_id, bbox as left, top, width and
        height) and "categories" (id, name). Category ids may have gaps; `labels` have none.
    images : path, optional
        The folder of the pictures; by default that of the JSON file.

    Raises
    ------
    InputError
        For a file that is no such JSON, an annotation of an unknown picture or category, or a box that has no area or
        lies outside its picture; the annotation is named.

    Notes
    -----
    T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014.
    """
    path = Path(path)
    told = f"the COCO file {str(path)!r}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {told}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{told} is no JSON: {error}") from error
    pictures, notes, categories = (_records(content, part, told) for part in ("images", "annotations", "categories"))
    if not pictures or not categories:
        raise InputError(f"{told} names no pictures or no categories; pass one that does")
    root = path.parent if images is None else Path(images)
    try:
        rows = {picture["id"]: index for index, picture in enumerate(pictures)}
        kinds = {kind["id"]: label for label, kind in enumerate(sorted(categories, key=lambda kind: kind["id"]))}
        names = tuple(str(kind["name"]) for kind in sorted(categories, key=lambda kind: kind["id"]))
        files = tuple(root / picture["file_name"] for picture in pictures)
        sizes = np.array([(picture["height"], picture["width"]) for picture in pictures], int)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{told} lacks something in its images or categories: {error!r}") from error
    boxes: list[list] = [[] for _ in pictures]
    labels: list[list] = [[] for _ in pictures]
    for index, note in enumerate(notes):
        what = f"{told}: annotation {note.get('id', index)}"
        for key, known in (("image_id", rows), ("category_id", kinds)):
            if note.get(key) not in known:
                raise InputError(f"{what} has the {key} {note.get(key)!r}, which is none of those that are listed")
        if note.get("iscrowd"):
            continue
        row = rows[note["image_id"]]
        boxes[row].append(_box(note.get("bbox"), sizes[row], what))
        labels[row].append(kinds[note["category_id"]])
    return Boxes(
        files,
        sizes,
        tuple(np.array(found, np.float32).reshape(-1, 4) for found in boxes),
        tuple(np.array(found, np.int32) for found in labels),
        names,
    )


def _records(content: Any, part: str, told: str) -> list[dict]:
    records = content.get(part) if isinstance(content, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"{told} has no list {part!r} of records; pass a COCO-style annotation file")
    return records


def _box(given: Any, size: np.ndarray, what: str) -> tuple[float, float, float, float]:
    try:
        left, top, width, height = map(float, given)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} has the bbox {given!r}; it must be left, top, width, height") from error
    inside = left >= -1 and top >= -1 and left + width <= size[1] + 1 and top + height <= size[0] + 1
    if not (width > 0 and height > 0 and inside):
        raise InputError(
            f"{what} has the bbox {given!r} on a picture of {size[0]}×{size[1]}; it must lie on it, and have an area"
        )
    return left, top, left + width, top + height
