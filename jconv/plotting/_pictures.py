"""What networks see in pictures: masks and boxes drawn over them, and rows of pictures beside the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from jconv.plotting._figure import INK, bare, figure

HUES = (
    "#e6194b", "#3cb44b", "#ffe119", "#4363d8", "#f58231", "#911eb4", "#46f0f0", "#f032e6", "#bcf60c", "#9a6324",
)  # fmt: skip
"""Ten hues that stay apart from each other on photographs; after Kelly's and Tableau's lists."""


def draw_image(axes: Axes, image: np.ndarray, title: str = "") -> None:
    """Draw a picture without ticks.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    image : array (H, W) or (H, W, 3)
        Values in [0, 1]; others are clipped.
    title : str
        Default none.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().subplots()
    >>> draw_image(axes, np.eye(3), "identity")
    >>> axes.get_title()
    'identity'
    """
    axes.imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    bare(axes, title)


def draw_mask(axes: Axes, mask: np.ndarray, *, opacity: float = 1.0) -> None:
    """Draw the classes of a mask in their hues; class 0 stays clear.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    mask : int array (H, W)
        Classes 0, 1, 2, ...
    opacity : float
        From 0 to 1. Default 1.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().subplots()
    >>> draw_mask(axes, np.eye(3, dtype=int))
    >>> axes.images[0].get_array().shape
    (3, 3, 4)
    """
    axes.imshow(color_mask(mask, opacity=opacity), interpolation="nearest")


def color_mask(mask: np.ndarray, *, opacity: float = 1.0) -> np.ndarray:
    """Give each class of a mask its hue.

    Parameters
    ----------
    mask : int array (H, W)
        Classes 0, 1, 2, ...; 0 is clear. The hues repeat after ten classes.
    opacity : float
        From 0 to 1. Default 1.

    Returns
    -------
    array (H, W, 4)
        Red, green, blue and opacity, from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> color_mask(np.array([[0, 1]]), opacity=0.5)[..., 3].tolist()
    [[0.0, 0.5]]
    """
    table = np.array([[0, 0, 0, 0], *(_rgb(hue, opacity) for hue in HUES)])
    return table[np.where(mask > 0, (np.asarray(mask) - 1) % len(HUES) + 1, 0)]


def draw_boxes(
    axes: Axes, boxes: np.ndarray, names: Sequence[str], hues: Sequence[int] = (), *, dashed: bool = False
) -> None:
    """Draw boxes with their names.

    Parameters
    ----------
    axes : Axes
        With a picture on it.
    boxes : array (N, 4)
        First row, first column, last row, last column, in pixels: the edges between pixels, so that [0, 0, 1, 1] is the
        first pixel.
    names : sequence of N str
        Each at the upper left corner of its box.
    hues : sequence of N int
        The numbers of their colours. Default all alike.
    dashed : bool
        Dashed lines. Default False.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().subplots()
    >>> draw_boxes(axes, np.array([[0, 0, 2, 3]]), ["cat"])
    >>> float(axes.patches[0].get_width()), float(axes.patches[0].get_height())
    (3.0, 2.0)
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
    """Draw one picture with boxes on it.

    Parameters
    ----------
    image : array (H, W, 3)
        Values in [0, 1].
    boxes, names, hues
        As in `draw_boxes`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> fig = boxes_on_picture(np.zeros((8, 8, 3)), np.array([[1, 1, 4, 4]]), ["cat"])
    >>> fig.axes[0].texts[0].get_text()
    'cat'
    """
    height, width = image.shape[:2]
    scale = 7 / max(height, width)
    fig = figure(max(2.0, scale * width), max(2.0, scale * height))
    axes = fig.subplots()
    draw_image(axes, image)
    draw_boxes(axes, boxes, names, hues)
    return fig


def segmentation_grid(
    images: np.ndarray, truth: np.ndarray, predicted: np.ndarray, names: Sequence[str], *, title: str = ""
) -> Figure:
    """Draw columns of pictures with their true and predicted masks and the wrong pixels.

    Parameters
    ----------
    images : array (N, H, W, 3)
        Values in [0, 1].
    truth, predicted : int arrays (N, H, W)
        The masks.
    names : sequence of str
        Of the classes 1, 2, ...
    title : str
        Default none.

    Returns
    -------
    Figure
        Wrong pixels are white in the last row.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((1, 4, 4), int)
    >>> len(segmentation_grid(np.zeros((1, 4, 4, 3)), mask, mask, ["digit"]).axes)
    4
    """
    count = len(images)
    fig = figure(1.55 * count + 1.2, 7.2)
    fig.suptitle(title, fontsize=12, color=INK)
    grid = fig.subplots(4, count, squeeze=False)
    for column in range(count):
        picture, true, mine = images[column], truth[column], predicted[column]
        draw_image(grid[0, column], picture)
        for axes, mask in ((grid[1, column], true), (grid[2, column], mine)):
            draw_image(axes, 0.45 * picture)
            draw_mask(axes, mask)
        draw_image(grid[3, column], (true != mine).astype(float))
    for row, label in enumerate(("picture", "true mask", "predicted mask", "wrong pixels")):
        grid[row, 0].set_ylabel(label, fontsize=10, color=INK)
    handles = [Patch(color=hue, label=name) for hue, name in zip(HUES, names)]
    fig.legend(handles=handles, loc="outside right center", fontsize=9, frameon=False, title="class")
    return fig


def detection_grid(
    images: np.ndarray,
    truth: Sequence[tuple[np.ndarray, Sequence[str], Sequence[int]]],
    detected: Sequence[tuple[np.ndarray, Sequence[str], Sequence[int]]],
    *,
    title: str = "",
) -> Figure:
    """Draw columns of pictures with their true boxes above and the detected ones below.

    Parameters
    ----------
    images : array (N, H, W) or (N, H, W, 3)
        Values in [0, 1].
    truth, detected : sequences of N triples (boxes, names, hues)
        As in `draw_boxes`.
    title : str
        Default none.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> boxes = (np.array([[1, 1, 4, 4]]), ["7"], [0])
    >>> len(detection_grid(np.zeros((1, 8, 8)), [boxes], [boxes]).axes)
    2
    """
    count = len(images)
    fig = figure(2.4 * count + 0.3, 5.5)
    fig.suptitle(title, fontsize=12, color=INK)
    grid = fig.subplots(2, count, squeeze=False)
    for column in range(count):
        for axes, boxes in zip(grid[:, column], (truth[column], detected[column])):
            draw_image(axes, images[column])
            draw_boxes(axes, *boxes)
    for row, label in enumerate(("truth", "detected: digit and score")):
        grid[row, 0].set_ylabel(label, fontsize=10, color=INK)
    return fig


def _rgb(hue: str, opacity: float) -> tuple[float, ...]:
    return (*(int(hue[i : i + 2], 16) / 255 for i in (1, 3, 5)), opacity)
