"""Kernels side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, draw_kernel, figure


def kernel_grid(
    kernels: Sequence[np.ndarray], names: Sequence[str] = (), *, title: str = "", columns: int = 8, shared: bool = False
) -> Figure:
    """Each kernel (kh, kw) as coloured squares, red positive and blue negative; `shared` gives all one scale."""
    columns = min(columns, len(kernels))
    rows = -(-len(kernels) // columns)
    made = figure(1.35 * columns + 0.3, 1.55 * rows + 0.5)
    if title:
        made.suptitle(title, fontsize=11, color=INK)
    scale = max(float(np.abs(k).max()) for k in kernels) if shared else None
    grid = made.subplots(rows, columns, squeeze=False)
    for index, axes in enumerate(grid.flat):
        if index >= len(kernels):
            axes.set_axis_off()
            continue
        draw_kernel(axes, kernels[index], scale=scale)
        if index < len(names):
            axes.set_title(names[index], fontsize=9, color=INK)
    return made
