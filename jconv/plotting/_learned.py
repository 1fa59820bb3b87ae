"""What a network learned and what it looks at: kernels, feature maps, saliency, receptive fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from jconv.plotting._figure import INK, SERIES, bare, figure


def kernel_bank(kernels: np.ndarray, *, title: str = "", columns: int = 16) -> Figure:
    """Draw the kernels of a first layer, one square each, all on one scale.

    Parameters
    ----------
    kernels : array (kh, kw, C, K)
        Kernels of three channels are shown in colour about a middle grey, others as the mean of their channels, red
        positive and blue negative.
    title : str
        Default none.
    columns : int
        At most this many side by side. Default 16.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> len(kernel_bank(np.ones((3, 3, 1, 4))).axes)
    4
    """
    kh, kw, channels, count = kernels.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    side = 0.62
    fig = figure(side * columns + 0.3, side * rows * kh / kw + 0.5)
    fig.suptitle(title, fontsize=11, color=INK)
    reach = float(np.abs(kernels).max()) or 1.0
    for index, axes in enumerate(fig.subplots(rows, columns, squeeze=False).flat):
        if index >= count:
            axes.set_axis_off()
        elif channels == 3:
            bare(axes).imshow(0.5 + 0.5 * kernels[..., index] / reach, interpolation="nearest")
        else:
            mean = kernels[..., index].mean(-1)
            bare(axes).imshow(mean, cmap="RdBu_r", vmin=-reach, vmax=reach, interpolation="nearest")
    return fig


def feature_maps(
    image: np.ndarray, stages: Sequence[np.ndarray], names: Sequence[str] = (), *, most: int = 8, title: str = ""
) -> Figure:
    """Draw a picture, and the feature maps that vary most in each stage of a network.

    Parameters
    ----------
    image : array (H, W) or (H, W, C)
        Values in [0, 1].
    stages : sequence of arrays (h, w, F)
        The outputs of each stage, a row each.
    names : sequence of str
        Of the stages. Default "stage 1", ...
    most : int
        Maps in a row. Default 8.
    title : str
        Default none.

    Returns
    -------
    Figure
        Each map has a grey scale of its own, and its channel's number below it.

    Examples
    --------
    >>> import numpy as np
    >>> fig = feature_maps(np.zeros((4, 4)), [np.ones((2, 2, 3))], most=3)
    >>> fig.axes[1].get_title(loc="left")
    'stage 1: 2 × 2 × 3'
    """
    height, width = image.shape[:2]
    fig = figure(1.25 * (most + 1), (1.25 * height / width + 0.12) * len(stages) + 0.6)
    fig.suptitle(title, fontsize=11, color=INK)
    grid = fig.subplots(len(stages), most + 1, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    grid[0, 0].set_axis_on()
    _show(grid[0, 0], image, "picture")
    for row, stage in enumerate(stages):
        strongest = np.argsort(-stage.std((0, 1)), kind="stable")[:most]
        for axes, channel in zip(grid[row, 1:], strongest):
            axes.set_axis_on()
            bare(axes).imshow(stage[..., channel], cmap="gray", interpolation="nearest")
            axes.set_xlabel(f"{channel}", fontsize=7, color=INK, labelpad=1)
        name = names[row] if row < len(names) else f"stage {row + 1}"
        rows, cols, features = stage.shape
        grid[row, 1].set_title(f"{name}: {rows} × {cols} × {features}", fontsize=9, color=INK, loc="left")
    return fig


def saliency_maps(image: np.ndarray, maps: Mapping[str, np.ndarray], *, title: str = "") -> Figure:
    """Draw what a network looks at: each map alone, and as the brightness of the picture.

    Parameters
    ----------
    image : array (H, W) or (H, W, 3)
        Values in [0, 1].
    maps : mapping of str to array (H, W)
        The maps by name, values at least 0. Each is shown up to its 99th percentile, so that a few pixels do not hide
        the rest.
    title : str
        Default none.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> fig = saliency_maps(np.ones((4, 4)), {"gradient": np.eye(4)})
    >>> [axes.get_title() for axes in fig.axes[:2]]
    ['picture', 'gradient']
    """
    height, width = image.shape[:2]
    fig = figure(2.3 * (len(maps) + 1), 4.6 * height / width + 0.9)
    fig.suptitle(title, fontsize=11, color=INK)
    grid = fig.subplots(2, len(maps) + 1, squeeze=False)
    _show(grid[0, 0], image, "picture")
    grid[1, 0].set_axis_off()
    for (above, below), (name, values) in zip(grid.T[1:], maps.items()):
        share = np.clip(values / (float(np.percentile(values, 99)) or 1.0), 0, 1)
        bare(above, name).imshow(share, cmap="magma", vmin=0, vmax=1, interpolation="nearest")
        lit = image * (share if image.ndim == 2 else share[..., None])
        _show(below, lit)
    return fig


def receptive_field(
    image: np.ndarray, effective: np.ndarray, start: Sequence[int], size: Sequence[int], *, title: str = ""
) -> Figure:
    """Draw the theoretical and the effective receptive field of one output.

    Parameters
    ----------
    image : array (H, W) or (H, W, 3)
        Values in [0, 1].
    effective : array (H, W)
        The weight of each pixel, at least 0; drawn as heat.
    start : pair of int
        First row and column of the theoretical field; may lie outside the picture.
    size : pair of int
        Its rows and columns; drawn as a rectangle.
    title : str
        Default none.

    Returns
    -------
    Figure
        On the right the effective field summed over each axis, on a logarithmic scale, with the rectangle's edges.

    Examples
    --------
    >>> import numpy as np
    >>> fig = receptive_field(np.ones((8, 8)), np.eye(8), (1, 2), (5, 5))
    >>> fig.axes[0].get_title()
    'theoretical field: 5 × 5'
    """
    fig = figure(9.4, 4.4)
    fig.suptitle(title, fontsize=11, color=INK)
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.15))
    grey = image if image.ndim == 2 else image.mean(-1)
    _show(left, 0.75 * grey)
    heat = np.sqrt(effective / (float(effective.max()) or 1.0))  # the root shows the tail too
    left.imshow(heat, cmap="inferno", vmin=0, vmax=1, alpha=np.clip(1.6 * heat, 0, 1), interpolation="nearest")
    (top, side), (rows, cols) = start, size
    edge = {"fill": False, "ec": SERIES[4], "lw": 1.6, "clip_on": True}
    left.add_patch(Rectangle((side - 0.5, top - 0.5), cols, rows, **edge))
    left.set_title(f"theoretical field: {rows} × {cols}", fontsize=9, color=INK)
    for axis, (name, colour) in enumerate(zip(("rows", "columns"), SERIES)):
        profile = effective.sum(1 - axis)
        shown = np.where(profile > 0, profile / (float(profile.max()) or 1.0), np.nan)
        right.semilogy(shown, color=colour, lw=1.4, label=f"effective field along {name}")
        for place in (start[axis] - 0.5, start[axis] + size[axis] - 0.5):
            if -1 <= place <= len(profile):
                right.axvline(place, color=colour, lw=0.9, ls=":")
    right.set_xlabel("pixel", fontsize=9)
    right.set_ylabel("share of the largest", fontsize=9)
    right.tick_params(labelsize=8)
    right.grid(alpha=0.25, lw=0.5)
    right.legend(fontsize=8, frameon=False)
    return fig


def _show(axes: Axes, image: np.ndarray, title: str = "") -> None:
    if image.ndim == 3 and image.shape[-1] != 3:
        image = image.mean(-1)
    bare(axes, title).imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
