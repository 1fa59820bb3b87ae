"""The main job: kernels learned back from what they make of a picture."""

import json

import numpy as np
import pytest

from jconv.tasks import kernel_from, learn_kernels, photograph
from jconv.tasks._augment import random_affine, random_colours

NAMES = ("sobel_x", "sobel_y", "gaussian", "laplacian", "sharpen", "emboss")


def worst(result):
    return max(row["max_abs_error"] for row in result.metrics()["kernels"].values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_defaults_recover_all_kernels(seed):
    result = learn_kernels(photograph(), {name: kernel_from(name) for name in NAMES}, seed=seed)
    assert worst(result) < 1e-3
    assert np.abs(result.start - result.truth).max() > 0.3


def test_learns_kernels_of_several_sizes_from_a_grey_picture(tmp_path):
    rng = np.random.default_rng(0)
    image = np.cumsum(rng.normal(size=(60, 70)), axis=1)[:, ::-1] / 20
    truth = {"blur": kernel_from("box:size=(2,4)"), "edge": kernel_from("scharr_y"), "one": np.ones((1, 1))}
    result = learn_kernels(image, truth, seed=3, steps=800)
    assert result.truth.shape == (3, 4, 3)
    assert worst(result) < 1e-3
    assert result.errors.shape == (800, 3)
    np.testing.assert_allclose(result.errors[-1], np.abs(result.learned - result.truth).max(axis=(0, 1)), atol=1e-5)
    result.save(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert set(metrics) == {"kernels", "steps", "seconds", "seed"}
    assert list(metrics["kernels"]) == ["blur", "edge", "one"]
    for row in metrics["kernels"].values():
        assert set(row) == {"max_abs_error", "least_squares_max_abs_error", "final_loss"}
        assert row["least_squares_max_abs_error"] < 1e-4
        assert row["final_loss"] < 1e-6
    with np.load(tmp_path / "kernels.npz") as banks:
        np.testing.assert_array_equal(banks["learned"], result.learned)
        assert list(banks["names"]) == ["blur", "edge", "one"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kernels.npz", "kernels.png", "metrics.json"]


def test_random_affine_moves_within_its_bounds():
    import jax

    key, dot = jax.random.key(0), np.zeros((64, 9, 9, 1), np.float32)
    dot[:, 4, 4] = 1
    np.testing.assert_allclose(random_affine(key, dot), dot, atol=1e-6)
    moved = np.asarray(random_affine(key, dot, shift=1.0))
    assert moved.dtype == np.float32
    centres = np.einsum("nijc,ij->n", moved, np.arange(9)[:, None] * np.ones(9)) / moved.sum(axis=(1, 2, 3)) - 4
    assert np.abs(centres).max() <= 1
    assert centres.std() > 0.3
    turned = np.asarray(random_affine(key, dot, degrees=180.0))
    np.testing.assert_allclose(turned[:, 4, 4], 1, atol=1e-5)
    bar = np.zeros((64, 9, 9, 1), np.float32)
    bar[:, 4] = 1
    turned = np.asarray(random_affine(key, bar, degrees=45.0))[..., 0]
    leaning = np.abs(turned[:, 1]).max(axis=1)
    assert leaning.max() > 0.3


def test_random_colours_are_affine_in_shuffled_channels():
    import jax

    rng = np.random.default_rng(0)
    images = (0.4 + 0.2 * rng.random((20, 4, 5, 3))).astype(np.float32)
    changed = np.asarray(random_colours(jax.random.key(0), images))
    assert changed.dtype == np.float32
    first = set()
    for image, new in zip(images.reshape(20, 20, 3), changed.reshape(20, 20, 3)):
        related = np.abs(np.corrcoef(image.T, new.T)[:3, 3:])
        order = related.argmax(axis=0)
        assert sorted(order) == [0, 1, 2]
        np.testing.assert_allclose(related[order, range(3)], 1, atol=1e-4)
        gain, shift = np.polyfit(image[:, order[0]] - 0.5, new[:, 0] - 0.5, 1)
        assert 0.7 <= gain <= 1.3
        assert abs(shift) <= 0.1001
        first.add(int(order[0]))
    assert first == {0, 1, 2}
    assert random_colours(jax.random.key(0), np.array([[[[0.0, 1.0]]]], np.float32), gain=0.3, shift=5).max() <= 1
