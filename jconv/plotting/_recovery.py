"""How learned kernels compare with the true ones: numbers, and what each makes of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, SERIES, bare, draw_kernel, figure


def kernel_recovery(
    names: Sequence[str],
    image: np.ndarray,
    truth: np.ndarray,
    start: np.ndarray,
    learned: np.ndarray,
    errors: np.ndarray,
    *,
    most: int = 8,
    known: bool = True,
) -> Figure:
    """Draw how learned kernels compare with the true ones.

    Parameters
    ----------
    names : sequence of K str
        Of the kernels.
    image : array (C, H, W)
        The input picture, values in [0, 1].
    truth, start, learned : arrays (kh, kw, K)
        The true kernels, the random start, and the result.
    errors : array (steps, K)
        Largest absolute error of each kernel after each step.
    most : int
        Kernels that get a row. Default 8.
    known : bool
        Whether the true kernels are known; else `truth` is what least squares finds. Default True.

    Returns
    -------
    Figure
        The picture and the errors on the left; on the right a row for each kernel with its numbers and its output.

    Examples
    --------
    >>> import numpy as np
    >>> kernel = np.ones((3, 3, 1))
    >>> fig = kernel_recovery(["box"], np.ones((1, 8, 8)), kernel, 0 * kernel, kernel, np.ones((5, 1)))
    >>> fig.axes[1].get_xlabel()
    'step'
    """
    picture = np.moveaxis(image, 0, -1)
    grey = picture.mean(axis=-1)
    count = min(len(names), most)
    fig = figure(13, 1.2 + 1.2 * count)
    fig.suptitle(
        "Learning convolution kernels from random numbers: "
        + ("the true kernels made the outputs; " if known else "")
        + "learning saw only the input and the outputs",
        fontsize=12,
        color=INK,
    )
    left, right = fig.subfigures(1, 2, squeeze=False, width_ratios=(1, 2.15))[0]
    above, below = left.subplots(2, 1, height_ratios=(1.15, 1))
    above.imshow(np.clip(picture if picture.shape[-1] == 3 else grey, 0, 1), cmap="gray")
    bare(above, "Input picture")
    steps = np.arange(1, len(errors) + 1)
    for k in range(count):
        below.semilogy(steps, errors[:, k], color=SERIES[k % len(SERIES)], lw=1.4, label=names[k])
    below.axhline(1e-3, color=INK, lw=0.8, ls=":")
    below.text(steps[-1], 1e-3, "1e-3", ha="right", va="bottom", fontsize=8, color=INK)
    below.set_title("Largest error of each kernel while learning", fontsize=9, color=INK)
    below.set_xlabel("step", fontsize=8)
    below.tick_params(labelsize=8)
    below.legend(fontsize=7, frameon=False, loc="upper right")
    below.grid(alpha=0.25, lw=0.5)
    grid = right.subplots(count, 5, squeeze=False, width_ratios=(1, 1, 1, 1.5, 1.5))
    titles = (
        "random start",
        "learned kernel",
        f"{'true' if known else 'least-squares'} kernel",
        "output of the learned kernel",
        f"output of the {'true' if known else 'least-squares'} kernel",
    )
    for axes, title in zip(grid[0], titles):
        axes.set_title(title, fontsize=9, color=INK)
    for k in range(count):
        scale = float(np.abs(truth[..., k]).max())
        for axes, bank in zip(grid[k], (start, learned, truth)):
            draw_kernel(axes, _trim(bank[..., k], truth[..., k]), scale=scale)
        outputs = [_correlate(grey, bank[..., k]) for bank in (learned, truth)]
        limits = output_limits(outputs[1], truth[..., k])
        for axes, output in zip(grid[k, 3:], outputs):
            axes.imshow(output, cmap="gray", vmin=limits[0], vmax=limits[1])
            bare(axes)
        for axes, title in zip(grid[k], titles):
            axes.set_title(title if k == 0 else "", fontsize=9, color=INK)
        error = float(np.abs(learned[..., k] - truth[..., k]).max())
        grid[k, 0].set_ylabel(f"{names[k]}\nerror {error:.0e}", fontsize=8.5, color=INK)
    return fig


def _trim(kernel: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Trim a kernel of the border where `like` holds only zeros, so that its numbers can be read."""
    used = np.argwhere(np.abs(like) > 0)
    if max(like.shape) < 4 or not len(used):
        return kernel
    margin = [int(min(used[:, a].min(), n - 1 - used[:, a].max())) for a, n in enumerate(like.shape)]
    rows, cols = (slice(m, n - m) for m, n in zip(margin, like.shape))
    return kernel[rows, cols]


def _correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlate where the kernel lies inside the image."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijuv,uv->ij", windows, kernel)


def output_limits(output: np.ndarray, kernel: np.ndarray) -> tuple[float, float]:
    """Grey levels: around zero for kernels that sum to zero, else the picture's own."""
    if abs(kernel.sum()) < 1e-3 * np.abs(kernel).sum():
        reach = float(np.percentile(np.abs(output), 99)) or 1.0
        return -reach, reach
    low, high = np.percentile(output, (0.5, 99.5))
    return float(low), float(high) if high > low else float(low) + 1.0
