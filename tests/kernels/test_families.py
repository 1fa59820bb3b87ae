"""Gabor, optics, Savitzky–Golay, Riesz, steerable kernels, discretize, factor, describe: references and laws."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from jax.test_util import check_grads

from jconv import kernels

pytestmark = pytest.mark.core
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("frequency", "theta", "bandwidth"), [(0.25, 0.0, 1.0), (0.1, 0.7, 1.5), (0.3, 2.0, 0.8)])
def test_gabor_equals_scikit_image(frequency, theta, bandwidth):
    filters = pytest.importorskip("skimage.filters")
    expected = filters.gabor_kernel(frequency, theta, bandwidth)
    ours = kernels.gabor(frequency, theta=theta, bandwidth=bandwidth, dtype=complex)
    np.testing.assert_allclose(ours, expected, atol=1e-15)
    real = kernels.gabor(frequency, theta=theta, bandwidth=bandwidth)
    np.testing.assert_allclose(real, expected.real, atol=1e-15)


def test_gabor_is_differentiable_in_its_parameters():
    build = lambda f, t, o: 10 * kernels.gabor(f, theta=t, offset=o, size=9)
    check_grads(build, (0.2, 0.4, 0.1), order=1, eps=1e-5)


def test_banks_hold_every_frequency_and_orientation():
    bank = kernels.gabor_bank((0.2, 0.3), orientations=3, size=11)
    assert bank.shape == (2, 3, 11, 11)
    np.testing.assert_allclose(bank[1, 2], kernels.gabor(0.3, theta=2 * np.pi / 3, size=11))
    assert kernels.gabor_bank((0.2, 0.3), orientations=2).shape[2] >= kernels.gabor(0.2).shape[0]
    logs = kernels.log_gabor_bank(15, frequencies=(0.1, 0.2), orientations=3)
    np.testing.assert_allclose(logs[0, 1], kernels.log_gabor(15, frequency=0.1, theta=np.pi / 3, spread=np.pi / 6))


def test_log_gabor_peaks_at_its_frequency_and_direction_and_ignores_constants():
    kernel = kernels.log_gabor(61, frequency=0.2, theta=0.0, dtype=complex)
    assert abs(complex(kernel.sum())) < 1e-12
    gains = np.abs(np.fft.fft2(kernel))
    row, column = np.unravel_index(gains.argmax(), gains.shape)
    assert np.fft.fftfreq(61)[row] == 0
    assert np.fft.fftfreq(61)[column] == pytest.approx(0.2, abs=1 / 61)


@pytest.mark.parametrize("size", [3, 9])
def test_motion_is_a_box_along_the_axes_and_symmetric(size):
    np.testing.assert_allclose(kernels.motion(size)[size // 2], np.full(size, 1 / size), atol=1e-12)
    np.testing.assert_allclose(kernels.motion(size, angle=np.pi / 2), kernels.motion(size).T, atol=1e-8)
    slanted = kernels.motion(size, angle=0.4)
    np.testing.assert_allclose(slanted, slanted[::-1, ::-1], atol=1e-12)
    np.testing.assert_allclose(kernels.motion(size, angle=-0.4), slanted[::-1], atol=1e-12)
    np.testing.assert_allclose(kernels.motion(size, angle=np.pi / 2 - 0.4), slanted.T, atol=1e-12)
    assert float(slanted.sum()) == pytest.approx(1)


def test_motion_holds_the_length_of_the_path_in_every_pixel():
    t = (np.arange(400_000) + 0.5) / 400_000 * 6.5 - 3.25
    counts, *_ = np.histogram2d(t * np.sin(0.7), t * np.cos(0.7), bins=9, range=[[-4.5, 4.5]] * 2)
    np.testing.assert_allclose(kernels.motion(9, angle=0.7, length=6.5), counts / counts.sum(), atol=1e-5)
    check_grads(lambda a, l: kernels.motion(9, angle=a, length=l), (0.7, 6.5), order=1, eps=1e-6)


def test_disk_airy_and_moffat_equal_astropy():
    convolution = pytest.importorskip("astropy.convolution")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = [
            (kernels.disk(3.0), convolution.Tophat2DKernel(3)),
            (kernels.airy(2.5, size=21), convolution.AiryDisk2DKernel(2.5, x_size=21, y_size=21)),
            (kernels.moffat(2.0, alpha=2.5, size=17), convolution.Moffat2DKernel(2.0, 2.5, x_size=17, y_size=17)),
        ]
        for ours, theirs in pairs:
            expected = theirs.array / theirs.array.sum()
            inset = (len(expected) - len(ours)) // 2
            expected = expected[inset : len(expected) - inset, inset : len(expected) - inset]
            np.testing.assert_allclose(ours, expected / expected.sum(), atol=1e-12)


@pytest.mark.parametrize(("size", "degree", "derivative"), [(5, 2, 0), (7, 3, 1), (9, 4, 2)])
def test_savitzky_golay_equals_scipy_and_is_exact_on_polynomials(size, degree, derivative):
    ours = kernels.savitzky_golay(size, degree=degree, derivative=derivative, ndim=1)
    expected = scipy.signal.savgol_coeffs(size, degree, deriv=derivative, use="dot")
    np.testing.assert_allclose(ours, expected, atol=1e-12)
    y, x = np.indices((size, size)) - size // 2
    surface = 1 + 2 * x - 3 * y + (0.5 * x * y + x**2 if degree > 1 else 0)
    plane = lambda *d: float((np.asarray(kernels.savitzky_golay(size, degree=degree, derivative=d)) * surface).sum())
    assert plane(0, 0) == pytest.approx(1)
    assert plane(0, 1) == pytest.approx(2)
    assert plane(1, 0) == pytest.approx(-3)
    assert plane(1, 1) == pytest.approx(0.5)


def test_riesz_has_its_response_and_squares_to_minus_one():
    x, y = (np.fft.fftn(np.fft.ifftshift(kernels.riesz(21, axis=a))) for a in (1, 0))
    squares = np.abs(x) ** 2 + np.abs(y) ** 2
    np.testing.assert_allclose(squares.ravel()[1:], 1, atol=1e-12)
    wave = np.cos(2 * np.pi * 3 / 21 * np.arange(21))
    turned = scipy.ndimage.correlate(np.tile(wave, (21, 1)), np.asarray(kernels.riesz(21)), mode="wrap")
    np.testing.assert_allclose(turned[0], -np.sin(2 * np.pi * 3 / 21 * np.arange(21)), atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_steerable_is_the_derivative_along_its_direction(order):
    theta = 0.6
    y, x = np.indices((41, 41)) - 20.0
    along = x * np.cos(theta) + y * np.sin(theta)
    kernel = np.asarray(kernels.steerable(41, sigma=2.0, order=order, theta=theta))
    assert (kernel * along**order).sum() == pytest.approx([1, 1, 2, 6][order], rel=1e-5)
    across = -x * np.sin(theta) + y * np.cos(theta)
    assert abs((kernel * across**order).sum()) < 1e-6
    check_grads(lambda t: kernels.steerable(9, order=order, theta=t), (0.3,), order=1)


def test_laplacian_of_gaussian_equals_scipy():
    impulse = np.pad([[1.0]], 8)
    ours = scipy.ndimage.correlate(impulse, np.asarray(kernels.laplacian_of_gaussian(sigma=1.3)))
    np.testing.assert_allclose(ours, scipy.ndimage.gaussian_laplace(impulse, 1.3), atol=1e-15)


@pytest.mark.parametrize(
    ("mode", "theirs"), [("center", "center"), ("interpolate", "linear_interp"), ("oversample", "oversample")]
)
def test_discretize_equals_astropy(mode, theirs):
    convolution = pytest.importorskip("astropy.convolution")
    models = pytest.importorskip("astropy.modeling.models")
    f = lambda y, x: np.exp(-0.5 * ((x - 0.3) ** 2 + (y / 1.5) ** 2))
    model = models.Gaussian2D(1, 0.3, 0, 1, 1.5)
    expected = convolution.discretize_model(model, (-4, 5), (-3, 4), mode=theirs)
    np.testing.assert_allclose(kernels.discretize(f, (7, 9), mode=mode), expected, atol=1e-12)


def test_discretize_integrates_to_rounding_and_is_differentiable():
    cells = kernels.discretize(lambda x: jnp.exp(-0.5 * x**2), 17, mode="integrate")
    expected = scipy.ndimage.correlate1d(scipy.special.ndtr(np.arange(-9, 9) + 0.5), [-1, 1], origin=-1)[:-1]
    np.testing.assert_allclose(cells, expected * np.sqrt(2 * np.pi), atol=1e-13)
    build = lambda s: kernels.discretize(lambda y, x: jnp.exp(-0.5 * (x**2 + y**2) / s**2), (3, 5), mode="oversample")
    check_grads(build, (1.2,), order=2)


@pytest.mark.parametrize("shape", [(7,), (5, 7), (4, 5, 6)])
def test_factor_recovers_the_kernel_and_bounds_its_error(shape):
    kernel = RNG.standard_normal(shape)
    whole = kernels.factor(kernel)
    np.testing.assert_allclose(whole.dense(), kernel, atol=1e-12)
    assert whole.error < 1e-10
    if len(shape) > 1:
        part = kernels.factor(kernel, terms=2)
        rest = np.abs(kernel - np.asarray(part.dense()))
        assert len(part.terms) == 2
        assert part.error == pytest.approx(rest.sum())
        # The best rank-two approximation of the first unfolding cannot be beaten, only met in two dimensions.
        best = np.sqrt((np.linalg.svd(kernel.reshape(shape[0], -1), compute_uv=False)[2:] ** 2).sum())
        reached = np.sqrt((rest**2).sum())
        assert reached >= best - 1e-12
        assert len(shape) > 2 or reached == pytest.approx(best)


def test_factor_finds_the_rank():
    for kernel, rank in [
        (kernels.gaussian(7, sigma=1.2), 1),
        (kernels.sobel(ndim=3), 1),
        (kernels.laplacian(), 2),
        (kernels.laplacian_of_gaussian(sigma=1.5), 2),
    ]:
        assert len(kernels.factor(kernel).terms) == rank
    assert kernels.factor(np.zeros((3, 3))).error == 0


def test_describe():
    found = kernels.describe(kernels.gaussian(None, sigma=(2.0, 1.0), truncate=8))
    assert found.sum == pytest.approx(1)
    assert found.separable
    np.testing.assert_allclose(found.spread, (2, 1), rtol=1e-6)
    np.testing.assert_allclose(found.centroid, (0, 0), atol=1e-12)
    assert found.peak_gain == pytest.approx(1)
    assert "spread" in str(found)
    edge = kernels.describe(kernels.sobel())
    assert edge.rank == 1
    assert edge.sum == 0
    assert edge.peak_gain == pytest.approx(8)
    assert tuple(np.abs(edge.peak_frequency)) == (0, 0.25)


def test_frequency_response_is_that_of_correlating():
    kernel = RNG.standard_normal((4, 5))
    x = RNG.standard_normal((64, 64))
    filtered = scipy.ndimage.correlate(x, kernel, mode="wrap")
    response = kernels.frequency_response(kernel, 64)
    np.testing.assert_allclose(np.fft.fft2(filtered), np.fft.fft2(x) * response, atol=1e-9)


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, "`size` must be given where", lambda: jax.jit(kernels.gabor)(0.2)),
        (ValueError, "`size` must be odd", lambda: kernels.motion(4)),
        (ValueError, "`radius` must be positive", lambda: kernels.disk(0)),
        (ValueError, "`gamma` must be positive", lambda: kernels.moffat(-1)),
        (
            ValueError,
            "`mode` must be one of .*did you mean 'center'",
            lambda: kernels.discretize(abs, 3, mode="centre"),
        ),
        (ValueError, "`factor` must be at least 1", lambda: kernels.discretize(abs, 3, factor=0)),
        (ValueError, "`degree` must be less", lambda: kernels.savitzky_golay(3, degree=3)),
        (ValueError, "`derivative` must not exceed", lambda: kernels.savitzky_golay(5, derivative=(2, 1))),
        (ValueError, "`axis` must lie in", lambda: kernels.riesz(axis=2)),
        (TypeError, "`kernel` must be known", lambda: jax.jit(lambda k: kernels.factor(k).terms)(jnp.ones((3, 3)))),
        (ValueError, "`kernel` must not be empty", lambda: kernels.factor(np.ones((0, 3)))),
        (ValueError, "`shape` must not be smaller", lambda: kernels.frequency_response(np.ones((9, 9)), 8)),
        (ValueError, "`orientations` must be at least 1", lambda: kernels.gabor_bank(orientations=0)),
    ],
)
def test_bad_input(error, message, call):
    with pytest.raises(error, match=message):
        call()
