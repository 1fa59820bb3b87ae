"""Kernels side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, draw_kernel, figure


def kernel_grid(
    kernels: Sequence[np.ndarray], names: Sequence[str] = (), *, title: str = "", columns: int = 8, shared: bool = False
) -> Figure:
    """Draw kernels side by side as coloured squares, red positive and blue negative.

    Parameters
    ----------
    kernels : sequence of arrays (kh, kw)
        The kernels.
    names : sequence of str
        Their titles. Default none.
    title : str
        Above all kernels. Default none.
    columns : int
        At most this many side by side. Default 8.
    shared : bool
        Give all kernels one colour scale; else each has its own. Default False.

    Returns
    -------
    Figure
        Kernels of up to 25 taps bear their numbers.

    Examples
    --------
    >>> import numpy as np
    >>> [axes.get_title() for axes in kernel_grid([np.eye(3), np.ones((3, 3))], ["a", "b"]).axes]
    ['a', 'b']
    """
    columns = min(columns, len(kernels))
    rows = -(-len(kernels) // columns)
    fig = figure(1.35 * columns + 0.3, 1.55 * rows + 0.5)
    if title:
        fig.suptitle(title, fontsize=11, color=INK)
    scale = max(float(np.abs(k).max()) for k in kernels) if shared else None
    grid = fig.subplots(rows, columns, squeeze=False)
    for index, axes in enumerate(grid.flat):
        if index >= len(kernels):
            axes.set_axis_off()
            continue
        draw_kernel(axes, kernels[index], scale=scale)
        if index < len(names):
            axes.set_title(names[index], fontsize=9, color=INK)
    return fig
