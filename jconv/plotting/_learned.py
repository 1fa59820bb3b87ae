"""What a network learned and what it looks at: kernels, feature maps, saliency, receptive fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from jconv.plotting._figure import INK, SERIES, bare, figure


def kernel_bank(kernels: np.ndarray, *, title: str = "", columns: int = 16) -> Figure:
    """The kernels (kh, kw, C, K) of a first layer, one square each.

    Kernels of three channels are shown in colour about a middle grey, others as the mean of their channels, red
    positive and blue negative; all on one scale.
    """
    kh, kw, channels, count = kernels.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    side = 0.62
    made = figure(side * columns + 0.3, side * rows * kh / kw + 0.5)
    made.suptitle(title, fontsize=11, color=INK)
    reach = float(np.abs(kernels).max()) or 1.0
    for index, axes in enumerate(made.subplots(rows, columns, squeeze=False).flat):
        if index >= count:
            axes.set_axis_off()
        elif channels == 3:
            bare(axes).imshow(0.5 + 0.5 * kernels[..., index] / reach, interpolation="nearest")
        else:
            mean = kernels[..., index].mean(-1)
            bare(axes).imshow(mean, cmap="RdBu_r", vmin=-reach, vmax=reach, interpolation="nearest")
    return made


def feature_maps(
    image: np.ndarray, stages: Sequence[np.ndarray], names: Sequence[str] = (), *, most: int = 8, title: str = ""
) -> Figure:
    """A picture (H, W) or (H, W, C), and in a row for each stage the channels of (h, w, F) that vary most.

    Each map has a grey scale of its own, from its lowest to its highest value.
    """
    height, width = image.shape[:2]
    made = figure(1.25 * (most + 1), (1.25 * height / width + 0.12) * len(stages) + 0.6)
    made.suptitle(title, fontsize=11, color=INK)
    grid = made.subplots(len(stages), most + 1, squeeze=False)
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
    return made


def saliency_maps(image: np.ndarray, maps: Mapping[str, np.ndarray], *, title: str = "") -> Figure:
    """A picture, and each map (H, W): alone, and as brightness of the picture itself.

    A map is shown up to its 99th percentile, so that a few pixels do not hide the rest.
    """
    height, width = image.shape[:2]
    made = figure(2.3 * (len(maps) + 1), 4.6 * height / width + 0.9)
    made.suptitle(title, fontsize=11, color=INK)
    grid = made.subplots(2, len(maps) + 1, squeeze=False)
    _show(grid[0, 0], image, "picture")
    grid[1, 0].set_axis_off()
    for (above, below), (name, values) in zip(grid.T[1:], maps.items()):
        share = np.clip(values / (float(np.percentile(values, 99)) or 1.0), 0, 1)
        bare(above, name).imshow(share, cmap="magma", vmin=0, vmax=1, interpolation="nearest")
        lit = image * (share if image.ndim == 2 else share[..., None])
        _show(below, lit)
    return made


def receptive_field(
    image: np.ndarray, effective: np.ndarray, start: Sequence[int], size: Sequence[int], *, title: str = ""
) -> Figure:
    """A picture with the theoretical field of one output as a rectangle, and the effective one (H, W) as heat.

    On the right the effective field summed over each axis, on a logarithmic scale, with the rectangle's edges.
    """
    made = figure(9.4, 4.4)
    made.suptitle(title, fontsize=11, color=INK)
    left, right = made.subplots(1, 2, width_ratios=(1, 1.15))
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
    return made


def _show(axes: Axes, image: np.ndarray, title: str = "") -> None:
    if image.ndim == 3 and image.shape[-1] != 3:
        image = image.mean(-1)
    bare(axes, title).imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
