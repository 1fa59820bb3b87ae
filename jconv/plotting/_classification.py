"""How a classifier learned, and what it confuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, SERIES, figure


def learning_curves(curves: Mapping[str, np.ndarray], *, title: str = "", smooth: int = 25) -> Figure:
    """One panel for each curve (steps,): the values, pale, and their running mean over `smooth` steps."""
    made = figure(4.2 * len(curves) + 0.4, 3.4)
    made.suptitle(title, fontsize=11, color=INK)
    for axes, (name, values), colour in zip(made.subplots(1, len(curves), squeeze=False)[0], curves.items(), SERIES):
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
    return made


def confusion(matrix: np.ndarray, names: Sequence[str], *, title: str = "") -> Figure:
    """Counts (classes, classes), truth by prediction: right ones in blue, wrong ones in red, zeros left out."""
    count = len(matrix)
    made = figure(1.6 + 0.45 * count, 1.5 + 0.45 * count)
    axes = made.subplots()
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
    return made
