"""The closed form against NumPy's, and its bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv import conv2d, ndimage
from jconv.training import least_squares_kernels


def test_finds_the_kernels_that_made_the_outputs():
    rng = np.random.default_rng(0)
    image, kernels = rng.normal(size=(2, 20, 19)), rng.normal(size=(4, 3, 5))
    outputs = conv2d(image[..., None], kernels[:, :, None], padding="VALID")
    np.testing.assert_allclose(least_squares_kernels(image, outputs, (4, 3)), kernels, atol=1e-12)


def test_outputs_of_the_images_own_size_and_bytes():
    rng = np.random.default_rng(2)
    image, kernel = rng.integers(0, 256, (30, 29), np.uint8), np.float32([[0, 1, 0], [1, 2, 1], [0, 1, 0]]) / 6
    output = ndimage.correlate(image.astype(float), kernel)  # reflected at the border, which must not count
    np.testing.assert_allclose(least_squares_kernels(image.astype(float), output, (3, 3)), kernel, atol=1e-12)
    rounded = least_squares_kernels(image, np.rint(output).astype(np.uint8), (3, 3))
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, kernel, atol=1e-3)
    both = least_squares_kernels(image.astype(float), np.stack([output, image], axis=-1), (3, 3))
    np.testing.assert_allclose(both[1, 1], [1 / 3, 1], atol=1e-12)


def test_minimises_the_error_of_noisy_outputs():
    rng = np.random.default_rng(1)
    image, outputs = rng.normal(size=(15, 12)), rng.normal(size=(14, 10, 2))
    rows = np.lib.stride_tricks.sliding_window_view(image, (2, 3)).reshape(-1, 6)
    wanted = np.linalg.lstsq(rows, outputs.reshape(-1, 2), rcond=None)[0].reshape(2, 3, 2)
    np.testing.assert_allclose(least_squares_kernels(image, outputs, (2, 3)), wanted, atol=1e-12)


def test_float32_of_a_badly_conditioned_image():
    ramp = jnp.linspace(0, 1, 40, dtype=jnp.float32)
    image = ramp[:, None] + ramp**2 + 0.01 * jax.random.normal(jax.random.key(0), (40, 40), jnp.float32)
    kernel = jax.random.normal(jax.random.key(1), (3, 3, 1), jnp.float32)
    outputs = conv2d(image[..., None], kernel[:, :, None], padding="VALID")
    np.testing.assert_allclose(least_squares_kernels(image, outputs, (3, 3)), kernel, atol=1e-3)


def test_undetermined_kernels_are_the_shortest():
    found = least_squares_kernels(jnp.ones((9, 9)), jnp.ones((7, 7, 1)), (3, 3))
    np.testing.assert_allclose(found, np.full((3, 3, 1), 1 / 9), atol=1e-12)


@pytest.mark.parametrize(
    ("image", "outputs", "size", "message"),
    [
        ((5,), (1, 1, 1), (2, 2), "`image` must have shape"),
        ((5, 5), (1, 1, 1), (6, 2), r"`kernel_size` \(6, 2\) is larger than the image"),
        ((5, 5), (5, 6, 1), (2, 2), r"`outputs` must have shape \(4, 4, 'K'\), got \(5, 6, 1\)"),
        ((5, 5), (5, 5, 1), (2, 2), r"`kernel_size` \(2, 2\) must be odd for outputs of the image's size"),
        ((5, 5), (2, 2, 1), (4, 4), "`image` offers 4 positions for 16 taps"),
    ],
)
def test_bad_input(image, outputs, size, message):
    with pytest.raises(ValueError, match=message):
        least_squares_kernels(jnp.ones(image), jnp.ones(outputs), size)
