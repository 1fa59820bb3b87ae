"""The convolutions against SciPy, and the errors they raise."""

import jax
import numpy as np
import pytest
import scipy.signal

from jconv import signal

SHAPES = [((9,), (4,)), ((4,), (9,)), ((7, 6), (3, 2)), ((3, 9), (5, 4)), ((5, 6, 4), (2, 3, 4))]
MODES = ("full", "same", "valid")


def sample(rng, shape, dtype):
    x = 3 * rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.normal(size=shape)
    return np.abs(np.round(x)).astype(dtype) if np.dtype(dtype).kind in "iub" else x.astype(dtype)


def same_as_scipy(name, x, y, *args, **kwargs):
    """Both give one result, or both raise ValueError."""
    try:
        expected = getattr(scipy.signal, name)(x, y, *args, **kwargs)
    except ValueError:
        with pytest.raises(ValueError):
            getattr(signal, name)(x, y, *args, **kwargs)
        return
    got = getattr(signal, name)(x, y, *args, **kwargs)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    scale = np.abs(expected).max(initial=1)
    eps = np.finfo(got.dtype).eps if got.dtype.kind in "fc" else 0
    np.testing.assert_allclose(got, expected, rtol=0, atol=50 * eps * scale, err_msg=f"{name} {args} {kwargs}")


@pytest.mark.core
@pytest.mark.parametrize("dtype", ["float64", "complex128", "int32"])
def test_equals_scipy(dtype):
    rng = np.random.default_rng(0)
    for shape1, shape2 in SHAPES:
        x, y = sample(rng, shape1, dtype), sample(rng, shape2, dtype)
        for mode in MODES:
            for name in ("convolve", "correlate", "fftconvolve", "oaconvolve"):
                same_as_scipy(name, x, y, mode)


def test_errors_name_argument_value_and_remedy():
    x = np.ones((4, 5))
    for call, error, words in [
        (lambda: signal.convolve(x, x[0]), ValueError, r"dimensionality, got shapes \(4, 5\) and \(5,\); add axes"),
        (lambda: signal.convolve(x, x, "spam"), ValueError, r"'full'; got `mode`='spam'"),
        (lambda: signal.convolve(x, x, method="fdt"), ValueError, r"`method` must be one of .*; got 'fdt'"),
        (lambda: signal.convolve(x, x, boundary="warp"), ValueError, r"did you mean 'wrap'\?"),
        (lambda: signal.convolve(x, np.ones((5, 4)), "valid"), ValueError, r"\(5, 4\); crop"),
        (lambda: signal.convolve(x[:0], x), ValueError, r"`in1` must not be empty"),
        (lambda: signal.convolve(x.astype(object), x), TypeError, r"`in1` has dtype object"),
        (lambda: signal.convolve2d(x[0], x[0]), ValueError, r"`in1` must have rank 2, got shape \(5,\)"),
        (lambda: signal.convolve2d(x, x, fillvalue=[1, 2]), ValueError, r"`fillvalue` must be scalar .* \(2,\)"),
        (lambda: signal.convolve2d(x, x, fillvalue=1j), ValueError, r"complex; pass a real value"),
        (lambda: signal.fftconvolve(x, x, axes=[2]), ValueError, r"axes exceeds .* got \[2\] for rank 2"),
        (lambda: signal.fftconvolve(x, x[:, :3], axes=[0]), ValueError, r"add the axis to `axes`"),
        (lambda: signal.sepfir2d(x, [1, 1], [1]), ValueError, r"`hrow` must be of odd length, got 2; append"),
        (lambda: signal.correlation_lags(0, 1), ValueError, r"`in1_len` must be at least 1, got 0"),
    ]:
        with pytest.raises(error, match=words):
            call()


def test_nan_under_fft_is_warned_of():
    with pytest.warns(RuntimeWarning, match="NAN or inf"):
        signal.convolve([1.0, np.nan], [1.0, 2.0], method="fft")


def test_works_under_jit_and_vmap():
    rng = np.random.default_rng(2)
    x, h = rng.normal(size=(3, 20)), rng.normal(size=5)
    batch = jax.jit(jax.vmap(signal.convolve, (0, None)))(x, h)
    np.testing.assert_allclose(batch, np.stack([np.convolve(row, h) for row in x]), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["fftconvolve", "oaconvolve"])
def test_memory_budget_changes_nothing(name):
    rng = np.random.default_rng(4)
    x, h, g = rng.normal(size=(2, 5000)), rng.normal(size=(1, 30)), rng.normal(size=(3, 2))
    run = getattr(signal, name)
    for mode in MODES:
        expected = scipy.signal.fftconvolve(x, h, mode, axes=1)
        np.testing.assert_allclose(run(x, h, mode, axes=1, memory_budget=60_000), expected, rtol=0, atol=1e-12)
        expected = scipy.signal.fftconvolve(g, x, mode) if mode != "valid" else scipy.signal.fftconvolve(g[:2], x, mode)
        got = run(g if mode != "valid" else g[:2], x, mode, memory_budget=60_000)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
    plain = jax.grad(lambda x, h: (run(x, h, axes=1) ** 2).sum(), (0, 1))(x, h)
    bounded = jax.grad(lambda x, h: (run(x, h, axes=1, memory_budget=60_000) ** 2).sum(), (0, 1))(x, h)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * np.abs(a).max()), plain, bounded)
    with pytest.raises(ValueError, match=r"`memory_budget` of 1000 bytes is too small .* give at least"):
        run(x, h, axes=1, memory_budget=1000)


@pytest.mark.parametrize(
    ("shape1", "shape2", "mode"), [((1024, 1024), (63, 63), "same"), ((50_000,), (20_000,), "full")]
)
def test_the_method_is_the_one_that_the_planner_chooses(shape1, shape2, mode):
    x, h = (np.zeros(shape, np.float32) for shape in (shape1, shape2))
    # The planner answers with overlap-save for the image, and with one FFT for the signal.
    assert signal.choose_conv_method(x, h, mode) == "fft"
    assert signal.choose_conv_method(x, h[tuple(slice(2) for _ in shape2)], mode) == "direct"
    assert signal.choose_conv_method(x.astype(int), h.astype(int), mode) == "direct"


@pytest.mark.parametrize("name", ["fftconvolve", "oaconvolve"])
def test_any_number_of_axes_and_every_broadcasting(name):
    rng = np.random.default_rng(6)
    for shape1, shape2, axes in [
        ((3, 4, 5, 6), (2, 3, 4, 2), None),
        ((2, 3, 4, 3, 5), (2, 2, 1, 2, 3), (0, 1, 3, 4)),
        ((3, 4, 5, 6), (3, 1, 4, 2), (2, 3)),
        ((1, 3, 4, 9), (2, 1, 4, 5), (3,)),
        ((1, 300), (4, 7), (1,)),
        ((4, 7), (1, 300), (1,)),
    ]:
        x, h = rng.normal(size=shape1), rng.normal(size=shape2)
        for mode in MODES:
            same_as_scipy(name, x, h, mode, axes)


def test_repeated_axes_are_kept_where_that_is_asked_for():
    rng = np.random.default_rng(7)
    x, h = rng.normal(size=(1, 20)), rng.normal(size=(3, 5))
    for name in ("fftconvolve", "oaconvolve"):
        run = getattr(signal, name)
        same_as_scipy(name, x, h, "same", 1)  # the middle one of three results
        got = run(x, h, "same", 1, crop_repeated=False)
        np.testing.assert_allclose(got, [np.convolve(x[0], row, "same") for row in h], rtol=0, atol=1e-13)
        np.testing.assert_allclose(
            run(x, h, "same", crop_repeated=False), scipy.signal.fftconvolve(x, h, "same"), atol=1e-13
        )
