"""What networks find on pictures: masks and boxes drawn over them, and rows of pictures beside the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from jconv.plotting._figure import INK, bare, figure

# Ten hues that stay apart from each other on photographs; after Kelly's and Tableau's lists.
HUES = (
    "#e6194b", "#3cb44b", "#ffe119", "#4363d8", "#f58231", "#911eb4", "#46f0f0", "#f032e6", "#bcf60c", "#9a6324",
)  # fmt: skip


def draw_image(axes: Axes, image: np.ndarray, title: str = "") -> None:
    """A picture (H, W) or (H, W, 3) with values in [0, 1], without ticks."""
    axes.imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    bare(axes, title)


def draw_mask(axes: Axes, mask: np.ndarray, *, opacity: float = 1.0) -> None:
    """Classes 1, 2, … of a mask (H, W) in their hues; 0 stays clear."""
    axes.imshow(colour_mask(mask, opacity=opacity), interpolation="nearest")


def colour_mask(mask: np.ndarray, *, opacity: float = 1.0) -> np.ndarray:
    """(H, W, 4), red, green, blue and opacity: classes 1, 2, … in their hues, 0 clear."""
    table = np.array([[0, 0, 0, 0], *(_rgb(hue, opacity) for hue in HUES)])
    return table[np.where(mask > 0, (np.asarray(mask) - 1) % len(HUES) + 1, 0)]


def draw_boxes(
    axes: Axes, boxes: np.ndarray, names: Sequence[str], hues: Sequence[int] = (), *, dashed: bool = False
) -> None:
    """Boxes (N, 4) of first row, first column, last row, last column, each with its name at a corner.

    `hues` are the numbers of their colours, by default all alike.
    """
    reach = abs(np.subtract(*axes.get_ylim()))
    for index, (box, name) in enumerate(zip(np.asarray(boxes, float), names)):
        colour = HUES[hues[index] % len(HUES)] if len(hues) else HUES[2]
        top, left, bottom, right = box - 0.5  # pixel i reaches from i - 0.5 to i + 0.5 on these axes
        line, width = ("--", 1.0) if dashed else ("-", 1.4)
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour, ls=line, lw=width))
        # On a bright hue white is hard to read; above a box at the picture's upper edge a name would be cut off.
        ink = "black" if np.dot(_rgb(colour, 1)[:3], (0.3, 0.6, 0.1)) > 0.6 else "white"
        axes.text(
            left, top, name, fontsize=7, color=ink, va="top" if top < 0.06 * reach else "bottom", clip_on=True,
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8, "alpha": 0.9},
        )  # fmt: skip


def boxes_on_picture(image: np.ndarray, boxes: np.ndarray, names: Sequence[str], hues: Sequence[int] = ()) -> Figure:
    """One picture (H, W, 3) with boxes drawn on it; see `draw_boxes`."""
    height, width = image.shape[:2]
    scale = 7 / max(height, width)
    made = figure(max(2.0, scale * width), max(2.0, scale * height))
    axes = made.subplots()
    draw_image(axes, image)
    draw_boxes(axes, boxes, names, hues)
    return made


def segmentation_grid(
    images: np.ndarray, truth: np.ndarray, predicted: np.ndarray, names: Sequence[str], *, title: str = ""
) -> Figure:
    """Columns of three: a picture (H, W, 3), its true mask (H, W), and the predicted one; wrong pixels in white.

    `names` are those of the classes 1, 2, …
    """
    count = len(images)
    made = figure(1.55 * count + 1.2, 7.2)
    made.suptitle(title, fontsize=12, color=INK)
    grid = made.subplots(4, count, squeeze=False)
    for column in range(count):
        picture, true, found = images[column], truth[column], predicted[column]
        draw_image(grid[0, column], picture)
        for axes, mask in ((grid[1, column], true), (grid[2, column], found)):
            draw_image(axes, 0.45 * picture)
            draw_mask(axes, mask)
        draw_image(grid[3, column], (true != found).astype(float))
    for row, label in enumerate(("picture", "true mask", "predicted mask", "wrong pixels")):
        grid[row, 0].set_ylabel(label, fontsize=10, color=INK)
    handles = [Patch(color=hue, label=name) for hue, name in zip(HUES, names)]
    made.legend(handles=handles, loc="outside right center", fontsize=9, frameon=False, title="class")
    return made


def detection_grid(
    images: np.ndarray,
    truth: Sequence[tuple[np.ndarray, Sequence[str], Sequence[int]]],
    found: Sequence[tuple[np.ndarray, Sequence[str], Sequence[int]]],
    *,
    title: str = "",
) -> Figure:
    """Columns of two: a picture with its true boxes above, and with those found below; see `draw_boxes`."""
    count = len(images)
    made = figure(2.4 * count + 0.3, 5.5)
    made.suptitle(title, fontsize=12, color=INK)
    grid = made.subplots(2, count, squeeze=False)
    for column in range(count):
        for axes, boxes in zip(grid[:, column], (truth[column], found[column])):
            draw_image(axes, images[column])
            draw_boxes(axes, *boxes)
    for row, label in enumerate(("truth", "found: digit and score")):
        grid[row, 0].set_ylabel(label, fontsize=10, color=INK)
    return made


def _rgb(hue: str, opacity: float) -> tuple[float, ...]:
    return (*(int(hue[i : i + 2], 16) / 255 for i in (1, 3, 5)), opacity)
