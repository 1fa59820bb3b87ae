"""Real photographs as backgrounds and as material: some to learn from, others to test on."""

from __future__ import annotations

import numpy as np

from jconv._core import check
from jconv._core.extras import needed

TRAIN = (
    "astronaut", "camera", "chelsea", "stereo_motorcycle", "brick", "grass", "gravel", "moon", "immunohistochemistry",
    "retina", "hubble_deep_field", "cell",
)  # fmt: skip
TEST = ("rocket", "coffee", "coins")


def photographs(part: str, *, size: int = 256, closer: bool = False) -> np.ndarray:
    """The photographs that scikit-image carries, as squares (P, size, size, 3) of bytes; grey ones have equal channels.

    Parameters
    ----------
    part : "train" or "test"
        Twelve to learn from, or three others.
    size : int
        The middle square of each photograph is resized to so many pixels.
    closer : bool
        Whether the four quarters of the square follow, resized alike.

    Raises
    ------
    ValueError
        For another part or a size below 1.

    Examples
    --------
    >>> photographs("test", size=32).shape
    (3, 32, 32, 3)
    """
    names = {"train": TRAIN, "test": TEST}[check.choice("part", part, ("train", "test"))]
    check.positive_int("size", size)
    data, image = needed("skimage.data", "data"), needed("PIL.Image", "data")
    squares = []
    for name in names:
        pixels = getattr(data, name)()
        picture = image.fromarray(pixels[0] if isinstance(pixels, tuple) else pixels).convert("RGB")
        side = min(picture.size)
        left, top = ((n - side) // 2 for n in picture.size)
        half = side / 2
        boxes = [(left, top, left + side, top + side)]
        if closer:
            corners = [(left + x * half, top + y * half) for x in (0, 1) for y in (0, 1)]
            boxes += [(x, y, x + half, y + half) for x, y in corners]
        squares += [np.asarray(picture.resize((size, size), image.Resampling.LANCZOS, box=box)) for box in boxes]
    return np.stack(squares)
