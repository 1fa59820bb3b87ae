"""Filters of whole numbers beside sums of Python's integers, in every dtype, in both modes of JAX."""

import math
import warnings
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

import jconv.ndimage as ndi
from jconv.ndimage._frame.output import store

NARROW = ["int8", "uint8", "int16", "uint16", "int32", "uint32"]
DTYPES = [(d, False) for d in NARROW] + [(d, True) for d in (*NARROW, "int64", "uint64")]
SHAPE = (9, 8)
MODES = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "constant"}


@pytest.fixture(params=DTYPES, ids=[f"{d}-{'64' if x else '32'}" for d, x in DTYPES])
def image(request):
    """An image over the whole range of its dtype, up to the 2⁵³ that SciPy's double precision holds."""
    name, double = request.param
    limits = np.iinfo(name)
    low, high = max(limits.min, -(2**48)), min(limits.max, 2**48)
    with jax.enable_x64(double):
        yield np.random.default_rng(7).integers(low, high, SHAPE, dtype=name, endpoint=True)


def stored(values, dtype):
    """Whole numbers as C stores them on x86: modulo 2ⁿ, or the lowest number of a wide signed type."""
    limits, span = np.iinfo(dtype), 1 << np.iinfo(dtype).bits

    def one(value):
        value = int(value)
        if limits.min <= value <= limits.max:
            return value
        if dtype in ("int32", "int64"):
            return limits.min
        return (value - limits.min) % span + limits.min

    return np.vectorize(one, otypes=[object])(values)


def skip_what_no_double_holds(image):
    """A difference below zero is stored near 2⁶⁴, where the double precision of SciPy's next pass has gaps."""
    if image.dtype == np.uint64:
        pytest.skip("negative results of uint64 have no exact double")


def along(x, weights, axis, mode="reflect", origin=0):
    """The exact correlation of an array of Python's integers along one axis, by its definition."""
    left = len(weights) // 2 + origin
    widths = [(left, len(weights) - 1 - left) if a == axis else (0, 0) for a in range(x.ndim)]
    padded = np.pad(x.astype(object), widths, mode=MODES[mode])
    views = [np.take(padded, range(k, k + x.shape[axis]), axis) for k in range(len(weights))]
    return sum(w * view for w, view in zip(weights, views))


def same(ours, exact, dtype):
    assert ours.dtype == dtype
    np.testing.assert_array_equal(np.asarray(ours).astype(object), stored(exact, str(dtype)))


@pytest.fixture(autouse=True)
def _wrapping_is_wanted():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "results from", RuntimeWarning)
        yield


@pytest.mark.parametrize("mode", MODES)
def test_whole_weights_along_a_line(image, mode):
    weights = [1, -3, 2, 5]
    same(ndi.correlate1d(image, weights, 0, mode=mode), along(image, weights, 0, mode), image.dtype)
    same(ndi.convolve1d(image, weights, 1, mode=mode), along(image, weights[::-1], 1, mode, origin=-1), image.dtype)


def test_whole_weights_of_a_plane(image):
    for weights in ([[1, 2, 1], [0, -4, 3], [2, 0, 1]], [[2, 4], [1, 2]]):
        rows = [along(image, row, 1) for row in weights]
        exact = sum(along(row, [int(i == k) for k in range(len(weights))], 0) for i, row in enumerate(rows))
        same(ndi.correlate(image, weights), exact, image.dtype)


@pytest.mark.parametrize(("name", "smooth"), [("sobel", [1, 2, 1]), ("prewitt", [1, 1, 1]), ("scharr", [3, 10, 3])])
def test_edges(image, name, smooth):
    skip_what_no_double_holds(image)
    slope = stored(along(image, [-1, 0, 1], 1), str(image.dtype))
    same(getattr(ndi, name)(image), along(slope, smooth, 0), image.dtype)


def test_laplacian(image):
    skip_what_no_double_holds(image)
    parts = [stored(along(image, [1, -2, 1], a), str(image.dtype)) for a in (0, 1)]
    limits, total = np.iinfo(image.dtype), parts[0] + parts[1]
    wrapped = (total - limits.min) % (1 << limits.bits) + limits.min  # NumPy's addition
    same(ndi.laplace(image), wrapped, image.dtype)


@pytest.mark.parametrize("size", [2, 3, 7, 12, 13, 40])
def test_averages(image, size):
    exact = np.vectorize(lambda s: int(s) // size if s >= 0 else -(-int(s) // size), otypes=[object])
    same(ndi.uniform_filter1d(image, size, 1), exact(along(image, [1] * size, 1)), image.dtype)
    once = exact(along(image, [1] * size, 0))
    same(ndi.uniform_filter(image, size), exact(along(once, [1] * size, 1)), image.dtype)


def cut(value):
    """A sum in double precision, stored: toward zero, but up to a whole number that lies within its rounding."""
    whole = math.trunc(value)
    near = round(value)
    return near if abs(value - near) <= Fraction(16, 2**52) * max(abs(value), 1) else whole


@pytest.mark.parametrize("sigma", [0.7, 1.5])
def test_gaussians(image, sigma):
    radius = int(4 * sigma + 0.5)
    samples = np.exp(-0.5 / sigma**2 * np.arange(-radius, radius + 1) ** 2)
    weights = [Fraction(float(w)) for w in samples / samples.sum()]
    exact = np.vectorize(cut, otypes=[object])(along(image, weights, 1))
    same(ndi.gaussian_filter1d(image, sigma), exact, image.dtype)


def test_gaussians_of_planes_are_scipys(image):
    if image.dtype.itemsize == 8:
        pytest.skip("beyond 2⁴⁰ the sums of both are uncertain by a unit")
    np.testing.assert_array_equal(ndi.gaussian_filter(image, 1.5), scipy.ndimage.gaussian_filter(image, 1.5))


def test_constants_stay(image):
    for level in (np.iinfo(image.dtype).max // 3 + 1, 1):
        flat = np.full(SHAPE, min(level, 2**48), image.dtype)
        for call in (
            lambda x: ndi.gaussian_filter(x, 1.7),
            lambda x: ndi.uniform_filter(x, 5),
            lambda x: ndi.correlate1d(x, [1.0]),
            lambda x: ndi.correlate(x, np.ones((2, 2)) / 4),
            lambda x: ndi.motion_blur(x, 5, 0.3),
        ):
            np.testing.assert_array_equal(call(flat), flat)


def test_the_same_under_jit_and_vmap(image):
    for call in (lambda x: ndi.gaussian_filter(x, 1.5), lambda x: ndi.sobel(x), lambda x: ndi.uniform_filter(x, 3)):
        expected = np.asarray(call(image))
        np.testing.assert_array_equal(jax.jit(call)(image), expected)
        np.testing.assert_array_equal(jax.jit(jax.vmap(call))(jnp.stack([image, image])), [expected, expected])


def test_a_traced_sigma_smooths_whole_numbers_too():
    levels = np.full((6, 7), 200, np.uint8)
    with jax.enable_x64(False):
        smooth = jax.jit(lambda s: ndi.gaussian_filter(levels, s, radius=4))
        np.testing.assert_array_equal(smooth(1.3), levels)
        gradient = jax.grad(lambda s: ndi.gaussian_filter(levels, s, radius=4).astype(jnp.float32).sum())(1.3)
    assert gradient == 0


HAND = [
    # value, dtype, what is stored
    (2.0, "int32", 2), (2.999, "int32", 2), (-2.999, "int32", -2), (2.5, "uint8", 2), (-0.5, "uint8", 0),
    (1000000.0, "int32", 1000000), (1048577.0, "int32", 1048577), (1073741824.0, "int32", 1073741824),
    (16777215.0, "int32", 16777215), (255.0, "uint8", 255), (256.0, "uint8", 0), (-1.0, "uint8", 255),
    (300.0, "int8", 44), (40000.0, "int16", -25536), (-1.0, "uint32", 4294967295), (4294967040.0, "uint32", 4294967040),
    (-2147483648.0, "int32", -2147483648), (1e12, "int32", -2147483648), (np.nan, "int32", -2147483648),
    (0.0, "bool", False), (0.5, "bool", False), (-3.0, "bool", True),
]  # fmt: skip


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize(("value", "dtype", "expected"), HAND)
def test_store_against_numbers_written_by_hand(value, dtype, expected, double):
    with jax.enable_x64(double):
        for kind in (jnp.float32, jnp.float64) if double else (jnp.float32,):
            assert np.asarray(store(jnp.asarray([value], kind), np.dtype(dtype)))[0] == expected


def test_store_counts_what_rounding_left_below_a_whole_number_as_that_number():
    below = lambda value, units: jnp.asarray([np.float32(value) - units * np.spacing(np.float32(value))])
    with jax.enable_x64(False):
        assert store(below(3, 4), np.dtype("int32"))[0] == 3
        assert store(-below(3, 4), np.dtype("int32"))[0] == -3
        assert store(below(3, 4), np.dtype("int32"), rounded=False)[0] == 2
        assert store(jnp.asarray([2**23 - 0.5], jnp.float32), np.dtype("int32"))[0] == 2**23 - 1
    assert store(jnp.asarray([2.0**40 + 0.25]), np.dtype("int64"))[0] == 2**40


@pytest.mark.parametrize("name", ["unsharp_mask", "difference_of_gaussians", "butterworth"])
def test_filters_with_results_of_both_signs_give_floats(name):
    ramp = np.tile(np.arange(0, 200, 20, np.uint8), (10, 1))
    argument = () if name == "butterworth" else (1.0,)
    ours = getattr(ndi, name)(ramp, *argument)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, getattr(ndi, name)(ramp.astype(float), *argument))
    assert getattr(ndi, name)(ramp, *argument, output=np.int16).dtype == np.int16


def test_gradient_magnitudes_are_scipys_to_the_unit():
    image = np.random.default_rng(1).integers(-(2**14), 2**14, SHAPE).astype(np.int32)
    with jax.enable_x64(False):
        ours = np.asarray(ndi.gaussian_gradient_magnitude(image, 1.0))
    np.testing.assert_array_equal(ours, scipy.ndimage.gaussian_gradient_magnitude(image, 1.0))
    squares = np.array([[46340**2, 46340**2 - 1, 4]], np.int32)
    root = ndi.generic_gradient_magnitude(squares[:, :1] * 0 + 46340, lambda x, *rest: x, axes=0)
    assert root[0, 0] == 46340
