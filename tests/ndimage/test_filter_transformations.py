"""jit, vmap and gradients in both modes of every filter of SciPy's; pictures, batches, videos; messages."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from jax.test_util import check_grads

import jconv.ndimage as ndi
from jconv.engine.algorithms._parts import unpadded
from jconv.ndimage._frame import bordered as _bordered
from tests.ndimage.calls import SCIPYS, WIDE

RNG = np.random.default_rng(0)
X = RNG.standard_normal((7, 8))


@pytest.mark.parametrize("name", SCIPYS)
def test_jit_vmap_and_gradients_in_both_modes(name):
    f = SCIPYS[name]
    stack = jnp.asarray(np.stack([X, X[::-1] * 1.5]))
    np.testing.assert_allclose(jax.jit(jax.vmap(f))(stack), jnp.stack([f(x) for x in stack]), atol=1e-13)
    check_grads(jax.jit(f), (stack[0],), order=1, modes=("fwd", "rev"), eps=1e-6, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", ["reflect", "mirror", "nearest", "wrap"])
def test_gradients_of_large_images(mode, monkeypatch):
    """Their border is written over what the engine leaves there."""
    monkeypatch.setattr(_bordered, "LEAST_SAMPLES", 0)
    monkeypatch.setattr(_bordered, "WIDE_BORDER", 1.0)
    monkeypatch.setattr(unpadded, "LEAST_OUTPUTS", 0)
    x, weights = RNG.standard_normal((2, 14, 17)), RNG.standard_normal((3, 5))
    f = lambda x, weights: ndi.correlate(x, weights, mode=mode)
    stacked = jax.jit(jax.vmap(f, (0, None)))(x, weights)
    for got, image in zip(stacked, x):
        np.testing.assert_allclose(got, scipy.ndimage.correlate(image, weights, mode=mode), atol=1e-13)
    check_grads(jax.jit(f), (jnp.asarray(x[0]), jnp.asarray(weights)), 2, ("fwd", "rev"), eps=1e-5, rtol=1e-6)


def test_gradients_with_respect_to_weights_and_sigma():
    check_grads(lambda w: ndi.correlate(X, w, mode="wrap"), (WIDE,), order=1)
    check_grads(lambda w: ndi.convolve1d(X, w), (WIDE[0],), order=1)
    smooth = jax.jit(lambda s: ndi.gaussian_filter(X, s, radius=5))
    check_grads(smooth, (jnp.array([1.0, 1.7]),), order=2)
    np.testing.assert_allclose(smooth(jnp.array([1.0, 1.7])), scipy.ndimage.gaussian_filter(X, (1, 1.7), radius=5))


def test_gradient_magnitude_of_a_flat_image_has_no_nan():
    for f in (lambda x: ndi.gaussian_gradient_magnitude(x, 1.0), lambda x: ndi.sobel(x)):
        assert np.isfinite(jax.grad(lambda x, f=f: f(x).sum())(jnp.ones((5, 5)))).all()


SPATIAL = {
    "gaussian_filter": (1.5,),
    "uniform_filter": (3,),
    "maximum_filter": (3,),
    "median_filter": (3,),
    "percentile_filter": (20, 3),
    "correlate": (WIDE,),
    "laplace": (),
    "unsharp_mask": (1.0,),
    "local_normalize": (2.0,),
    "difference_of_gaussians": (1.0,),
    "bilateral": (0.3, 1.0),
    "blur_pool": (),
    "sobel": (1,),
}


@pytest.mark.parametrize("name", SPATIAL)
def test_batches_of_colour_pictures_and_videos_are_filtered_picture_by_picture(name):
    stack = np.random.default_rng(1).random((2, 6, 7, 3))
    f, options = getattr(ndi, name), SPATIAL[name]
    together = f(stack, *options, axes=(1, 2))
    one = [[f(stack[n, ..., c], *((0,) if name == "sobel" else options)) for c in range(3)] for n in range(2)]
    np.testing.assert_allclose(together, np.moveaxis(one, 1, -1), atol=1e-13)


def test_whole_numbers_warn_of_overflow_and_keep_scipys_values():
    image = RNG.integers(0, 256, (20, 21)).astype(np.uint8)
    with pytest.warns(RuntimeWarning, match="wrap around in uint8, as in SciPy; pass output="):
        ours = ndi.sobel(image)
    np.testing.assert_array_equal(ours, scipy.ndimage.sobel(image))
    with pytest.warns(RuntimeWarning, match="wrap around in uint8"):
        ndi.correlate(image, np.ones((3, 3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(ndi.sobel(image, output=jnp.int32), scipy.ndimage.sobel(image.astype(np.int32)))
        for flat in (0, 100, 255):  # a mean stays itself, whatever the rounding of the weights
            level = np.full((9, 9), flat, np.uint8)
            np.testing.assert_array_equal(ndi.gaussian_filter(level, 1.7), level)
            np.testing.assert_array_equal(ndi.uniform_filter(level, 7), level)


def test_single_precision_whole_numbers_round_as_scipy_does():
    image = RNG.integers(0, 256, (30, 31)).astype(np.uint8)
    with jax.enable_x64(False):
        ours = np.asarray(ndi.uniform_filter(image, 5)), np.asarray(ndi.median_filter(image, 3))
    np.testing.assert_array_equal(ours[0], scipy.ndimage.uniform_filter(image, 5))
    np.testing.assert_array_equal(ours[1], scipy.ndimage.median_filter(image, 3))


def test_output_fills_a_numpy_array_and_is_refused_under_jit():
    target = np.zeros_like(X)
    assert ndi.gaussian_filter(X, 1, output=target) is target
    np.testing.assert_allclose(target, scipy.ndimage.gaussian_filter(X, 1))
    with pytest.raises(TypeError, match="`output` must be a dtype while a program is traced"):
        jax.jit(lambda x: ndi.laplace(x, target))(X)
    with pytest.raises(TypeError, match="JAX arrays do not change"):
        ndi.laplace(X, jnp.zeros_like(X))


def test_pictures_and_videos_come_back(tmp_path):
    pytest.importorskip("imageio")
    colour = RNG.integers(0, 256, (12, 14, 3)).astype(np.uint8)
    video = RNG.integers(0, 256, (5, 12, 14)).astype(np.uint8)
    ndi.write_image(tmp_path / "a.png", colour)
    np.testing.assert_array_equal(ndi.read_image(tmp_path / "a.png"), colour)
    np.testing.assert_allclose(ndi.read_image(tmp_path / "a.png", dtype="float32"), colour / np.float32(255))
    ndi.write_image(tmp_path / "a.png", jnp.asarray(colour[..., 0]) / 255.0)
    np.testing.assert_array_equal(ndi.read_image(tmp_path / "a.png"), colour[..., 0])
    ndi.write_video(tmp_path / "a.tif", video)
    np.testing.assert_array_equal(ndi.read_video(tmp_path / "a.tif"), video)
    ndi.write_video(tmp_path / "a.gif", video, fps=10)
    assert ndi.read_video(tmp_path / "a.gif").shape[:3] == video.shape
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(ValueError, match="`image` must be finite"):
        ndi.write_image(tmp_path / "a.png", np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="must be grey, of rank 2, or have 1, 3 or 4 channels last"):
        ndi.write_image(tmp_path / "a.png", np.zeros((3, 3, 2)))
    with pytest.raises(ValueError, match="must end in a known picture format"):
        ndi.write_image(tmp_path / "a.no_such_format", colour)
    assert (tmp_path / "a.png").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "a.png", "a.tif"]
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match="`path` must be a picture"):
        ndi.read_image(tmp_path / "text.png")
    with pytest.raises(FileNotFoundError, match="no such file"):
        ndi.read_video(tmp_path / "none.gif")


@pytest.mark.core
@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (RuntimeError, r"weights.ndim \(1\) must match len\(axes\) \(2\)", lambda: ndi.correlate(X, [1, 2])),
        (RuntimeError, "no filter weights given", lambda: ndi.convolve(X, np.ones((0, 3)))),
        (RuntimeError, "no filter weights given.* rank 1", lambda: ndi.correlate1d(X, WIDE)),
        (ValueError, "invalid origin.* -1 … 1, got 2", lambda: ndi.correlate1d(X, [1, 2, 3], origin=2)),
        (ValueError, "invalid origin", lambda: ndi.uniform_filter(X, 3, origin=-2)),
        (ValueError, "invalid origin", lambda: ndi.median_filter(X, 3, origin=5)),
        (RuntimeError, "boundary mode not supported.*did you mean 'reflect'", lambda: ndi.laplace(X, mode="reflct")),
        (RuntimeError, "A sequence of modes is not supported", lambda: ndi.correlate(X, WIDE, mode=["wrap", "wrap"])),
        (RuntimeError, "sequence argument must have .*`sigma` has 3 entries", lambda: ndi.gaussian_filter(X, [1] * 3)),
        (ValueError, "`sigma` must not be negative, got -1", lambda: ndi.gaussian_filter(X, -1.0)),
        (ValueError, "`sigma` must not be negative, got -2", lambda: ndi.gaussian_laplace(X, -2)),
        (ValueError, "Radius must be a nonnegative integer, got 1.5", lambda: ndi.gaussian_filter1d(X, 1, radius=1.5)),
        (TypeError, "must be given where `sigma` is traced", lambda: jax.jit(lambda s: ndi.gaussian_filter(X, s))(1.0)),
        (ValueError, "specified axis: 2 is out of range", lambda: ndi.uniform_filter(X, axes=(2,))),
        (ValueError, "axes must be unique", lambda: ndi.uniform_filter(X, axes=(0, -2))),
        (RuntimeError, "no footprint or filter size provided", lambda: ndi.median_filter(X)),
        (ValueError, "All-zero footprint", lambda: ndi.maximum_filter(X, footprint=np.zeros((2, 2)))),
        (RuntimeError, "rank not within filter footprint size: got 9", lambda: ndi.rank_filter(X, 9, 3)),
        (RuntimeError, "invalid percentile.* got 101", lambda: ndi.percentile_filter(X, 101, 3)),
        (RuntimeError, "incorrect filter size: .* got 0", lambda: ndi.minimum_filter1d(X, 0)),
        (TypeError, "Complex type not supported", lambda: ndi.median_filter(X * 1j, 3)),
        (ValueError, "complex-valued cval when the input is real", lambda: ndi.correlate(X, WIDE, cval=1j)),
        (RuntimeError, "output shape not correct", lambda: ndi.laplace(X, np.zeros((2, 2)))),
        (TypeError, "`input` must be an array of numbers", lambda: ndi.laplace(["a", "b"])),
        (TypeError, "`function` must be a callable", lambda: ndi.generic_filter(X, 3, size=3)),
        (ValueError, "`function` must return 8 samples", lambda: ndi.generic_filter1d(X, lambda line: line, 3)),
        (ValueError, "`axis` must be one of `axes`", lambda: ndi.sobel(X, 0, axes=(1,))),
    ],
)  # fmt: skip
def test_bad_input(error, message, call):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["gaussian_filter", "uniform_filter", "median_filter", "maximum_filter"])
def test_an_empty_image_stays_empty(name):
    assert getattr(ndi, name)(np.ones((0, 3)), 3).shape == (0, 3)
