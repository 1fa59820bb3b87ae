"""Image filters in any number of dimensions, in SciPy's dialect: same names, arguments, defaults and results.

Everything works under `jit`, `vmap` and `grad` in both modes; sizes, modes, origins and footprints are static.
"""

from jconv.ndimage.derivatives import (
    farid,
    generic_gradient_magnitude,
    generic_laplace,
    laplace,
    prewitt,
    roberts,
    scharr,
    sobel,
)
from jconv.ndimage.gaussian import gaussian_filter, gaussian_filter1d, gaussian_gradient_magnitude, gaussian_laplace
from jconv.ndimage.generic import generic_filter, generic_filter1d, vectorized_filter
from jconv.ndimage.linear import convolve, convolve1d, correlate, correlate1d
from jconv.ndimage.ranks import (
    maximum_filter,
    maximum_filter1d,
    median_filter,
    minimum_filter,
    minimum_filter1d,
    percentile_filter,
    rank_filter,
)
from jconv.ndimage.uniform import uniform_filter, uniform_filter1d

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "farid",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_filter",
    "generic_filter1d",
    "generic_gradient_magnitude",
    "generic_laplace",
    "laplace",
    "maximum_filter",
    "maximum_filter1d",
    "median_filter",
    "minimum_filter",
    "minimum_filter1d",
    "percentile_filter",
    "prewitt",
    "rank_filter",
    "roberts",
    "scharr",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
    "vectorized_filter",
]
