"""The filters that SciPy lacks, on a real picture, held against scikit-image, OpenCV or a plain NumPy loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

import jconv.ndimage as ndi

skimage = pytest.importorskip("skimage")
from skimage import data, feature, filters, util  # noqa: E402

from tests.ndimage.calls import FILTERS, OTHERS, SCIPYS, WITHOUT_DERIVATIVE  # noqa: E402

PHOTO = util.img_as_float64(data.camera())[100:190:1, 200:296:1]
VOLUME = scipy.ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((14, 15, 16)), 1)
COINS = util.img_as_float64(data.coins())[20:110, 30:140]


def close(ours, theirs, tolerance=1e-12):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(1, np.abs(theirs).max()))


def test_unsharp_mask_is_scikit_images():
    expected = filters.unsharp_mask(PHOTO, radius=2.0, amount=1.5, preserve_range=True)
    close(ndi.unsharp_mask(PHOTO, 2.0, 1.5), expected)


def test_difference_of_gaussians_is_scikit_images():
    close(ndi.difference_of_gaussians(PHOTO, 1.0), filters.difference_of_gaussians(PHOTO, 1.0))
    expected = filters.difference_of_gaussians(VOLUME, (1, 1.5, 2), (2, 3, 4), mode="mirror")
    close(ndi.difference_of_gaussians(VOLUME, (1, 1.5, 2), (2, 3, 4), mode="mirror"), expected)


@pytest.mark.parametrize("high_pass", [False, True])
@pytest.mark.parametrize("options", [{}, {"order": 3.0, "squared_butterworth": False, "npad": 7}])
def test_butterworth_is_scikit_images(high_pass, options):
    ours = ndi.butterworth(PHOTO, 0.08, high_pass, **options)
    close(ours, filters.butterworth(PHOTO, 0.08, high_pass, **options))


@pytest.mark.parametrize("name", ["scharr", "farid"])
@pytest.mark.parametrize("axis", [0, 1])
def test_edge_filters_are_scikit_images(name, axis):
    expected = getattr(filters, f"{name}_{'h' if axis == 0 else 'v'}")(PHOTO)
    scale = 16 if name == "scharr" else 1  # scikit-image divides the smoothing by its sum
    close(getattr(ndi, name)(PHOTO, axis)[3:-3, 3:-3], scale * expected[3:-3, 3:-3])


def test_scharr_is_opencvs():
    cv2 = pytest.importorskip("cv2")
    expected = cv2.Scharr(PHOTO, cv2.CV_64F, 1, 0, borderType=cv2.BORDER_REFLECT)
    close(ndi.scharr(PHOTO, 1), expected)


def test_roberts_is_scikit_images():
    for diagonal, expected in ((0, filters.roberts_pos_diag(PHOTO)), (1, filters.roberts_neg_diag(PHOTO))):
        close(ndi.roberts(PHOTO, diagonal)[2:-2, 2:-2], expected[2:-2, 2:-2])


def test_gabor_is_scikit_images():
    for ours, theirs in zip(ndi.gabor(PHOTO, 0.2, 0.6), filters.gabor(PHOTO, 0.2, 0.6)):
        close(ours, theirs)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sigma": 2.0, "low_threshold": 0.02, "high_threshold": 0.25},
        pytest.param({"sigma": 1.5, "mode": "reflect", "low_threshold": 0.05}, marks=pytest.mark.slow),
        pytest.param({"use_quantiles": True, "low_threshold": 0.8, "high_threshold": 0.95}, marks=pytest.mark.slow),
    ],
)
def test_canny_is_scikit_images(options):
    for picture in (PHOTO, COINS):
        np.testing.assert_array_equal(ndi.canny(picture, **options), feature.canny(picture, **options))
    mask = np.ones(PHOTO.shape, bool)
    mask[30:50, 20:60] = False
    np.testing.assert_array_equal(ndi.canny(PHOTO, mask=mask, **options), feature.canny(PHOTO, mask=mask, **options))


@pytest.mark.parametrize("picture", [PHOTO, VOLUME], ids=["plane", "volume"])
def test_structure_tensor_hessian_and_eigenvalues_are_scikit_images(picture):
    close(ndi.structure_tensor(picture, 1.3), np.stack(feature.structure_tensor(picture, 1.3)))
    expected = feature.hessian_matrix(picture, 2.0, mode="reflect", use_gaussian_derivatives=True)
    ours = ndi.hessian_matrix(picture, 2.0)
    close(ours, np.stack(expected))
    close(ndi.eigenvalues(ours), feature.hessian_matrix_eigvals(expected))


@pytest.mark.parametrize("name", ["meijering", "sato", "frangi", "hessian"])
@pytest.mark.parametrize("picture", [PHOTO, VOLUME], ids=["plane", "volume"])
def test_ridge_filters_are_scikit_images(name, picture):
    for black in (True, False):
        expected = getattr(filters, name)(picture, sigmas=(1, 2.5), black_ridges=black)
        ours = getattr(ndi, name)(picture, sigmas=(1, 2.5), black_ridges=black)
        if name == "hessian":  # one where nothing is found: scikit-image misses subnormal numbers
            expected = np.where(expected < np.finfo(float).tiny, 1, expected)
        # An exponential of a ratio of eigenvalues loses some digits where the smaller one nearly vanishes.
        close(ours, expected, 1e-9)


def test_bilateral_is_opencvs():
    cv2 = pytest.importorskip("cv2")
    picture = PHOTO.astype(np.float32)
    for size, color, space in ((5, 0.1, 2.0), (9, 0.3, 3.0)):
        expected = cv2.bilateralFilter(picture, size, color, space, borderType=cv2.BORDER_REFLECT_101)
        # OpenCV interpolates its exponentials in a table.
        close(ndi.bilateral(picture, color, space, size), expected, 2e-5)
    rgb = data.astronaut()[100:150, 200:260].astype(np.float32) / 255
    expected = cv2.bilateralFilter(rgb, 5, 0.2, 2.0, borderType=cv2.BORDER_REFLECT_101)
    close(ndi.bilateral(rgb, 0.2, 2.0, 5, channel_axis=-1), expected, 2e-5)


def test_joint_bilateral_is_the_double_sum():
    x, guide = PHOTO[:12, :13], PHOTO[20:32, 30:43]
    padded, padded_guide = np.pad(x, 2, mode="reflect"), np.pad(guide, 2, mode="reflect")
    expected = np.empty_like(x)
    for i, j in np.ndindex(*x.shape):
        total = norm = 0.0
        for k, l in np.ndindex(5, 5):
            if (k - 2) ** 2 + (l - 2) ** 2 <= 4:
                change = padded_guide[i + k, j + l] - guide[i, j]
                weight = np.exp(-((k - 2) ** 2 + (l - 2) ** 2) / (2 * 1.5**2) - change**2 / (2 * 0.2**2))
                total, norm = total + weight * padded[i + k, j + l], norm + weight
        expected[i, j] = total / norm
    close(ndi.joint_bilateral(x, guide, 0.2, 1.5, 5), expected)


def test_guided_is_its_formula_in_scipy():
    mean = lambda a: scipy.ndimage.uniform_filter(a, 7)
    guide = COINS[:90, :96]
    a = (mean(guide * PHOTO) - mean(guide) * mean(PHOTO)) / (mean(guide**2) - mean(guide) ** 2 + 0.01)
    b = mean(PHOTO) - a * mean(guide)
    close(ndi.guided(PHOTO, guide, 3, 0.01), mean(a) * guide + mean(b))


def test_local_normalize_is_its_formula_in_scipy():
    smooth = lambda a: scipy.ndimage.gaussian_filter(a, 4.0)
    centred = PHOTO - smooth(PHOTO)
    close(ndi.local_normalize(PHOTO, 4.0), centred / np.sqrt(smooth(centred**2) + 1e-6), 1e-11)


def test_motion_blur_is_opencvs_box_along_the_axes():
    cv2 = pytest.importorskip("cv2")
    expected = cv2.blur(PHOTO, (7, 1), borderType=cv2.BORDER_REFLECT)
    close(ndi.motion_blur(PHOTO, 7, 0.0), expected)
    close(ndi.motion_blur(PHOTO, 7, np.pi / 2), cv2.blur(PHOTO, (1, 7), borderType=cv2.BORDER_REFLECT), 1e-8)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_blur_pool_is_torchs_strided_convolution(size, strides):
    torch = pytest.importorskip("torch")
    line = np.poly1d([1, 1]) ** (size - 1)
    weights = torch.tensor(np.outer(line.coef, line.coef) / 4 ** (size - 1))[None, None]
    left = (size - 1) // 2
    padded = torch.nn.functional.pad(torch.tensor(PHOTO)[None, None], (left, size - 1 - left) * 2)
    expected = torch.nn.functional.conv2d(padded, weights, stride=strides)[0, 0].numpy()
    close(ndi.blur_pool(PHOTO, size, strides, mode="constant"), expected)


def test_blur_pool_is_kornias():
    filters_of_kornia = pytest.importorskip("kornia.filters")
    torch = pytest.importorskip("torch")
    expected = filters_of_kornia.blur_pool2d(torch.tensor(PHOTO)[None, None], 3, 2)[0, 0].numpy()
    close(ndi.blur_pool(PHOTO, 3, 2, mode="constant"), expected)


def test_varying_kernel_is_a_mixture_and_selects():
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((3, 5, 4))
    weights = rng.standard_normal((3, *PHOTO.shape))
    expected = sum(w * scipy.ndimage.correlate(PHOTO, b, mode="wrap") for b, w in zip(basis, weights))
    close(ndi.correlate_varying(PHOTO, basis, weights, mode="wrap"), expected)


SLOW_TO_COMPILE = {"hessian", "meijering", "sato", "joint_bilateral", "hessian_matrix"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW_TO_COMPILE else []) for n in OTHERS]
)
def test_jit_vmap_and_both_gradients(name):
    f = OTHERS[name]
    rng = np.random.default_rng(5)
    stack, direction = jnp.asarray(rng.standard_normal((2, 2, 9, 10)))
    together = jax.jit(jax.vmap(f))(stack)
    x, v = stack[0], direction[0]
    value, slope = jax.jit(lambda x, v: jax.jvp(f, (x,), (v,)))(x, v)
    np.testing.assert_allclose(together[0], value, atol=1e-11)
    step = 1e-6
    ahead, back = jax.jit(jax.vmap(f))(jnp.stack([x + step * v, x - step * v]))
    np.testing.assert_allclose(slope, (ahead - back) / (2 * step), rtol=1e-5, atol=1e-5 * max(1, np.abs(slope).max()))
    weights = jnp.asarray(rng.standard_normal(value.shape))
    gradient = jax.jit(jax.grad(lambda x: (weights * f(x)).sum()))(x)
    np.testing.assert_allclose((gradient * v).sum(), (weights * slope).sum(), rtol=1e-9, atol=1e-9)


def test_canny_under_jit_and_vmap():
    stack = jnp.asarray(np.stack([PHOTO[:40, :41], COINS[:40, :41]]))
    together = jax.jit(jax.vmap(ndi.canny))(stack)
    np.testing.assert_array_equal(together, [feature.canny(np.asarray(x)) for x in stack])


def test_every_filter_is_transformed_here_or_among_scipys():
    assert set(FILTERS) == {*OTHERS, *SCIPYS, *WITHOUT_DERIVATIVE}


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "`input` must have rank 2, got shape \\(3,\\)", lambda: ndi.canny(np.ones(3))),
        (ValueError, "`mask` must have the shape", lambda: ndi.canny(PHOTO, mask=np.ones((2, 2)))),
        (ValueError, "`input` must have rank 2 or 3", lambda: ndi.frangi(np.ones(5))),
        (ValueError, "`sigmas` must be positive", lambda: ndi.sato(PHOTO, sigmas=(1, 0))),
        (ValueError, "`sigma_color` must be positive, got 0", lambda: ndi.bilateral(PHOTO, 0, 1)),
        (ValueError, "`guidance` must have the shape", lambda: ndi.joint_bilateral(PHOTO, VOLUME, 1, 1)),
        (ValueError, "`guidance` must have the shape", lambda: ndi.guided(PHOTO, VOLUME)),
        (ValueError, "`radius` must be a nonnegative integer, got -1", lambda: ndi.guided(PHOTO, PHOTO, -1)),
        (ValueError, "`size` must be odd", lambda: ndi.motion_blur(PHOTO, 4, 0.0)),
        (ValueError, "`input` must have rank 2 or more", lambda: ndi.motion_blur(np.ones(4), 3, 0.0)),
        (ValueError, "`strides` must be at least 1", lambda: ndi.blur_pool(PHOTO, 3, 0)),
        (
            ValueError,
            "agree in their first axis",
            lambda: ndi.correlate_varying(PHOTO, np.ones((2, 3, 3)), PHOTO[None]),
        ),
        (ValueError, "`diagonal` must be 0 or 1", lambda: ndi.roberts(PHOTO, 2)),
        (ValueError, "`npad` must be at least 0", lambda: ndi.butterworth(PHOTO, npad=-1)),
        (ValueError, "`elements` must hold an upper triangle", lambda: ndi.eigenvalues(np.ones((4, 3)))),
        (
            TypeError,
            "`size` must be given where `sigma_space` is traced",
            lambda: jax.jit(lambda s: ndi.bilateral(PHOTO, 1, s))(1.0),
        ),
        (TypeError, "Complex type not supported", lambda: ndi.bilateral(PHOTO * 1j, 1, 1)),
    ],
)
def test_bad_input(error, message, call):
    with pytest.raises(error, match=message):
        call()
