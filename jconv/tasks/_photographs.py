"""Real photographs as backgrounds and as material: some to learn from, others to test on."""

from __future__ import annotations

import numpy as np

from jconv._core import check
from jconv._core.extras import needed

TRAIN = (
    "astronaut", "camera", "chelsea", "stereo_motorcycle", "brick", "grass", "gravel", "moon", "immunohistochemistry",
    "retina", "hubble_deep_field", "cell", "china", "flower",
)  # fmt: skip
TEST = ("rocket", "coffee", "coins")
_OF_SKLEARN = ("china", "flower")


def photographs(part: str, *, size: int = 256, closer: bool = False) -> np.ndarray:
    """Load the photographs that scikit-image and scikit-learn carry, as squares (P, size, size, 3) of bytes.

    Parameters
    ----------
    part : "train" or "test"
        Fourteen to learn from, or three others; grey ones have equal channels.
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
    image = needed("PIL.Image", "data")
    squares = []
    for name in names:
        picture = image.fromarray(_pixels(name)).convert("RGB")
        side = min(picture.size)
        left, top = ((n - side) // 2 for n in picture.size)
        half = side / 2
        boxes = [(left, top, left + side, top + side)]
        if closer:
            corners = [(left + x * half, top + y * half) for x in (0, 1) for y in (0, 1)]
            boxes += [(x, y, x + half, y + half) for x, y in corners]
        squares += [np.asarray(picture.resize((size, size), image.Resampling.LANCZOS, box=box)) for box in boxes]
    return np.stack(squares)


def _pixels(name: str) -> np.ndarray:
    if name in _OF_SKLEARN:
        return needed("sklearn.datasets", "data").load_sample_image(f"{name}.jpg")
    pixels = getattr(needed("skimage.data", "data"), name)()
    return pixels[0] if isinstance(pixels, tuple) else pixels  # of a stereo pair the left one
