"""How far one sample reaches: the kernel, in every filter, for a NaN, an infinity and a number of 1e30."""

import jax
import numpy as np
import pytest
import scipy.ndimage

import jconv.ndimage as ndi
from tests.ndimage.calls import FILTERS, GLOBAL, LOCAL

BAD = {"nan": np.nan, "inf": np.inf, "large": 1e30}
PLACE = (31, 29)
IMAGE = np.random.default_rng(3).random((72, 70)).astype(np.float32)
CASES = [(name, bad) for name in LOCAL for bad in LOCAL[name].bad]


def spoilt(call, bad, x):
    """Where outputs differ once the sample at PLACE is `bad`, of outputs that are finite without."""
    with_bad = x.copy()
    with_bad[PLACE] = bad
    run = jax.jit(call)
    before, after = np.asarray(run(x)), np.asarray(run(with_bad))
    assert np.isfinite(before).all()
    return before, after


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("double", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_bad_sample_spoils_no_more_than_its_kernel(name, double):
    case = LOCAL[name]
    rows, columns = (np.abs(np.arange(n) - p) for n, p in zip(IMAGE.shape, PLACE))
    outside = (rows[:, None] > case.rows) | (columns > case.columns)
    with jax.enable_x64(double):
        x = IMAGE.astype(np.float64 if double else np.float32)
        changed = False
        for bad in case.bad:
            before, after = spoilt(case.call, BAD[bad], x)
            tolerance = 64 * np.finfo(x.dtype).eps if case.rounding else 0
            np.testing.assert_allclose(after[outside], before[outside], rtol=tolerance, atol=tolerance, err_msg=bad)
            changed |= not np.array_equal(after, before, equal_nan=True)
        assert changed  # a minimum need not notice a large number


SCIPYS = [
    ("correlate", lambda m, x: m.correlate(x, np.ones((21, 21)))),
    ("correlate", lambda m, x: m.correlate(x, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])),
    ("correlate1d", lambda m, x: m.correlate1d(x, np.arange(1.0, 42.0), 0)),
    ("gaussian_filter", lambda m, x: m.gaussian_filter(x, 5)),
    ("gaussian_laplace", lambda m, x: m.gaussian_laplace(x, 3)),
    ("sobel", lambda m, x: m.sobel(x)),
    ("prewitt", lambda m, x: m.prewitt(x)),
    ("laplace", lambda m, x: m.laplace(x)),
]


@pytest.mark.parametrize("call", [call for _, call in SCIPYS], ids=[f"{n}-{i}" for i, (n, _) in enumerate(SCIPYS)])
def test_a_nan_spoils_as_many_samples_as_in_scipy(call):
    x = IMAGE.copy()
    x[PLACE] = np.nan
    np.testing.assert_array_equal(np.isnan(call(ndi, x)), np.isnan(call(scipy.ndimage, x)))


def test_every_filter_has_a_reach_or_a_reason():
    assert {name.split(",")[0] for name in LOCAL} | set(GLOBAL) == set(FILTERS)


@pytest.mark.parametrize("double", [False, True])
def test_a_bright_star_leaves_the_dark_sky_as_dark_as_it_is(double):
    """Each output errs by its own rounding, where FFTs and low-rank kernels spread that of the brightest sample."""
    sky = np.full((80, 80), 1e-3)
    sky[40, 40] = 1e6
    y, x = np.mgrid[-15:16, -15:16]
    disk = (x * x + y * y <= 15**2) / 1e3
    with jax.enable_x64(double):
        dtype = np.float64 if double else np.float32
        for weights in (disk, np.exp(-(x**2 + y**2) / 20.0), np.exp(-np.hypot(x, y) / 3)):
            weights = weights.astype(dtype)
            ours = np.asarray(ndi.correlate(sky.astype(dtype), weights))
            exact = scipy.ndimage.correlate(sky.astype(dtype).astype(float), weights.astype(float))
            np.testing.assert_allclose(ours, exact, rtol=4 * weights.size**0.5 * np.finfo(dtype).eps)


@pytest.mark.parametrize("truncate", [4.0, 10.0, 14.0])
def test_gaussians_of_positive_images_are_positive(truncate):
    x = np.full(201, 1e-3, np.float32)
    x[100] = 1e8
    with jax.enable_x64(False):
        for sigma in (0.4, 1.0, 3.3):
            ours = np.asarray(ndi.gaussian_filter1d(x, sigma, truncate=truncate))
            exact = scipy.ndimage.gaussian_filter1d(x.astype(float), sigma, truncate=truncate)
            assert ours.min() > 0
            np.testing.assert_allclose(ours, exact, rtol=3e-6)
