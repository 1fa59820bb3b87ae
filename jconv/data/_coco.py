"""Boxes of objects in pictures, in the JSON format of COCO."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jconv._core.errors import InputError
from jconv._core.limits import check_bytes
from jconv._core.wording import size_of
from jconv.data._decode import picture_size
from jconv.data._images import load_image
from jconv.data._labelled import load_each


class CocoAnnotations(NamedTuple):
    """Pictures and the boxes of the objects on them; element i of each field belongs to picture i.

    Boxes are in COCO's order, x before y: left, top, right, bottom. `rows_columns` gives them in the order of arrays.
    """

    files: tuple[Path, ...]
    """The pictures."""
    sizes: np.ndarray
    """(N, 2): rows and columns of each picture."""
    boxes: tuple[np.ndarray, ...]
    """Each (n, 4) float32: left, top, right, bottom, in pixels."""
    labels: tuple[np.ndarray, ...]
    """Each (n,) int32, counted from 0 in the order of `names`."""
    names: tuple[str, ...]
    """The names of the categories, in the order of their ids."""
    problems: tuple[str, ...] = ()
    """A message for each box that was clipped or left out, and each picture that is missing or of another size."""

    def rows_columns(self) -> tuple[np.ndarray, ...]:
        """Return the boxes of each picture as (n, 4): first row, first column, last row, last column.

        This is the order of `jconv.training.ScoredBoxes` and of `jconv.nn.box_iou`.
        """
        return tuple(boxes[:, [1, 0, 3, 2]] for boxes in self.boxes)

    def load(self, *, skip_damaged: bool = False) -> tuple[list[np.ndarray], list[int], list[str]]:
        """Read the pictures.

        Parameters
        ----------
        skip_damaged : bool
            Leave out pictures that cannot be read, or whose size is not that of the annotations. Default False.

        Returns
        -------
        images : list of arrays (H, W) or (H, W, 3)
        indices : list of int
            Which of `files` were read.
        skipped : list of str
            What was wrong with the others.

        Raises
        ------
        InputError
            When no picture can be read, and, without `skip_damaged`, for the first that cannot.
        """
        sizes = dict(zip(self.files, self.sizes))

        def load(file: Path) -> np.ndarray:
            image = load_image(file)
            if image.shape[:2] != tuple(sizes[file]):
                rows, columns = sizes[file]
                raise InputError(f"the picture {str(file)!r} is {size_of(image)}, and the JSON says {rows}×{columns}")
            return image

        return load_each(load, self.files, skip_damaged=skip_damaged)


def load_coco(path: str | os.PathLike[str], images: str | os.PathLike[str] | None = None) -> CocoAnnotations:
    """Read the boxes of a COCO-style JSON file.

    Parameters
    ----------
    path : path
        With "images" (id, file_name, height, width), "annotations" (image_id, category_id, bbox as left, top, width and
        height) and "categories" (id, name). Category ids may have gaps; `labels` have none.
    images : path, optional
        The folder of the pictures. Default: that of the JSON file.

    Returns
    -------
    CocoAnnotations
        Boxes that reach beyond their picture are clipped to it, and crowds (`iscrowd`) are left out; each such box is
        named in `problems`, as is each picture that is missing or has another size than the JSON says.

    Raises
    ------
    InputError
        When the file is not such JSON or is ambiguous: an id or a file name is listed twice, an annotation belongs to
        an unknown picture or category, or a box has no area or lies outside its picture. The entry is named.

    Notes
    -----
    T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014.

    Examples
    --------
    >>> load_coco("no_such_file.json")
    Traceback (most recent call last):
    jconv.InputError: cannot read the COCO file 'no_such_file.json': No such file or directory
    """
    path = Path(path)
    source = f"the COCO file {str(path)!r}"
    content = _read_json(path, source)
    pictures, notes, categories = (_records(content, part, source) for part in ("images", "annotations", "categories"))
    if not pictures or not categories:
        raise InputError(f"{source} names no pictures or no categories; pass one that does")
    root = path.parent if images is None else Path(images)
    try:
        categories = sorted(categories, key=lambda kind: kind["id"])
        rows = {picture["id"]: index for index, picture in enumerate(pictures)}
        kinds = {kind["id"]: label for label, kind in enumerate(categories)}
        names = tuple(str(kind["name"]) for kind in categories)
        files = tuple(root / picture["file_name"] for picture in pictures)
        sizes = np.array([(picture["height"], picture["width"]) for picture in pictures], int)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source} lacks something in its images or categories: {error!r}") from error
    _refuse_duplicates(source, "the image id", [picture["id"] for picture in pictures])
    _refuse_duplicates(source, "the category id", [kind["id"] for kind in categories])
    _refuse_duplicates(source, "the file name", [picture["file_name"] for picture in pictures])
    problems = _picture_problems(files, sizes)
    boxes: list[list[tuple[float, float, float, float]]] = [[] for _ in pictures]
    labels: list[list[int]] = [[] for _ in pictures]
    for index, note in enumerate(notes):
        name = f"annotation {note.get('id', index)}"
        for key, known in (("image_id", rows), ("category_id", kinds)):
            if note.get(key) not in known:
                raise InputError(f"{source}: {name} has the {key} {note.get(key)!r}, which is not listed")
        if note.get("iscrowd"):
            problems.append(f"{name} is a crowd, and was left out")
            continue
        row = rows[note["image_id"]]
        box, clipped = _box(note.get("bbox"), sizes[row], f"{source}: {name}")
        if clipped:
            problems.append(f"{name} reaches beyond {files[row].name}, and was clipped to it")
        boxes[row].append(box)
        labels[row].append(kinds[note["category_id"]])
    return CocoAnnotations(
        files,
        sizes,
        tuple(np.array(of_picture, np.float32).reshape(-1, 4) for of_picture in boxes),
        tuple(np.array(of_picture, np.int32) for of_picture in labels),
        names,
        tuple(problems),
    )


def _read_json(path: Path, source: str) -> Any:
    try:
        check_bytes(source, path.stat().st_size)
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror or error}") from error
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source} is not JSON: {error}") from error


def _records(content: Any, part: str, source: str) -> list[dict[str, Any]]:
    records = content.get(part) if isinstance(content, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"{source} has no list {part!r} of records; pass a COCO-style annotation file")
    return records


def _refuse_duplicates(source: str, what: str, values: Sequence[Any]) -> None:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise InputError(
            f"{source} lists {what} {repeated[0]!r} more than once"
            + (f" (and {len(repeated) - 1} others)" if len(repeated) > 1 else "")
            + ", so that it is unclear which entry counts; give each its own"
        )


def _picture_problems(files: Sequence[Path], sizes: np.ndarray) -> list[str]:
    """Return a message for each picture that is missing, cannot be read, or has another size than the JSON says."""
    problems = []
    for file, (rows, columns) in zip(files, sizes):
        try:
            size = picture_size(file)
        except InputError as error:
            problems.append(str(error))
            continue
        if size != (rows, columns):
            problems.append(f"the picture {str(file)!r} is {size[0]}×{size[1]}, and the JSON says {rows}×{columns}")
    return problems


def _box(bbox: Any, size: np.ndarray, what: str) -> tuple[tuple[float, float, float, float], bool]:
    """Left, top, right and bottom, clipped to the picture, and whether that changed anything."""
    try:
        left, top, width, height = map(float, bbox)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} has the bbox {bbox!r}; it must be left, top, width, height") from error
    right, bottom = left + width, top + height
    inside = max(left, 0.0), max(top, 0.0), min(right, float(size[1])), min(bottom, float(size[0]))
    finite = all(map(math.isfinite, (left, top, width, height)))
    if not (finite and inside[0] < inside[2] and inside[1] < inside[3]):
        raise InputError(
            f"{what} has the bbox {bbox!r} on a picture of {size[0]}×{size[1]}; it must lie on it, and have an area"
        )
    return inside, inside != (left, top, right, bottom)
