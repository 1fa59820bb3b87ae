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
    """A row for each photograph – spoiled, restored, as it was – and on the right the true kernel and the learned one.

    Parameters
    ----------
    photographs : sequence of (sharp, spoiled, restored), each (H, W, 3)
    levels : sequence of (before, after)
        Peak signal-to-noise ratios in dB.
    true_kernel, kernel : arrays (kh, kw)
    """
    rows = len(photographs)
    made = figure(12.5, 3.0 * rows + 0.6)
    made.suptitle(title, fontsize=12, color=INK)
    left, right = made.subfigures(1, 2, squeeze=False, width_ratios=(3, 1))[0]
    grid = left.subplots(rows, 3, squeeze=False)
    for axes, (sharp, spoiled, restored), (before, after) in zip(grid, photographs, levels):
        draw_image(axes[0], spoiled, f"from the camera: {before:.1f} dB")
        draw_image(axes[1], restored, f"restored: {after:.1f} dB")
        draw_image(axes[2], sharp, "as it was")
    scale = float(true_kernel.max())
    for axes, shown, name in zip(right.subplots(2, 1), (true_kernel, kernel), ("true kernel", "learned kernel")):
        axes.imshow(shown, cmap="magma", vmin=0, vmax=scale, interpolation="nearest")
        bare(axes, name)
    return made
