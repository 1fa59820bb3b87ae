"""Convolution kernels as plain arrays, to *correlate* with (JAX's, Flax's and OpenCV's convention).

Every builder has a default for everything, so that `build(name)` works; sizes and axes are static, widths and angles
may be traced, so that a kernel can be learned through its parameters.
"""

from jconv.kernels._analysis import Description, describe, frequency_response
from jconv.kernels._discretize import discretize
from jconv.kernels._edges import edge_factors, farid, prewitt, scharr, sobel
from jconv.kernels._elementary import box, emboss, identity, laplacian, sharpen
from jconv.kernels._factor import Factors, factor
from jconv.kernels._gabors import gabor, gabor_bank
from jconv.kernels._gaussians import gaussian, gaussian1d
from jconv.kernels._log_gabors import log_gabor, log_gabor_bank
from jconv.kernels._optics import airy, disk, moffat, motion
from jconv.kernels._savitzky_golay import savitzky_golay
from jconv.kernels._specification import kernel_from, kernel_names
from jconv.kernels._steerable import laplacian_of_gaussian, riesz, steerable
from jconv.kernels._table import NAMES, build

__all__ = [
    "NAMES",
    "Description",
    "Factors",
    "airy",
    "box",
    "build",
    "describe",
    "discretize",
    "disk",
    "edge_factors",
    "emboss",
    "factor",
    "farid",
    "frequency_response",
    "gabor",
    "gabor_bank",
    "gaussian",
    "gaussian1d",
    "identity",
    "kernel_from",
    "kernel_names",
    "laplacian",
    "laplacian_of_gaussian",
    "log_gabor",
    "log_gabor_bank",
    "moffat",
    "motion",
    "prewitt",
    "riesz",
    "savitzky_golay",
    "scharr",
    "sharpen",
    "sobel",
    "steerable",
]
