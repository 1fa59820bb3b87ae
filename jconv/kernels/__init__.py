"""Convolution kernels as plain arrays, to *correlate* with (JAX's, Flax's and OpenCV's convention).

Every builder has a default for everything, so that `build(name)` works; sizes and axes are static, widths and angles
may be traced, so that a kernel can be learned through its parameters.
"""

from jconv.kernels.edges import edge_factors, farid, prewitt, scharr, sobel
from jconv.kernels.elementary import box, emboss, identity, laplacian, sharpen
from jconv.kernels.gaussians import gaussian, gaussian1d
from jconv.kernels.table import NAMES, build

__all__ = [
    "NAMES",
    "box",
    "build",
    "edge_factors",
    "emboss",
    "farid",
    "gaussian",
    "gaussian1d",
    "identity",
    "laplacian",
    "prewitt",
    "scharr",
    "sharpen",
    "sobel",
]
