"""A kernel sliding over a signal or an image, step by step, with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from jconv.plotting._figure import INK, PALE, SERIES, bare, figure, short
from jconv.plotting._film import Film
from jconv.plotting._windows import Padding, PerAxis, Windows, windows_of

_MOST = {True: 22, False: 14}
"""Cells of signals and of images bear their numbers up to this many in a row, more would be too small (a guess)."""
_SMALLEST, _LINES = 0.22, 40
"""The inches of a cell that has room for a number, and the cells in a row that have room for lines between them."""
_FRAMES = 200
"""Frames of an animation unless the caller chooses the steps: more make a page of tens of megabytes (a guess)."""


def sliding_kernel(
    image: np.ndarray,
    kernel: np.ndarray,
    output: np.ndarray | None = None,
    step: int = 0,
    *,
    strides: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    input_dilation: PerAxis = 1,
) -> Figure:
    """Draw one step of a correlation: the samples under the kernel, the kernel, and the outputs so far.

    Parameters
    ----------
    image : array (H, W) or (N,)
        A picture or a signal.
    kernel : array (kh, kw) or (k,)
    output : array, optional
        The result of the correlation. Default: computed here, in 64-bit numbers.
    step : int
        Of the output, in reading order; at least 0, below `output.size`. Default 0.
    strides : int or pair of int
        The distance of two outputs, in samples. Default 1.
    padding : int, "SAME", "VALID" or pairs of int
        Zeros around the image: ((top, bottom), (left, right)), or ((before, after),) for a signal. Default 0.
    dilation : int or pair of int
        The distance of two taps of the kernel, in samples. Default 1.
    input_dilation : int or pair of int
        The distance to which the samples of the image are moved apart, with zeros between them: a transposed
        convolution with strides s has `input_dilation` s, strides 1, and the padding of
        `jconv.engine.transpose_padding`. Default 1.

    Returns
    -------
    Figure
        Its title is the sum of products at that step.

    Raises
    ------
    ValueError
        If `output` does not have the shape that the other arguments give, or the kernel does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> fig = sliding_kernel(np.ones((3, 3)), np.ones((2, 2)))
    >>> fig.get_suptitle()
    '1 · 1 + 1 · 1 + 1 · 1 + 1 · 1 = 4'
    """
    fig, draw = _stage(windows_of(image, kernel, output, strides, padding, dilation, input_dilation))
    draw(step)
    return fig


def animate_sliding_kernel(
    image: np.ndarray,
    kernel: np.ndarray,
    output: np.ndarray | None = None,
    *,
    strides: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    input_dilation: PerAxis = 1,
    steps: Sequence[int] | np.ndarray | None = None,
    interval: int = 400,
    dark: bool = False,
) -> Film:
    """Animate the steps of `sliding_kernel`.

    Parameters
    ----------
    image, kernel, output, strides, padding, dilation, input_dilation
        As in `sliding_kernel`.
    steps : sequence of int, optional
        The steps that are shown, a frame each. Default: all, or 200 evenly spaced ones where there are more.
    interval : int
        Milliseconds per step. Default 400.
    dark : bool
        Light ink on a dark ground, as `darken` makes it. Default False.

    Returns
    -------
    FuncAnimation
        A notebook shows it with a play button; `save_animation` writes it as a GIF, an MP4 or a page.

    Raises
    ------
    ValueError
        If `output` does not have the shape that the other arguments give, or the kernel does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> film = animate_sliding_kernel(np.ones((3, 3)), np.ones((2, 2)), padding="SAME")
    >>> film.save("film.gif", writer="pillow")  # doctest: +SKIP
    """
    windows = windows_of(image, kernel, output, strides, padding, dilation, input_dilation)
    size = windows.output.size
    if steps is None:
        steps = np.unique(np.linspace(0, size - 1, min(size, _FRAMES)).round().astype(int))
    fig, draw = _stage(windows)
    return Film(fig, draw, list(steps), interval=interval, dark=dark)


def _stage(windows: Windows) -> tuple[Figure, Callable[[int], None]]:
    """Return a figure, and the function that draws one step into it."""
    if windows.flat:
        cols = max(windows.padded.shape[1], windows.output.shape[1], 6)
        fig = figure(min(0.45 * cols, 10.5) + 1.0, 2.9)
        axes = fig.subplots(3, 1)
        return fig, lambda step: _draw_signal(fig, axes, windows, step)
    shapes = [array.shape for array in (windows.padded, windows.kernel, windows.output)]
    ratios = [cols for _, cols in shapes]
    side = min(0.42, 11.0 / sum(ratios), 5.0 / max(rows for rows, _ in shapes))
    fig = figure(side * sum(ratios) + 2.2, side * max(rows for rows, _ in shapes) + 1.1)
    axes = fig.subplots(1, 3, width_ratios=ratios)
    return fig, lambda step: _draw_image(fig, axes, windows, step, side >= _SMALLEST)


def _draw_image(fig: Figure, axes: np.ndarray, windows: Windows, step: int, numbers: bool) -> None:
    for one in axes:
        one.clear()
    rows, cols = windows.taps(step)
    _grid(axes[0], windows.padded, _title("image", windows), numbers=numbers)
    _frame(axes[0], windows)
    _mark(axes[0], rows, cols)
    _grid(axes[1], windows.kernel, "kernel", numbers=numbers)
    _finish(fig, axes[2], windows, step, numbers)


def _draw_signal(fig: Figure, axes: np.ndarray, windows: Windows, step: int) -> None:
    """Draw the signal, the kernel below the samples that it meets, and the outputs so far."""
    for one in axes:
        one.clear()
    rows, cols = windows.taps(step)
    _grid(axes[0], windows.padded, _title("signal", windows), flat=True)
    _frame(axes[0], windows)
    _mark(axes[0], rows, cols)
    below = np.full(windows.padded.shape, np.nan)
    below[np.ix_(rows, cols)] = windows.kernel
    _grid(axes[1], below, "kernel", flat=True, lines=False)
    axes[1].set_frame_on(False)
    _finish(fig, axes[2], windows, step)
    cols = max(windows.padded.shape[1], windows.output.shape[1])
    for one in axes:  # cells of one size, below each other
        one.set_xlim(-0.5, cols - 0.5)
    axes[2].set_frame_on(False)
    axes[2].add_patch(Rectangle((-0.5, -0.5), windows.output.shape[1], 1, fill=False, ec=PALE, lw=0.8, zorder=0.5))


def _finish(fig: Figure, axes: Axes, windows: Windows, step: int, numbers: bool = True) -> None:
    """Draw the outputs up to a step, and the sum of products above all."""
    output = windows.output
    so_far = np.where(np.arange(output.size).reshape(output.shape) <= step, output, np.nan)
    _grid(axes, so_far, "output", scale=float(np.abs(output).max()), flat=windows.flat, numbers=numbers)
    row, col = np.unravel_index(int(step), output.shape)
    axes.add_patch(Rectangle((int(col) - 0.5, int(row) - 0.5), 1, 1, fill=False, ec=SERIES[1], lw=1.8))
    samples = windows.padded[np.ix_(*windows.taps(step))]
    fig.suptitle(_sum(samples, windows.kernel, output[row, col]), fontsize=9, color=INK)


def _title(word: str, windows: Windows) -> str:
    where = np.argwhere(windows.real)
    if not len(where):
        return word
    low, high = where.min(0), where.max(0) + 1
    inside = windows.real[low[0] : high[0], low[1] : high[1]]
    between, around = not inside.all(), tuple(high - low) != windows.real.shape
    if between:
        return f"{word}, zeros between {'and around ' if around else ''}its samples"
    return f"{word}, zeros around it" if around else word


def _frame(axes: Axes, windows: Windows) -> None:
    """Draw an outline of the input inside its zeros."""
    where = np.argwhere(windows.real)
    if len(where):
        (top, left), (bottom, right) = where.min(0), where.max(0)
        size = int(right - left + 1), int(bottom - top + 1)
        axes.add_patch(Rectangle((int(left) - 0.5, int(top) - 0.5), *size, fill=False, ec=INK, lw=1.2))


def _mark(axes: Axes, rows: np.ndarray, cols: np.ndarray) -> None:
    """Mark the samples under the kernel."""
    for u in rows:
        for v in cols:
            axes.add_patch(Rectangle((v - 0.5, u - 0.5), 1, 1, fc=SERIES[5], alpha=0.35, ec=SERIES[1], lw=1.4))


def _grid(
    axes: Axes,
    values: np.ndarray,
    title: str,
    *,
    scale: float | None = None,
    flat: bool = False,
    lines: bool = True,
    numbers: bool = True,
) -> None:
    scale = scale or float(np.nanmax(np.abs(values))) or 1.0
    axes.imshow(values, cmap="RdBu_r", vmin=-1.6 * scale, vmax=1.6 * scale, interpolation="nearest")
    bare(axes, title)
    rows, cols = values.shape
    if lines and max(rows, cols) <= _LINES:
        for edge in range(1, rows):
            axes.plot((-0.5, cols - 0.5), (edge - 0.5,) * 2, color=PALE, lw=0.4)
        for edge in range(1, cols):
            axes.plot((edge - 0.5,) * 2, (-0.5, rows - 0.5), color=PALE, lw=0.4)
    if max(rows, cols) > _MOST[flat] or not numbers:
        return
    for (row, col), value in np.ndenumerate(values):
        if not np.isnan(value):
            axes.text(col, row, short(value, 1), ha="center", va="center", fontsize=7, color=INK)


def _sum(window: np.ndarray, kernel: np.ndarray, total: float, most: int = 9) -> str:
    """Write the products that add up to an output, zeros left out."""
    products = [(short(x), short(k)) for x, k in zip(window.flat, kernel.flat) if x and k]
    terms = [f"{x} · {k}" for x, k in products if x != "0" and k != "0"]  # others are too small to be written
    shown = " + ".join(terms[:most]) + (" + …" if len(terms) > most or len(terms) < len(products) else "")
    return f"{shown or '0'} = {short(total)}"
