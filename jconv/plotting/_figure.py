"""Figures: making, decorating, saving."""

from __future__ import annotations

import io
import os

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jconv._core.files import atomic
from jconv.plotting._fonts import make_legible

INK, PALE, GROUND = "#222222", "#8a8a8a", "#ffffff"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999")  # Okabe & Ito


class Picture(Figure):
    """A figure that a notebook shows by itself, without pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=100)
        return file.getvalue()


def figure(width: float, height: float) -> Figure:
    """Make an empty figure in inches, for files only."""
    fig = Picture(figsize=(width, height), layout="constrained", facecolor=GROUND)
    FigureCanvasAgg(fig)
    return fig


def save(fig: Figure, path: str | os.PathLike, *, dpi: int = 120) -> None:
    """Write a figure as a PNG file, atomically.

    Parameters
    ----------
    fig : Figure
        What to write.
    path : path
        The file; it appears whole or not at all.
    dpi : int
        Pixels per inch. Default 120.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, os, numpy as np
    >>> from jconv.plotting import kernel_grid
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(kernel_grid([np.eye(3)]), os.path.join(folder, "kernel.png"))
    ...     os.listdir(folder)
    ['kernel.png']
    """
    make_legible(fig)
    with atomic(path) as file:
        fig.savefig(file, format="png", dpi=dpi, facecolor=fig.get_facecolor())


def bare(axes: Axes, title: str = "") -> Axes:
    """Take the ticks from axes, and give them a title."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=9, color=INK)
    for spine in axes.spines.values():
        spine.set_color(PALE)
        spine.set_linewidth(0.6)
    return axes


def ruled(axes: Axes, across: str, up: str, title: str = "") -> Axes:
    """Give axes of curves their labels, a pale grid and a title."""
    axes.set_xlabel(across, fontsize=9, color=INK)
    axes.set_ylabel(up, fontsize=9, color=INK)
    axes.set_title(title, fontsize=10, color=INK)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25, lw=0.5)
    return axes


def with_unit(quantity: str, unit: str) -> str:
    """Return the label of an axis.

    >>> with_unit("time", "s"), with_unit("time", "")
    ('time in s', 'time')
    """
    return f"{quantity} in {unit}" if unit else quantity


def short(value: float, digits: int = 2) -> str:
    """Write a number in as few characters as it takes: 1, −.5, 10.25.

    >>> [short(v) for v in (1.0, -0.5, 10.25, -0.001)]
    ['1', '−.5', '10.25', '0']
    """
    text = f"{abs(value):.{digits}f}".rstrip("0").rstrip(".") or "0"
    text = text.removeprefix("0") or "0"
    return text if text == "0" or value > 0 else "−" + text


def draw_kernel(axes: Axes, kernel: np.ndarray, *, scale: float | None = None, digits: int = 2) -> None:
    """Draw a kernel as coloured squares, red positive and blue negative, with its numbers where they fit."""
    kernel = np.asarray(kernel, float)
    scale = scale or float(np.abs(kernel).max()) or 1.0
    axes.imshow(kernel, cmap="RdBu_r", vmin=-scale, vmax=scale, interpolation="nearest")
    bare(axes)
    if kernel.size > 25:
        return
    for (row, col), value in np.ndenumerate(kernel):
        colour = "white" if abs(value) > 0.6 * scale else INK
        size = 7 if kernel.size <= 9 else 4.6
        axes.text(col, row, short(value, digits), ha="center", va="center", fontsize=size, color=colour)
