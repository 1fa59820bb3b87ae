"""Linear filters of images."""

from jconv.ndimage.linear._blur import blur_pool, motion_blur
from jconv.ndimage.linear._derivatives import farid, laplace, prewitt, roberts, scharr, sobel
from jconv.ndimage.linear._gabor import gabor
from jconv.ndimage.linear._gaussian import (
    gaussian_filter,
    gaussian_filter1d,
    gaussian_gradient_magnitude,
    gaussian_laplace,
)
from jconv.ndimage.linear._linear import convolve, convolve1d, correlate, correlate1d
from jconv.ndimage.linear._over_axes import generic_gradient_magnitude, generic_laplace
from jconv.ndimage.linear._uniform import uniform_filter, uniform_filter1d
from jconv.ndimage.linear._varying import correlate_varying

__all__ = [
    "blur_pool",
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "correlate_varying",
    "farid",
    "gabor",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "laplace",
    "motion_blur",
    "prewitt",
    "roberts",
    "scharr",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]
