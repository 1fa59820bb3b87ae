"""The small kernels: values from the literature and from SciPy, scikit-image and OpenCV; shapes, dtypes, messages."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.special

import jconv
from jconv import kernels

pytestmark = pytest.mark.core
IMPULSE = np.pad([[1.0]], 4)


def response(kernel):
    return scipy.ndimage.correlate(IMPULSE, np.asarray(kernel, float))


@pytest.mark.parametrize("name", ["sobel", "prewitt"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_edges_equal_scipy(name, axis):
    expected = getattr(scipy.ndimage, name)(IMPULSE, axis=axis)
    np.testing.assert_array_equal(response(kernels.build(name, axis=axis)), expected)


@pytest.mark.parametrize("name", ["sobel", "prewitt", "scharr", "farid"])
@pytest.mark.parametrize("axis", [0, 1])
def test_normalized_edges_equal_scikit_image(name, axis):
    filters = pytest.importorskip("skimage.filters")
    direction = "h" if axis == 0 else "v"
    expected = getattr(filters, f"{name}_{direction}")(IMPULSE)
    # scikit-image's three-tap kernels respond to a unit ramp with two.
    ours = response(
        kernels.farid(axis=axis) if name == "farid" else 2 * kernels.build(name, axis=axis, normalized=True)
    )
    np.testing.assert_allclose(ours, expected, atol=1e-15)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_larger_sobel_equals_opencv(size):
    cv2 = pytest.importorskip("cv2")
    edge, smooth = cv2.getDerivKernels(1, 0, size)
    np.testing.assert_array_equal(kernels.sobel(size=size), smooth @ edge.T)


@pytest.mark.parametrize("name", ["sobel", "prewitt", "scharr", "farid"])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_edge_kernels_are_the_outer_product_of_their_factors_and_differentiate_a_ramp(name, ndim):
    for axis in range(ndim):
        factors = kernels.edge_factors(name, axis=axis, ndim=ndim, normalized=True)
        kernel = kernels.build(name, axis=axis, ndim=ndim, normalized=True)
        letters = "abc"[:ndim]
        np.testing.assert_allclose(np.einsum(",".join(letters) + "->" + letters, *factors), kernel, atol=1e-15)
        grid = np.indices(kernel.shape)
        slopes = [(np.asarray(kernel) * g).sum() for g in grid]
        np.testing.assert_allclose(slopes, np.eye(ndim)[axis], atol=1e-14)


def test_laplacian_sharpen_and_emboss():
    np.testing.assert_array_equal(response(kernels.laplacian()), scipy.ndimage.laplace(IMPULSE))
    np.testing.assert_array_equal(kernels.laplacian(diagonals=True, dtype=int), [[1, 1, 1], [1, -8, 1], [1, 1, 1]])
    volume = np.pad(np.ones((1, 1, 1)), 2)
    ours = scipy.ndimage.correlate(volume, np.asarray(kernels.laplacian(ndim=3)))
    np.testing.assert_array_equal(ours, scipy.ndimage.laplace(volume))
    np.testing.assert_array_equal(kernels.sharpen(), [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    np.testing.assert_allclose(kernels.sharpen(amount=0.25), kernels.identity() - kernels.laplacian() / 4)
    np.testing.assert_array_equal(kernels.emboss(), [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    assert all(
        float(kernels.build(name).sum()) == pytest.approx(1) for name in ("sharpen", "emboss", "box", "gaussian")
    )


def test_identity_and_box():
    image = np.arange(30.0).reshape(5, 6)
    np.testing.assert_array_equal(scipy.ndimage.correlate(image, np.asarray(kernels.identity((2, 5)))), image)
    expected = scipy.ndimage.uniform_filter(image, (4, 3))
    np.testing.assert_allclose(scipy.ndimage.correlate(image, np.asarray(kernels.box((4, 3)))), expected)
    assert kernels.box(3, ndim=3, normalized=False, dtype=jnp.int8).sum() == 27


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, (0, 1), (2, 1)])
@pytest.mark.parametrize("sigma", [0.4, 1.3, (0.8, 1.7)])
def test_gaussian_equals_scipy(sigma, order):
    impulse = np.pad([[1.0]], 9)
    kernel = kernels.gaussian(None, sigma=sigma, order=order)
    ours = scipy.ndimage.correlate(impulse, np.asarray(kernel))
    np.testing.assert_allclose(ours, scipy.ndimage.gaussian_filter(impulse, sigma, order), rtol=1e-12, atol=1e-14)


def test_gaussian_equals_opencv():
    cv2 = pytest.importorskip("cv2")
    taps = cv2.getGaussianKernel(7, 1.4)
    np.testing.assert_allclose(kernels.gaussian(7, sigma=1.4), taps @ taps.T, rtol=1e-12)


def test_discrete_gaussian_is_the_bessel_kernel_and_its_cascade_is_exact():
    n = np.arange(-40, 41)
    for sigma in (0.3, 1.0, 3.0):
        expected = scipy.special.ive(np.abs(n), sigma**2)
        np.testing.assert_allclose(kernels.gaussian1d(sigma, radius=40, form="discrete"), expected, atol=1e-14)
    a, b, c = (kernels.gaussian1d(s, radius=40, form="discrete") for s in (3.0, 4.0, 5.0))
    np.testing.assert_allclose(np.convolve(a, b)[40:-40], c, atol=1e-12)


def test_integrated_gaussian_is_the_cell_average():
    quad = pytest.importorskip("scipy.integrate").quad
    for sigma, order in ((0.3, 0), (1.1, 0), (1.1, 1), (0.8, 3)):
        kernel = np.asarray(kernels.gaussian1d(sigma, order=order, radius=8, form="integrated"))
        density = lambda x, s=sigma: np.exp(-0.5 * (x / s) ** 2) / (s * np.sqrt(2 * np.pi))
        hermite = {0: lambda u, s: 1, 1: lambda u, s: -u / s, 3: lambda u, s: (3 * u - u**3) / s**3}[order]
        expected = [
            quad(lambda x, s=sigma, h=hermite, g=density: h(x / s, s) * g(x), i - 0.5, i + 0.5, epsabs=1e-13)[0]
            for i in range(-8, 9)
        ]
        np.testing.assert_allclose(kernel, expected[::-1], atol=1e-12)


@pytest.mark.parametrize("form", ["sampled", "integrated", "discrete"])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_gaussian_takes_a_traced_sigma(form, order):
    build = lambda s: kernels.gaussian1d(s, order=order, radius=6, form=form)
    np.testing.assert_allclose(jax.jit(build)(1.3), build(1.3), atol=1e-14)
    step = 1e-5
    slope = (build(1.3 + step) - build(1.3 - step)) / (2 * step)
    np.testing.assert_allclose(jax.jacfwd(build)(1.3), slope, atol=1e-8)
    np.testing.assert_allclose(jax.jacrev(build)(1.3), slope, atol=1e-8)
    at_zero = jax.jacrev(build)(0.0)
    assert np.isfinite(at_zero).all()
    assert order or np.array_equal(build(0.0), np.arange(-6, 7) == 0)


def test_derivatives_differentiate_polynomials():
    x = np.arange(-20.0, 21.0)
    for form in ("sampled", "integrated", "discrete"):
        for order, factorial in ((1, 1), (2, 2), (3, 6)):
            kernel = kernels.gaussian1d(1.5, order=order, radius=20, form=form)
            assert float(kernel @ x**order) == pytest.approx(factorial, rel=1e-6), (form, order)


@pytest.mark.parametrize("name", list(kernels.NAMES))
def test_every_kernel_has_a_default_and_takes_a_dtype(name):
    kernel = kernels.build(name)
    assert kernel.dtype == jnp.float64
    assert kernel.ndim == 2
    assert kernels.build(name, dtype=jnp.float32).dtype == jnp.float32
    assert jconv.kernels.NAMES[name].__doc__
    np.testing.assert_allclose(jax.jit(lambda: kernels.build(name))(), kernel, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, r"`name` must be one of .*'identity'.*did you mean 'sobel'", lambda: kernels.build("sobbel")),
        (ValueError, "`name` must be one of", lambda: kernels.edge_factors("gaussian")),
        (ValueError, "`size` must be odd .* got 4; pass 3 or 5", lambda: kernels.gaussian(4)),
        (ValueError, "`size` must be at least 1, got 0", lambda: kernels.box(0)),
        (TypeError, "`size` must be an integer, got 2.5", lambda: kernels.box((2.5, 3))),
        (ValueError, "`sigma` must not be negative, got -1", lambda: kernels.gaussian(sigma=-1)),
        (ValueError, "`sigma` must not be negative, got nan", lambda: kernels.gaussian(sigma=float("nan"))),
        (ValueError, "`order` must be at least 0", lambda: kernels.gaussian(order=-1)),
        (ValueError, "`radius` must be at least 0", lambda: kernels.gaussian1d(1.0, radius=-1)),
        (ValueError, "must agree in length", lambda: kernels.gaussian((3, 3), sigma=(1, 2, 3))),
        (ValueError, "`form` must be one of .*did you mean 'sampled'", lambda: kernels.gaussian(form="sample")),
        (TypeError, "`radius` .* must be given where `sigma` is traced", lambda: jax.jit(kernels.gaussian1d)(1.0)),
        (ValueError, r"`axis` must lie in \[-2, 1\]", lambda: kernels.sobel(axis=2)),
        (ValueError, "`size` must be 3 for 'prewitt'", lambda: kernels.edge_factors("prewitt", size=5)),
        (TypeError, "`dtype` must be floating", lambda: kernels.gaussian(dtype=int)),
        (TypeError, "`dtype` must be able to hold", lambda: kernels.box(dtype=int)),
        (TypeError, "`dtype` must be able to hold", lambda: kernels.sobel(dtype=jnp.uint8)),
    ],
)
def test_bad_input(error, message, call):
    with pytest.raises(error, match=message):
        call()
