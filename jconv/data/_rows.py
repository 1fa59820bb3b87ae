"""Data sets of rows, such as those of Hugging Face's `datasets`: anything with a length that gives dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np

from jconv._core.errors import InputError
from jconv.data._image_folders import resize_image
from jconv.data._labelled import Labelled, check_column, check_labels, load_each


class Rows(Protocol):
    """What a data set must offer; its `features`, where it has some, name the classes."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Mapping[str, Any]: ...


def load_rows(
    rows: Rows,
    *,
    image: str = "image",
    label: str = "label",
    names: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    channels: int = 3,
    skip_damaged: bool = False,
) -> Labelled:
    """Read pictures and labels from a data set of rows, such as a `datasets.Dataset` of Hugging Face.

    Parameters
    ----------
    rows : object with len(rows) and rows[i] -> mapping
    image, label : str
        The columns: a Pillow picture or an array (H, W) or (H, W, C) – bytes, or real numbers in [0, 1] –, and an
        integer counted from 0.
    names : sequence of str, optional
        The names of the classes. Default: those of the feature of the column `label`, else as many numbers as the
        labels need.
    size : (rows, columns), optional
        Resize every picture to this; without it all must have one size already.
    channels : 1 or 3
        Grey or colour. Default 3.
    skip_damaged : bool
        Leave out what cannot be read, and list it in `skipped`. Default False.

    Returns
    -------
    Labelled
        Pictures (N, H, W, channels), float32 in [0, 1], and labels (N,).

    Raises
    ------
    InputError
        Where a column is missing (the nearest is named), a label lies outside the classes, or a picture cannot be used.

    Examples
    --------
    >>> rows = [{"image": np.zeros((4, 4), np.uint8), "label": 1}, {"image": np.ones((4, 4)), "label": 0}]
    >>> load_rows(rows, channels=1).inputs.shape
    (2, 4, 4, 1)
    """
    if not len(rows):
        raise InputError("the data set has no rows; pass one that has some")
    columns = tuple(rows[0])
    for column in (image, label):
        check_column(column, columns, "the data set")
    images, indices, skipped = load_each(
        lambda index: _picture(rows[index][image], f"row {index}", size=size, channels=channels),
        range(len(rows)),
        skip_damaged=skip_damaged,
    )
    for index, picture in zip(indices, images):
        if picture.shape != images[0].shape:
            raise InputError(
                f"the picture of row {index} has shape {picture.shape}, that of row {indices[0]} {images[0].shape}; "
                "pass a `size` to resize to"
            )
    values = [rows[index][label] for index in indices]
    if names is None:
        feature = (getattr(rows, "features", None) or {}).get(label)
        names = getattr(feature, "names", None) or [str(n) for n in range(max([*map(_integer, values), 0]) + 1)]
    classes = tuple(map(str, cast(Sequence[str], names)))
    labels = check_labels([_integer(value) for value in values], len(classes), f"the column {label!r}")
    return Labelled(np.stack(images), labels, classes, tuple(skipped))


def _picture(value: Any, what: str, *, size: tuple[int, int] | None, channels: int) -> np.ndarray:
    if hasattr(value, "convert"):  # a Pillow picture
        value = value.convert("L" if channels == 1 else "RGB")
    try:
        pixels = np.asarray(value)
    except Exception as error:  # a picture that cannot be decoded raises as its decoder likes
        raise InputError(f"the picture of {what} cannot be read: {error}") from error
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim not in (2, 3) or not pixels.size or (pixels.ndim == 3 and pixels.shape[-1] != 3):
        raise InputError(f"the picture of {what} has shape {pixels.shape}; it must be (H, W) or (H, W, 3)")
    if np.issubdtype(pixels.dtype, np.integer):
        if pixels.min() < 0 or pixels.max() > 255:
            raise InputError(f"the picture of {what} holds integers outside 0 … 255; scale them to [0, 1]")
        pixels = pixels / np.float32(255)
    if not np.issubdtype(pixels.dtype, np.floating) or not np.isfinite(pixels).all():
        raise InputError(
            f"the picture of {what} holds {pixels.dtype} values that are not finite numbers; pass bytes, or real "
            "numbers in [0, 1]"
        )
    return resize_image(pixels, size=size, channels=channels)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"a label must be an integer, got {value!r}; count the classes from 0")
    return int(value.__index__())
