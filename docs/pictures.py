"""Draw the pictures of the README: `python -m docs.pictures` writes docs/pictures/*.png."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from skimage import data

import jconv
from jconv import kernels, plotting
from jconv.continuous import Function

FOLDER = Path(__file__).parent / "pictures"


def photograph() -> np.ndarray:
    """A grey photograph of 128 × 128 pixels."""
    return data.camera().reshape(128, 4, 128, 4).mean((1, 3)) / 255


def kernel() -> Figure:
    """A photograph, a kernel and its response."""
    image, edge = photograph(), np.asarray(kernels.sobel())
    response = np.asarray(jconv.conv2d(jnp.asarray(image), jnp.asarray(edge), padding="VALID"))
    return plotting.image_kernel_response(image, [edge], [response], ["kernel"])


def continuous() -> Figure:
    """The convolution integral of a decay and a window."""
    f, g = Function.fit(lambda s: jnp.exp(-s), (0, 4)), Function.fit(jnp.ones_like, (0, 1))
    return plotting.sliding_function(f, g, 1.6, result=f @ g, unit="ns")


def plan() -> Figure:
    """What the planner knows about a large kernel on an image."""
    image, weights = (jax.ShapeDtypeStruct((1, 1, n, n), jnp.float32) for n in (1024, 63))
    title = "63 × 63 taps on 1024 × 1024 pixels, one channel"
    return plotting.plan_chart(jconv.plan(image, weights, (1, 1), "SAME", finite_only=True), title=title)


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    for draw in (kernel, continuous, plan):
        plotting.save(draw(), FOLDER / f"{draw.__name__}.png", dpi=72)


if __name__ == "__main__":
    main()
