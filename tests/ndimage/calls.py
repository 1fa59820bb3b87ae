"""Every public filter once, as a function of the image alone, for tests that hold for all of them."""

import inspect

import jax.numpy as jnp
import numpy as np

import jconv.ndimage as ndi

RNG = np.random.default_rng(0)
WIDE = RNG.standard_normal((3, 5))
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)


def second_difference(x, axis, output, mode, cval):
    return ndi.correlate1d(x, [1, -2, 1], axis, output, mode, cval)


def first_difference(x, axis, output, mode, cval):
    return ndi.sobel(x, axis, output, mode, cval)


SCIPYS = {
    "correlate": lambda x: ndi.correlate(x, WIDE, mode="wrap"),
    "convolve": lambda x: ndi.convolve(x, WIDE, mode="mirror", origin=(1, -1)),
    "correlate1d": lambda x: ndi.correlate1d(x, WIDE[0], 0, mode="nearest"),
    "convolve1d": lambda x: ndi.convolve1d(x, WIDE[0], mode="constant", cval=2.0),
    "gaussian_filter": lambda x: ndi.gaussian_filter(x, (1.0, 2.0), (0, 1)),
    "gaussian_filter1d": lambda x: ndi.gaussian_filter1d(x, 1.5),
    "gaussian_laplace": lambda x: ndi.gaussian_laplace(x, 1.0),
    "gaussian_gradient_magnitude": lambda x: ndi.gaussian_gradient_magnitude(x, 1.0),
    "laplace": lambda x: ndi.laplace(x),
    "generic_laplace": lambda x: ndi.generic_laplace(x, second_difference),
    "generic_gradient_magnitude": lambda x: ndi.generic_gradient_magnitude(x, first_difference),
    "sobel": lambda x: ndi.sobel(x),
    "prewitt": lambda x: ndi.prewitt(x),
    "uniform_filter": lambda x: ndi.uniform_filter(x, (3, 6)),
    "uniform_filter1d": lambda x: ndi.uniform_filter1d(x, 5),
    "minimum_filter": lambda x: ndi.minimum_filter(x, (3, 4)),
    "maximum_filter": lambda x: ndi.maximum_filter(x, footprint=CROSS),
    "minimum_filter1d": lambda x: ndi.minimum_filter1d(x, 4),
    "maximum_filter1d": lambda x: ndi.maximum_filter1d(x, 4),
    "median_filter": lambda x: ndi.median_filter(x, 3),
    "rank_filter": lambda x: ndi.rank_filter(x, 2, footprint=CROSS),
    "percentile_filter": lambda x: ndi.percentile_filter(x, 80, 3),
    "generic_filter": lambda x: ndi.generic_filter(x, lambda w: jnp.prod(jnp.cos(w)), size=3),
    "generic_filter1d": lambda x: ndi.generic_filter1d(x, lambda line: line[1:-1] * line[2:], 3),
    "vectorized_filter": lambda x: ndi.vectorized_filter(x, jnp.var, size=(3, 2)),
}
"""The filters that SciPy has."""

OTHERS = {
    "unsharp_mask": lambda x: ndi.unsharp_mask(x, 1.0),
    "difference_of_gaussians": lambda x: ndi.difference_of_gaussians(x, 1.0),
    "local_normalize": lambda x: ndi.local_normalize(x, 2.0, epsilon=0.1),
    "butterworth": lambda x: ndi.butterworth(x, 0.1),
    "scharr": lambda x: ndi.scharr(x),
    "farid": lambda x: ndi.farid(x),
    "roberts": lambda x: ndi.roberts(x),
    "gabor": lambda x: ndi.gabor(x, 0.25)[0],
    "bilateral": lambda x: ndi.bilateral(x, 0.5, 1.5),
    "joint_bilateral": lambda x: ndi.joint_bilateral(x, x[::-1], 0.5, 1.5),
    "guided": lambda x: ndi.guided(x, x[::-1], 2, 0.1),
    "motion_blur": lambda x: ndi.motion_blur(x, 5, 0.3),
    "blur_pool": lambda x: ndi.blur_pool(x),
    "correlate_varying": lambda x: ndi.correlate_varying(x, np.eye(3)[:, None], jnp.stack([x, x**2, 1 + x])),
    "structure_tensor": lambda x: ndi.structure_tensor(x, 1.0),
    "hessian_matrix": lambda x: ndi.hessian_matrix(x, 1.5),
    "meijering": lambda x: ndi.meijering(x, (1.5,)),
    "sato": lambda x: ndi.sato(x, (1.5,)),
    "frangi": lambda x: ndi.frangi(x, (1.5,), gamma=0.5),
    "hessian": lambda x: ndi.hessian(x, (1.5,), gamma=0.5),
    "eigenvalues": lambda x: ndi.eigenvalues(jnp.stack([x, 0.3 + x[::-1], x**2])),
}
"""The filters beyond SciPy whose results are numbers."""

WITHOUT_DERIVATIVE = {"canny": lambda x: ndi.canny(x)}

FILTERS = [name for name in ndi.__all__ if not name.startswith(("read_", "write_"))]


class Reach:
    """A call, how many samples away from an output it looks, and which differences count as rounding."""

    def __init__(self, call, rows, columns, *, rounding=False, bad=("nan", "inf", "large")):
        self.call, self.rows, self.columns, self.rounding, self.bad = call, rows, columns, rounding, bad


BIG = RNG.random((21, 15)).astype(np.float32)
SPARSE = np.array([[0, 1, 0, 0], [1, -4, 1, 0], [0, 1, 0, 2.0]])

LOCAL = {
    "correlate": Reach(lambda x: ndi.correlate(x, BIG), 10, 7),
    "convolve": Reach(lambda x: ndi.convolve(x, np.outer(BIG[:, 0], BIG[0]), mode="constant"), 10, 7),
    "correlate, few taps": Reach(lambda x: ndi.correlate(x, SPARSE), 1, 2),
    "correlate, traced weights": Reach(lambda x: ndi.correlate(x, jnp.asarray(BIG) + 0 * x[0, 0]), 10, 7),
    "correlate1d": Reach(lambda x: ndi.correlate1d(x, BIG[:, 0], 0), 10, 0),
    "convolve1d": Reach(lambda x: ndi.convolve1d(x, np.tile(BIG[:, 0], 2), 1, mode="mirror"), 0, 21),
    "gaussian_filter": Reach(lambda x: ndi.gaussian_filter(x, (2.0, 3.0), (0, 1)), 8, 12),
    "gaussian_filter1d": Reach(lambda x: ndi.gaussian_filter1d(x, 4.0, truncate=5.0), 0, 20),
    "gaussian_laplace": Reach(lambda x: ndi.gaussian_laplace(x, 2.0), 8, 8),
    "gaussian_gradient_magnitude": Reach(lambda x: ndi.gaussian_gradient_magnitude(x, 2.0), 8, 8),
    "laplace": Reach(lambda x: ndi.laplace(x), 1, 1),
    "generic_laplace": Reach(lambda x: ndi.generic_laplace(x, second_difference), 1, 1),
    "generic_gradient_magnitude": Reach(lambda x: ndi.generic_gradient_magnitude(x, first_difference), 1, 1),
    "sobel": Reach(lambda x: ndi.sobel(x), 1, 1),
    "prewitt": Reach(lambda x: ndi.prewitt(x), 1, 1),
    "scharr": Reach(lambda x: ndi.scharr(x), 1, 1),
    "farid": Reach(lambda x: ndi.farid(x), 2, 2),
    "roberts": Reach(lambda x: ndi.roberts(x), 1, 1),
    "uniform_filter": Reach(lambda x: ndi.uniform_filter(x, (9, 27)), 4, 13),
    "uniform_filter1d": Reach(lambda x: ndi.uniform_filter1d(x, 35, 0), 17, 0),
    "motion_blur": Reach(lambda x: ndi.motion_blur(x, 15, 0.4), 7, 7),
    "gabor": Reach(lambda x: ndi.gabor(x, 0.3)[1], 7, 7),
    "correlate_varying": Reach(lambda x: ndi.correlate_varying(x, BIG[None], np.ones((1, 1, 1))), 10, 7),
    "minimum_filter": Reach(lambda x: ndi.minimum_filter(x, (3, 5)), 1, 2),
    "maximum_filter": Reach(lambda x: ndi.maximum_filter(x, footprint=CROSS), 1, 1),
    "minimum_filter1d": Reach(lambda x: ndi.minimum_filter1d(x, 9), 0, 4),
    "maximum_filter1d": Reach(lambda x: ndi.maximum_filter1d(x, 9), 0, 4),
    "median_filter": Reach(lambda x: ndi.median_filter(x, 3), 1, 1),
    "rank_filter": Reach(lambda x: ndi.rank_filter(x, 2, footprint=CROSS), 1, 1),
    "percentile_filter": Reach(lambda x: ndi.percentile_filter(x, 80, 3), 1, 1),
    "generic_filter": Reach(lambda x: ndi.generic_filter(x, jnp.sum, size=3), 1, 1),
    "generic_filter1d": Reach(lambda x: ndi.generic_filter1d(x, lambda a: a[1:-1] * a[2:], 3), 0, 1),
    "vectorized_filter": Reach(lambda x: ndi.vectorized_filter(x, jnp.var, size=3), 1, 1),
    "unsharp_mask": Reach(lambda x: ndi.unsharp_mask(x, 2.0), 8, 8),
    "difference_of_gaussians": Reach(lambda x: ndi.difference_of_gaussians(x, 1.0), 6, 6),
    "local_normalize": Reach(lambda x: ndi.local_normalize(x, 1.0), 8, 8, rounding=True),
    "bilateral": Reach(lambda x: ndi.bilateral(x, 0.5, 1.5), 2, 2),
    "joint_bilateral": Reach(lambda x: ndi.joint_bilateral(x, x * 2, 0.5, 1.5), 2, 2),
    "guided": Reach(lambda x: ndi.guided(x, x, 3, 0.1), 6, 6),
    "structure_tensor": Reach(lambda x: ndi.structure_tensor(x, 1.5)[1], 7, 7),
    "hessian_matrix": Reach(lambda x: ndi.hessian_matrix(x, 1.5)[1], 16, 16),
    "eigenvalues": Reach(lambda x: ndi.eigenvalues(jnp.stack([x, 0.3 * x, x**2]))[0], 0, 0),
    "sato": Reach(lambda x: ndi.sato(x, (1.5,)), 16, 16),
    "hessian": Reach(lambda x: ndi.hessian(x, (1.5,), gamma=0.5), 16, 16),
    "frangi": Reach(lambda x: ndi.frangi(x, (1.5,), gamma=0.5), 16, 16),
    "meijering": Reach(lambda x: ndi.meijering(x, (1.5,)), 16, 16, bad=("nan",)),
    "blur_pool": Reach(lambda x: ndi.blur_pool(x, 5, 1), 2, 2),
}
"""How far each filter looks; names before a comma are public functions."""

GLOBAL = {
    "butterworth": "each output is a sum over the whole image",
    "canny": "an edge is kept for a strong sample anywhere on it",
}


def real_parameters(name):
    """The parameters of a public function that are annotated as real numbers."""
    signature = inspect.signature(getattr(ndi, name))
    return [p for p, v in signature.parameters.items() if {"Number", "float", "Value"} & set(words(v.annotation))]


def words(annotation):
    return str(annotation).replace("[", " ").replace("]", " ").replace("|", " ").split()
