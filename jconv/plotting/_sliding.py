"""A kernel sliding over an image, step by step, with its numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from jconv.plotting._figure import INK, PALE, SERIES, bare, figure, short

Pair = tuple[int, int]
_MOST = 14
"""Cells bear their numbers up to this many rows or columns, more would be too small to read (a guess)."""


def sliding_kernel(
    image: np.ndarray,
    kernel: np.ndarray,
    output: np.ndarray,
    step: int,
    *,
    strides: Pair = (1, 1),
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0)),
    dilation: Pair = (1, 1),
) -> Figure:
    """Draw one step of a correlation: the samples under the kernel, the kernel, and the outputs so far.

    Parameters
    ----------
    image : array (H, W)
    kernel : array (kh, kw)
    output : array (H_out, W_out)
        The result of the correlation.
    step : int
        Of the output, in reading order; at least 0, below `output.size`.
    strides, padding, dilation : pairs
        Those with which `output` was computed; padding is ((top, bottom), (left, right)) zeros. Default 1, 0 and 1.

    Returns
    -------
    Figure
        Its title is the sum of products at that step.

    Raises
    ------
    ValueError
        If `output` does not have the shape that the other arguments give.

    Examples
    --------
    >>> import numpy as np
    >>> fig = sliding_kernel(np.ones((3, 3)), np.ones((2, 2)), np.full((2, 2), 4.0), 0)
    >>> fig.get_suptitle()
    '1 · 1 + 1 · 1 + 1 · 1 + 1 · 1 = 4'
    """
    fig, draw = _stage(image, kernel, output, strides, padding, dilation)
    draw(step)
    return fig


def animate_sliding_kernel(
    image: np.ndarray,
    kernel: np.ndarray,
    output: np.ndarray,
    *,
    strides: Pair = (1, 1),
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0)),
    dilation: Pair = (1, 1),
    interval: int = 400,
) -> FuncAnimation:
    """Animate all steps of `sliding_kernel`.

    Parameters
    ----------
    image, kernel, output, strides, padding, dilation
        As in `sliding_kernel`.
    interval : int
        Milliseconds per step. Default 400.

    Returns
    -------
    FuncAnimation
        `.to_jshtml()` for a notebook, `.save("a.gif")` for a file.

    Raises
    ------
    ValueError
        If `output` does not have the shape that the other arguments give.

    Examples
    --------
    >>> import numpy as np
    >>> film = animate_sliding_kernel(np.ones((3, 3)), np.ones((2, 2)), np.full((2, 2), 4.0))
    >>> film.save("film.gif", writer="pillow")  # doctest: +SKIP
    >>> film._draw_was_started = True  # else Matplotlib warns that nothing was drawn
    """
    fig, draw = _stage(image, kernel, output, strides, padding, dilation)
    return FuncAnimation(fig, draw, frames=output.size, init_func=lambda: None, interval=interval)


def _stage(
    image: np.ndarray, kernel: np.ndarray, output: np.ndarray, strides: Pair, padding: tuple[Pair, Pair], dilation: Pair
) -> tuple[Figure, Callable[[int], None]]:
    """Return a figure, and the function that draws one step into it."""
    padded = np.pad(np.asarray(image, float), padding)
    kernel, output = np.asarray(kernel, float), np.asarray(output, float)
    shapes = [array.shape for array in (padded, kernel, output)]
    expected = tuple(
        (n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(padded.shape, kernel.shape, strides, dilation)
    )
    if output.shape != expected:
        raise ValueError(
            f"`output` must have shape {expected} for these strides, padding and dilation, got {output.shape}; compute "
            "it with jconv.conv2d and the same options"
        )
    height = 0.42 * max(rows for rows, _ in shapes) + 1.1
    fig = figure(0.42 * sum(cols for _, cols in shapes) + 2.2, height)
    ratios = [cols for _, cols in shapes]
    axes = fig.subplots(1, 3, width_ratios=ratios)

    def draw(step: int) -> None:
        row, col = divmod(int(step), output.shape[1])
        top, left = row * strides[0], col * strides[1]
        rows, cols = (start + np.arange(k) * d for start, k, d in zip((top, left), kernel.shape, dilation))
        for one in axes:
            one.clear()
        _grid(axes[0], padded, "image, zeros around it" if np.any(padding) else "image")
        (before, _), (beside, _) = padding
        frame = (beside - 0.5, before - 0.5), np.shape(image)[1], np.shape(image)[0]
        axes[0].add_patch(Rectangle(*frame, fill=False, ec=INK, lw=1.2))
        for u in rows:
            for v in cols:
                axes[0].add_patch(Rectangle((v - 0.5, u - 0.5), 1, 1, fc=SERIES[5], alpha=0.35, ec=SERIES[1], lw=1.4))
        _grid(axes[1], kernel, "kernel")
        so_far = np.where(np.arange(output.size).reshape(output.shape) <= step, output, np.nan)
        _grid(axes[2], so_far, "output", scale=float(np.abs(output).max()))
        axes[2].add_patch(Rectangle((col - 0.5, row - 0.5), 1, 1, fill=False, ec=SERIES[1], lw=1.8))
        fig.suptitle(_sum(padded[np.ix_(rows, cols)], kernel, output[row, col]), fontsize=9, color=INK)

    return fig, draw


def _grid(axes: Axes, values: np.ndarray, title: str, *, scale: float | None = None) -> None:
    scale = scale or float(np.nanmax(np.abs(values))) or 1.0
    axes.imshow(values, cmap="RdBu_r", vmin=-1.6 * scale, vmax=1.6 * scale, interpolation="nearest")
    bare(axes, title)
    rows, cols = values.shape
    for edge in range(1, rows):
        axes.axhline(edge - 0.5, color=PALE, lw=0.4)
    for edge in range(1, cols):
        axes.axvline(edge - 0.5, color=PALE, lw=0.4)
    if max(rows, cols) > _MOST:
        return
    for (row, col), value in np.ndenumerate(values):
        if not np.isnan(value):
            axes.text(col, row, short(value, 1), ha="center", va="center", fontsize=7, color=INK)


def _sum(window: np.ndarray, kernel: np.ndarray, total: float, most: int = 9) -> str:
    """Write the products that add up to an output, zeros left out."""
    terms = [f"{short(x)} · {short(k)}" for x, k in zip(window.flat, kernel.flat) if x and k]
    shown = " + ".join(terms[:most]) + (" + …" if len(terms) > most else "")
    return f"{shown or '0'} = {short(total)}"
