"""Pictures with titles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, bare, figure

RIGHT, WRONG = "#00734f", "#b33c00"


def gallery(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    *,
    right: Sequence[bool] | None = None,
    columns: int = 5,
    width: float = 2.2,
    cmap: str = "gray",
    title: str = "",
) -> Figure:
    """Pictures (H, W), each scaled to its own range, with titles; where `right` says so, green or red ones.

    Parameters
    ----------
    images, titles, right : sequences of equal length
    columns : int
    width : float
        Of one picture, in inches.
    cmap, title : str
    """
    rows = -(-len(images) // columns)
    height = width * max(np.shape(image)[0] / np.shape(image)[1] for image in images) + 0.35
    made = figure(columns * (width + 0.1) + 0.2, rows * height + 0.5)
    made.suptitle(title, fontsize=11, color=INK)
    for index, axes in enumerate(made.subplots(rows, columns, squeeze=False).flat):
        if index >= len(images):
            axes.set_axis_off()
            continue
        axes.imshow(images[index], cmap=cmap, interpolation="nearest")
        bare(axes, titles[index])
        if right is not None:
            axes.title.set_color(RIGHT if right[index] else WRONG)
    return made
