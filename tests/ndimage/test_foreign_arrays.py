"""Arrays as they come: every filter takes what NumPy makes numbers of, and refuses what would lose something."""

import numpy as np
import pytest

import jconv.ndimage as ndi
from tests.ndimage.calls import FILTERS, first_difference, second_difference

PLAIN = np.arange(90.0).reshape(9, 10) % 17 + 1


def as_pandas(x):
    return pytest.importorskip("pandas").DataFrame(x)


def as_xarray(x):
    return pytest.importorskip("xarray").DataArray(x)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


class Interface:
    """An object that NumPy turns into an array by its interface."""

    def __init__(self, x):
        self.x = x

    def __array__(self, dtype=None, copy=None):
        return np.array(self.x, dtype)


FOREIGN = {
    "big-endian float": lambda x: x.astype(">f8"),
    "big-endian single": lambda x: x.astype(">f4"),
    "big-endian integer": lambda x: x.astype(">i2"),
    "extended precision": lambda x: x.astype(np.longdouble),
    "read-only": read_only,
    "negative strides": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "column-major": np.asfortranarray,
    "matrix": lambda x: np.asmatrix(x),
    "lists": lambda x: x.tolist(),
    "pandas": as_pandas,
    "xarray": as_xarray,
    "__array__": Interface,
}

CALLS = {
    "correlate": lambda x: ndi.correlate(x, [[1, 2]]),
    "convolve": lambda x: ndi.convolve(x, [[1, 2]]),
    "correlate1d": lambda x: ndi.correlate1d(x, [1, 2]),
    "convolve1d": lambda x: ndi.convolve1d(x, [1, 2]),
    "gaussian_filter": lambda x: ndi.gaussian_filter(x, 1),
    "gaussian_filter1d": lambda x: ndi.gaussian_filter1d(x, 1),
    "gaussian_laplace": lambda x: ndi.gaussian_laplace(x, 1),
    "gaussian_gradient_magnitude": lambda x: ndi.gaussian_gradient_magnitude(x, 1),
    "laplace": lambda x: ndi.laplace(x),
    "generic_laplace": lambda x: ndi.generic_laplace(x, second_difference),
    "generic_gradient_magnitude": lambda x: ndi.generic_gradient_magnitude(x, first_difference),
    "sobel": lambda x: ndi.sobel(x),
    "prewitt": lambda x: ndi.prewitt(x),
    "scharr": lambda x: ndi.scharr(x),
    "farid": lambda x: ndi.farid(x),
    "roberts": lambda x: ndi.roberts(x),
    "uniform_filter": lambda x: ndi.uniform_filter(x, 3),
    "uniform_filter1d": lambda x: ndi.uniform_filter1d(x, 3),
    "minimum_filter": lambda x: ndi.minimum_filter(x, 3),
    "maximum_filter": lambda x: ndi.maximum_filter(x, 3),
    "minimum_filter1d": lambda x: ndi.minimum_filter1d(x, 3),
    "maximum_filter1d": lambda x: ndi.maximum_filter1d(x, 3),
    "median_filter": lambda x: ndi.median_filter(x, 3),
    "rank_filter": lambda x: ndi.rank_filter(x, 2, 3),
    "percentile_filter": lambda x: ndi.percentile_filter(x, 80, 3),
    "generic_filter": lambda x: ndi.generic_filter(x, lambda w: w.sum(), 3),
    "generic_filter1d": lambda x: ndi.generic_filter1d(x, lambda line: line[1:-1], 3),
    "vectorized_filter": lambda x: ndi.vectorized_filter(x, lambda w, axis: w.sum(axis), size=3),
    "unsharp_mask": lambda x: ndi.unsharp_mask(x),
    "difference_of_gaussians": lambda x: ndi.difference_of_gaussians(x, 1),
    "local_normalize": lambda x: ndi.local_normalize(x, 1),
    "butterworth": lambda x: ndi.butterworth(x),
    "gabor": lambda x: ndi.gabor(x, 0.25)[0],
    "bilateral": lambda x: ndi.bilateral(x, 2, 1),
    "joint_bilateral": lambda x: ndi.joint_bilateral(x, x, 2, 1),
    "guided": lambda x: ndi.guided(x, x),
    "motion_blur": lambda x: ndi.motion_blur(x, 3, 0.3),
    "blur_pool": lambda x: ndi.blur_pool(x),
    "correlate_varying": lambda x: ndi.correlate_varying(x, [[[1.0]]], [[[1.0]]]),
    "structure_tensor": lambda x: ndi.structure_tensor(x),
    "hessian_matrix": lambda x: ndi.hessian_matrix(x, 1.5),
    "eigenvalues": lambda x: ndi.eigenvalues(x),
    "meijering": lambda x: ndi.meijering(x, (1.5,)),
    "sato": lambda x: ndi.sato(x, (1.5,)),
    "frangi": lambda x: ndi.frangi(x, (1.5,)),
    "hessian": lambda x: ndi.hessian(x, (1.5,)),
    "canny": lambda x: ndi.canny(x),
}

SECOND = {
    "weights": (lambda a: ndi.correlate(PLAIN, a), np.ones((2, 3))),
    "weights of a line": (lambda a: ndi.convolve1d(PLAIN, a), np.arange(3.0)),
    "basis": (lambda a: ndi.correlate_varying(PLAIN, a, np.ones((1, 9, 10))), np.ones((1, 2, 3))),
    "shares": (lambda a: ndi.correlate_varying(PLAIN, np.ones((1, 2, 3)), a), np.ones((1, 9, 10))),
    "guidance": (lambda a: ndi.guided(PLAIN, a), PLAIN),
    "joint guidance": (lambda a: ndi.joint_bilateral(PLAIN, a, 2, 1), PLAIN),
    "mask": (lambda a: ndi.canny(PLAIN, mask=a), PLAIN > 3),
    "sigma": (lambda a: ndi.gaussian_filter(PLAIN, a), np.array([1.0, 2.0])),
    "footprint": (lambda a: ndi.maximum_filter(PLAIN, footprint=a), np.ones((2, 3))),
}


def test_every_filter_is_called_here():
    assert set(CALLS) == set(FILTERS)


def held(x, kind):
    """The numbers that are left of `x` in a kind of array, as a plain array."""
    values = np.asarray(FOREIGN[kind](x))
    return values.astype(np.float64 if values.dtype.itemsize > 8 else values.dtype.newbyteorder("="))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore:results from", "ignore:the matrix subclass:PendingDeprecationWarning")
def test_foreign_images_are_filtered_as_their_numbers(name):
    x = PLAIN[:3] if name == "eigenvalues" else PLAIN
    for kind, make in FOREIGN.items():
        if kind in ("pandas", "xarray"):
            try:
                foreign = make(x)
            except pytest.skip.Exception:
                continue
        else:
            foreign = make(x)
        ours, expected = CALLS[name](foreign), CALLS[name](held(x, kind))
        assert ours.dtype == expected.dtype, kind
        np.testing.assert_array_equal(ours, expected, err_msg=kind)


@pytest.mark.parametrize("name", SECOND)
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_so_are_weights_guidance_and_masks(name):
    call, plain = SECOND[name]
    for kind in ("big-endian float", "big-endian single", "extended precision", "read-only", "lists", "__array__"):
        if kind == "__array__" and name == "sigma":
            continue  # a sequence of numbers, not an array
        np.testing.assert_array_equal(call(FOREIGN[kind](plain)), call(held(plain, kind)), err_msg=kind)


@pytest.mark.parametrize("name", CALLS)
def test_masked_arrays_and_what_is_not_numbers_are_refused(name):
    masked = np.ma.masked_array(PLAIN, PLAIN > 5)
    with pytest.raises(TypeError, match=r"`(input|elements)` is a masked array.*filled"):
        CALLS[name](masked)
    for nothing in (np.array([["a", "b"]]), np.array([[None, 1]]), np.array([["2020-01-01"]], "datetime64[D]")):
        with pytest.raises(TypeError, match="must be an array of numbers"):
            CALLS[name](nothing)


def test_output_arrays_of_foreign_kinds_are_filled():
    for kind in (">f4", ">i2", np.longdouble, "<f8"):
        target = np.zeros(PLAIN.shape, kind)
        assert ndi.gaussian_filter(PLAIN, 1, output=target) is target
        native = target.dtype.newbyteorder("=") if target.dtype.itemsize <= 8 else np.float64
        np.testing.assert_allclose(target.astype(float), np.asarray(ndi.gaussian_filter(PLAIN, 1, output=native)))


def test_scalars_are_images_of_rank_zero():
    assert ndi.gaussian_filter(3.0, 1).shape == ()
    assert ndi.uniform_filter(3, 3) == 3
    assert ndi.maximum_filter(np.float32(2), 3) == 2
