"""Image filters in any number of dimensions, in SciPy's dialect: same names, arguments, defaults and results.

Everything works under `jit`, `vmap` and `grad` in both modes; sizes, modes, origins and footprints are static.
"""

from jconv.ndimage.adaptive import bilateral, guided, joint_bilateral
from jconv.ndimage.blur import blur_pool, correlate_varying, gabor, motion_blur
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
from jconv.ndimage.edges import canny
from jconv.ndimage.enhance import butterworth, difference_of_gaussians, local_normalize, unsharp_mask
from jconv.ndimage.files import read_image, read_video, write_image, write_video
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
from jconv.ndimage.ridges import eigenvalues, frangi, hessian, hessian_matrix, meijering, sato, structure_tensor
from jconv.ndimage.uniform import uniform_filter, uniform_filter1d

__all__ = [
    "bilateral",
    "blur_pool",
    "butterworth",
    "canny",
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "correlate_varying",
    "difference_of_gaussians",
    "eigenvalues",
    "farid",
    "frangi",
    "gabor",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_filter",
    "generic_filter1d",
    "generic_gradient_magnitude",
    "generic_laplace",
    "guided",
    "hessian",
    "hessian_matrix",
    "joint_bilateral",
    "laplace",
    "local_normalize",
    "maximum_filter",
    "maximum_filter1d",
    "median_filter",
    "meijering",
    "minimum_filter",
    "minimum_filter1d",
    "motion_blur",
    "percentile_filter",
    "prewitt",
    "rank_filter",
    "read_image",
    "read_video",
    "roberts",
    "sato",
    "scharr",
    "sobel",
    "structure_tensor",
    "uniform_filter",
    "uniform_filter1d",
    "unsharp_mask",
    "vectorized_filter",
    "write_image",
    "write_video",
]
