"""Constant images, bright images of little contrast, and gradients where roots and quotients have none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

import jconv.ndimage as ndi
from tests.ndimage.calls import OTHERS, SCIPYS

LEVELS = [0.0, 1.0, 0.1, 1e4, -3e5]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("rank", [2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("double", [False, True])
def test_flat_images_have_no_ridges(level, rank, double):
    with jax.enable_x64(double):
        flat = np.full((30, 31, 9)[:rank], level, np.float64 if double else np.float32)
        for black in (True, False):
            for name in ("frangi", "meijering", "sato"):
                response = getattr(ndi, name)(flat, sigmas=(1, 2.5), black_ridges=black)
                np.testing.assert_array_equal(response, 0, err_msg=name)
            np.testing.assert_array_equal(ndi.hessian(flat, sigmas=(1, 2.5), black_ridges=black), 1)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("level", LEVELS)
def test_flat_images_are_normalized_to_zero(level, double):
    with jax.enable_x64(double):
        flat = np.full((3, 30, 31), level, np.float64 if double else np.float32)
        flat[1] *= 2
        np.testing.assert_array_equal(ndi.local_normalize(flat, 3.0, axes=(1, 2)), 0)
        for mode in ("constant", "mirror", "wrap"):
            np.testing.assert_array_equal(ndi.local_normalize(flat[0], 3.0, mode=mode, cval=level), 0)


def guided_in_doubles(x, g, radius, eps):
    """The formula with means of differences to the mean, box by box."""
    size = 2 * radius + 1
    mean = lambda a: scipy.ndimage.uniform_filter(a, size)
    views = lambda a: np.lib.stride_tricks.sliding_window_view(np.pad(a, radius, mode="symmetric"), (size, size))
    boxes_x, boxes_g = views(x), views(g)
    mean_x, mean_g = boxes_x.mean((2, 3)), boxes_g.mean((2, 3))
    off_x, off_g = boxes_x - mean_x[..., None, None], boxes_g - mean_g[..., None, None]
    slope = (off_x * off_g).mean((2, 3)) / ((off_g**2).mean((2, 3)) + eps)
    return mean(slope) * g + mean(mean_x - slope * mean_g)


@pytest.mark.parametrize("radius", [2, 4, 9])
def test_guided_filters_of_bright_images_keep_their_digits(radius):
    rng = np.random.default_rng(0)
    bright = (40000 + rng.integers(-20, 21, (64, 64))).astype(np.uint16)
    ramp = (np.linspace(0, 60000, 64)[:, None] + rng.integers(-20, 21, (64, 64))).clip(0).astype(np.uint16)
    with jax.enable_x64(False):
        for g in (bright, ramp):
            ours = np.asarray(ndi.guided(bright, g, radius, 100.0, output=np.float32))
            exact = guided_in_doubles(bright.astype(float), g.astype(float), radius, 100.0)
            np.testing.assert_allclose(ours, exact, atol=0.05)


@pytest.mark.parametrize("eps", [0.0, 1e-3])
def test_a_guided_filter_of_a_flat_image_is_its_mean(eps):
    flat = jnp.full((9, 10), 3.0)
    np.testing.assert_allclose(ndi.guided(flat, flat, 2, eps), flat)
    gradient = jax.grad(lambda x: ndi.guided(x, x, 2, eps).sum())(flat)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", [*SCIPYS, *OTHERS])
def test_gradients_on_constants_are_finite(name):
    f = {**SCIPYS, **OTHERS}[name]
    for level in (0.0, 1.0):
        gradient = jax.jit(jax.grad(lambda x: f(x).sum()))(jnp.full((9, 10), level))
        assert np.isfinite(gradient).all(), level


def test_frangi_can_be_scale_normalized():
    """Frangi's paper weighs scales by σ²: a wide vessel then answers as strongly as a narrow one."""
    columns = np.arange(120.0)
    wide, narrow = (1 - np.exp(-((columns - 60) ** 2) / (2 * s**2)) + 0 * columns[:, None] for s in (6.0, 2.0))
    answers = lambda **options: [float(ndi.frangi(v, (2, 6), gamma=0.2, **options)[60, 60]) for v in (wide, narrow)]
    plain, normalized = answers(), answers(scale_normalized=True)
    assert plain[0] < 0.2 * plain[1]
    assert normalized[0] > 0.8 * normalized[1]
