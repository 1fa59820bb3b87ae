"""How a classifier learned, and what it confuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, SERIES, figure


def learning_curves(curves: Mapping[str, np.ndarray], *, title: str = "", smooth: int = 25) -> Figure:
    """Draw curves of a training run, one panel for each.

    Parameters
    ----------
    curves : mapping of str to array (steps,)
        The values of each curve, one per step, under its name.
    title : str
        Above all panels. Default none.
    smooth : int
        Steps over which the running mean is taken. Default 25.

    Returns
    -------
    Figure
        In each panel the values, pale, and their running mean.

    Examples
    --------
    >>> import numpy as np
    >>> len(learning_curves({"loss": np.ones(9), "accuracy": np.ones(9)}).axes)
    2
    """
    fig = figure(4.2 * len(curves) + 0.4, 3.4)
    fig.suptitle(title, fontsize=11, color=INK)
    for axes, (name, values), colour in zip(fig.subplots(1, len(curves), squeeze=False)[0], curves.items(), SERIES):
        steps = np.arange(1, len(values) + 1)
        axes.plot(steps, values, color=colour, alpha=0.25, lw=0.8, label="each step")
        width = min(smooth, len(values))
        mean = np.convolve(values, np.ones(width) / width, mode="valid")
        axes.plot(steps[width - 1 :], mean, color=colour, lw=1.8, label=f"mean of {width} steps")
        axes.set_title(name, fontsize=10, color=INK)
        axes.set_xlabel("step", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25, lw=0.5)
        axes.legend(fontsize=8, frameon=False)
    return fig


def confusion(matrix: np.ndarray, names: Sequence[str], *, title: str = "") -> Figure:
    """Draw a table of confusions: right answers in blue, wrong ones in red.

    Parameters
    ----------
    matrix : int array (classes, classes)
        Counts, truth by prediction.
    names : sequence of str
        The names of the classes.
    title : str
        Default none.

    Returns
    -------
    Figure
        A cell's colour is its share of its row. Zeros have no number.

    Examples
    --------
    >>> import numpy as np
    >>> confusion(np.array([[5, 0], [1, 4]]), ["cat", "dog"]).axes[0].get_xlabel()
    'predicted'
    """
    count = len(matrix)
    fig = figure(1.6 + 0.45 * count, 1.5 + 0.45 * count)
    axes = fig.subplots()
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    signed = np.where(np.eye(count, dtype=bool), share, -np.sqrt(share))  # a single mistake must be seen
    axes.imshow(signed, cmap="RdBu", vmin=-1.3, vmax=1.3)
    for (row, col), value in np.ndenumerate(matrix):
        if value:
            colour = "white" if abs(signed[row, col]) > 0.7 else INK
            axes.text(col, row, str(int(value)), ha="center", va="center", fontsize=9, color=colour)
    slanted = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 3 else {}
    axes.set_xticks(range(count), names, fontsize=9, **slanted)
    axes.set_yticks(range(count), names, fontsize=9)
    axes.set_xlabel("predicted", fontsize=10)
    axes.set_ylabel("truth", fontsize=10)
    axes.set_title(title, fontsize=11, color=INK)
    return fig
