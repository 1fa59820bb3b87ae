"""Photographs as they were, as a camera gave them, and as a network restored them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, bare, figure
from jconv.plotting._pictures import draw_image


def restoration(
    photographs: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    levels: Sequence[tuple[float, float]],
    true_kernel: np.ndarray,
    kernel: np.ndarray,
    *,
    title: str = "",
) -> Figure:
    """Draw photographs as a camera gave them, as a network restored them, and as they were.

    Parameters
    ----------
    photographs : sequence of triples (sharp, spoiled, restored), each an array (H, W, 3)
        Values in [0, 1]; a row each.
    levels : sequence of pairs of float
        Peak signal-to-noise ratios before and after, in dB.
    true_kernel, kernel : arrays (kh, kw)
        The camera's and the learned one, drawn on one scale.
    title : str
        Default none.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> picture, kernel = np.ones((4, 4, 3)), np.eye(3)
    >>> restoration([(picture, picture, picture)], [(20.0, 30.0)], kernel, kernel).axes[1].get_title()
    'restored: 30.0 dB'
    """
    rows = len(photographs)
    fig = figure(12.5, 3.0 * rows + 0.6)
    fig.suptitle(title, fontsize=12, color=INK)
    left, right = fig.subfigures(1, 2, squeeze=False, width_ratios=(3, 1))[0]
    grid = left.subplots(rows, 3, squeeze=False)
    for axes, (sharp, spoiled, restored), (before, after) in zip(grid, photographs, levels):
        draw_image(axes[0], spoiled, f"from the camera: {before:.1f} dB")
        draw_image(axes[1], restored, f"restored: {after:.1f} dB")
        draw_image(axes[2], sharp, "as it was")
    scale = float(true_kernel.max())
    for axes, shown, name in zip(right.subplots(2, 1), (true_kernel, kernel), ("true kernel", "learned kernel")):
        axes.imshow(shown, cmap="magma", vmin=0, vmax=scale, interpolation="nearest")
        bare(axes, name)
    return fig
