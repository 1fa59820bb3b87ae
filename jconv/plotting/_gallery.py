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
    """Draw pictures with titles, each scaled to its own range.

    Parameters
    ----------
    images : sequence of arrays (H, W)
        The pictures.
    titles : sequence of str
        One for each picture.
    right : sequence of bool, optional
        One for each picture: a green title where True, a red one where False. Default: dark titles.
    columns : int
        Default 5.
    width : float
        Of one picture, in inches. Default 2.2.
    cmap : str
        Matplotlib's name of the colour map. Default "gray".
    title : str
        Above all pictures. Default none.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> len(gallery([np.eye(3)] * 2, ["a", "b"], columns=2).axes)
    2
    """
    rows = -(-len(images) // columns)
    height = width * max(np.shape(image)[0] / np.shape(image)[1] for image in images) + 0.35
    fig = figure(columns * (width + 0.1) + 0.2, rows * height + 0.5)
    fig.suptitle(title, fontsize=11, color=INK)
    for index, axes in enumerate(fig.subplots(rows, columns, squeeze=False).flat):
        if index >= len(images):
            axes.set_axis_off()
            continue
        axes.imshow(images[index], cmap=cmap, interpolation="nearest")
        bare(axes, titles[index])
        if right is not None:
            axes.title.set_color(RIGHT if right[index] else WRONG)
    return fig
