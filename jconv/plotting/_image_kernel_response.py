"""What kernels make of an image: the image, each kernel, and its response."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jconv._core import check
from jconv.plotting._figure import INK, bare, draw_kernel, figure
from jconv.plotting._recovery import output_limits


def image_kernel_response(
    image: np.ndarray,
    kernels: Sequence[np.ndarray],
    responses: Sequence[np.ndarray],
    names: Sequence[str] = (),
    *,
    title: str = "",
) -> Figure:
    """Draw an image, kernels, and the response of the image to each kernel.

    Parameters
    ----------
    image : array (H, W) or (H, W, 3)
        Values in [0, 1].
    kernels : sequence of arrays (kh, kw)
        The kernels, a row each.
    responses : sequence of arrays (h, w)
        What each kernel makes of the image. Those of kernels that sum to zero are drawn red where positive and blue
        where negative, with a scale beside them; others in grey.
    names : sequence of str
        Of the kernels. Default none.
    title : str
        Default none.

    Returns
    -------
    Figure
        A row of three pictures for each kernel.

    Raises
    ------
    ValueError
        If there are not as many responses as kernels.

    Examples
    --------
    >>> import numpy as np
    >>> fig = image_kernel_response(np.eye(4), [np.ones((2, 2))], [np.ones((3, 3))], ["box"])
    >>> [axes.get_title() for axes in fig.axes]
    ['image', 'box', 'response']
    """
    if len(kernels) != len(responses):
        raise ValueError(
            f"`responses` must have one array for each of the {len(kernels)} kernels, got {len(responses)}; pass "
            "the response of the image to each kernel"
        )
    image = np.asarray(image)
    check.rank("image", image, (2, 3), "pass one picture without a batch axis")
    height, width = image.shape[:2]
    fig = figure(9.6, (3.3 * height / width + 0.35) * len(kernels) + 0.4)
    fig.suptitle(title, fontsize=11, color=INK)
    grid = fig.subplots(len(kernels), 3, squeeze=False, width_ratios=(1.6, 1, 1.6))
    for index, (left, middle, right) in enumerate(grid):
        left.imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        bare(left, "image")
        draw_kernel(middle, kernels[index])
        middle.set_title(names[index] if index < len(names) else "kernel", fontsize=9, color=INK)
        response = np.asarray(responses[index], float)
        low, high = output_limits(response, np.asarray(kernels[index], float))
        signed = low == -high
        cmap = "RdBu_r" if signed else "gray"
        drawn = right.imshow(response, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
        if signed:
            fig.colorbar(drawn, ax=right, shrink=0.8).ax.tick_params(labelsize=7)
        bare(right, "response")
    return fig
