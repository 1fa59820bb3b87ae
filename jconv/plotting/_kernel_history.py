"""Kernels at several steps of learning, next to the true ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, SERIES, draw_kernel, figure, ruled


def kernel_history(
    kernels: np.ndarray,
    truth: np.ndarray,
    steps: Sequence[int],
    names: Sequence[str] = (),
    *,
    most: int = 6,
    title: str = "",
) -> Figure:
    """Draw how kernels approach the true ones while they are learned.

    Parameters
    ----------
    kernels : array (S, kh, kw, K)
        K kernels as they were at S steps.
    truth : array (kh, kw, K)
        The true kernels.
    steps : sequence of S int
        The numbers of the steps.
    names : sequence of str
        Of the kernels. Default "kernel 1", ...
    most : int
        Steps that are drawn as kernels, evenly spaced in S, the first and the last always. Default 6.
    title : str
        Default none.

    Returns
    -------
    Figure
        A row for each kernel: the kernel at several steps and the true one, on one colour scale; on the right the
        largest error of each kernel against the step.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.ones((3, 3, 1))
    >>> fig = kernel_history(np.stack([0 * truth, truth / 2]), truth, [0, 10])
    >>> [axes.get_title() for axes in fig.axes]
    ['step 0', 'step 10', 'true kernel', 'largest error']
    """
    kernels, truth, numbers = np.asarray(kernels, float), np.asarray(truth, float), np.asarray(steps)
    if kernels.shape != (len(steps), *truth.shape) or truth.ndim != 3:
        raise ValueError(
            f"`kernels` must have shape (steps, kh, kw, K) = {(len(steps), *truth.shape)}, got {kernels.shape}; stack "
            "the kernels of every step on a first axis"
        )
    count = truth.shape[-1]
    labels = [names[k] if k < len(names) else f"kernel {k + 1}" for k in range(count)]
    shown = np.unique(np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int))
    columns = len(shown) + 1
    fig = figure(1.25 * columns + 4.4, max(1.35 * count + 0.7, 3.0))
    fig.suptitle(title, fontsize=11, color=INK)
    left, right = fig.subfigures(1, 2, squeeze=False, width_ratios=(1.25 * columns, 4.2))[0]
    grid = left.subplots(count, columns, squeeze=False)
    for k, row in enumerate(grid):
        scale = float(np.abs(truth[..., k]).max())
        for axes, kernel in zip(row, [*kernels[shown, ..., k], truth[..., k]]):
            draw_kernel(axes, kernel, scale=scale or None)
        row[0].set_ylabel(labels[k], fontsize=9, color=INK)
    for axes, word in zip(grid[0], [*(f"step {step}" for step in numbers[shown]), "true kernel"]):
        axes.set_title(word, fontsize=9, color=INK)
    axes = right.subplots()
    errors = np.abs(kernels - truth).max(axis=(1, 2))
    for k, label in enumerate(labels):
        axes.plot(numbers, np.where(errors[:, k] > 0, errors[:, k], np.nan), color=SERIES[k % len(SERIES)], lw=1.5,
                  ls=("-", "--", ":")[k // len(SERIES) % 3], label=label)  # fmt: skip
    axes.set_yscale("log")
    ruled(axes, "step", "largest |learned − true|", "largest error")
    axes.legend(fontsize=8, frameon=False)
    return fig
