"""Deblurring and denoising: the camera, the loss, short runs, new pictures."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import signal

from jconv.signal import wiener_deconvolve
from jconv.tasks import load_image, photograph, predict, save_image
from jconv.tasks._camera import SUPPORT, blur_kernel, pairs
from jconv.tasks._deblurring import DeblurringSettings, DenoisingSettings, train_deblurring
from jconv.tasks._deblurring_result import psnr
from jconv.tasks._restorer import Restorer

pytestmark = pytest.mark.slow  # whole, if short, training runs


@pytest.mark.parametrize("name", ["motion", "gaussian", "none"])
def test_the_cameras_kernel_is_on_the_simplex(name):
    kernel = np.asarray(blur_kernel(name))
    assert kernel.shape == (SUPPORT, SUPPORT)
    assert (kernel >= 0).all()
    np.testing.assert_allclose(kernel.sum(), 1, rtol=1e-5)
    assert (kernel.max() == 1) == (name == "none")


def test_the_camera_convolves_and_adds_noise():
    rng = np.random.default_rng(0)
    photos = jnp.asarray(rng.integers(0, 256, (2, 70, 80, 3), np.uint8))
    kernel = rng.dirichlet(np.ones(SUPPORT**2)).reshape(SUPPORT, SUPPORT).astype(np.float32)
    wide, blurred = pairs(jax.random.key(0), photos, jnp.asarray(kernel), count=6, size=32, noise=0.05)
    assert wide.shape == (6, 32 + SUPPORT - 1, 32 + SUPPORT - 1)
    noise = [b - signal.convolve2d(w, kernel, "valid") for w, b in zip(wide, blurred)]
    assert abs(np.std(noise) - 0.05) < 0.003
    assert abs(np.mean(noise)) < 0.003
    planes = np.moveaxis(np.asarray(photos), -1, 1).reshape(-1, 70, 80)
    for piece in np.rint(np.asarray(wide) * 255).astype(np.uint8):
        windows = np.lib.stride_tricks.sliding_window_view(planes, piece.shape, axis=(1, 2))
        assert any((windows == p).all(axis=(3, 4)).any() for p in (piece, piece[:, ::-1]))
    model = Restorer((4,), rngs=nnx.Rngs(0))
    np.testing.assert_allclose(model.kernel.sum(), 1, rtol=1e-5)
    restored = model(blurred)
    assert restored.shape == blurred.shape
    assert psnr(np.zeros(4), np.full(4, 0.1)) == pytest.approx(20)


def test_wiener_filters_of_the_true_kernel_are_its_base():
    model = Restorer((4,), rngs=nnx.Rngs(0))
    kernel = jnp.maximum(blur_kernel("gaussian"), 1e-9)
    model.logits[...] = jnp.log(kernel)
    np.testing.assert_allclose(model.kernel, kernel, atol=1e-6)
    model.unet.heads[0].kernel[...] *= 0
    sharp = photograph()[100:150, 100:150, 0]
    blurred = signal.convolve2d(sharp, kernel, "same", boundary="symm").astype(np.float32)
    wide = np.pad(blurred, 2 * SUPPORT, mode="symmetric")
    wanted = wiener_deconvolve(wide, kernel, noise_to_signal=1e-2)[
        2 * SUPPORT : -2 * SUPPORT, 2 * SUPPORT : -2 * SUPPORT
    ]
    np.testing.assert_allclose(model(blurred[None])[0], wanted, atol=1e-5)
    assert psnr(np.asarray(wanted), sharp) > psnr(blurred, sharp) + 1


def test_restoration_and_kernel_reach_their_figures():
    found = [train_deblurring(DeblurringSettings(seed=seed)).metrics() for seed in range(3)]
    print([(row["psnr_gain"], row["kernel_relative_error"], row["seconds"]) for row in found])
    assert np.mean([row["psnr_gain"] for row in found]) >= 4
    assert np.mean([row["kernel_relative_error"] for row in found]) <= 0.05


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    result = train_deblurring(DeblurringSettings(seed=1, steps=200, batch_size=8, size=40, widths=(8, 16)))
    folder = tmp_path_factory.mktemp("deblurring")
    result.save(folder)
    return result, folder


def test_a_little_learning_finds_the_kernel_and_restores(run):
    result, folder = run
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["psnr_gain"] > 0.5
    assert metrics["kernel_relative_error"] < 0.4  # a random kernel's is about 1
    assert result.history["kernel_error"][0] > 0.8
    np.testing.assert_allclose(metrics["psnr_gain"], metrics["psnr_after"] - metrics["psnr_before"])
    low, high = metrics["psnr_gain_of_tiles_95_percent_interval"]
    assert low < metrics["psnr_gain_of_tiles"] < high
    left = {p.name for p in folder.iterdir()}
    assert left == {"config.toml", "curves.png", "examples.png", "metrics.json", "model.npz"}


def test_new_pictures_of_any_size(run, tmp_path):
    result, folder = run
    photo = result.photographs[0]
    save_image(tmp_path / "same.tif", photo.blurred)
    save_image(tmp_path / "grey.png", photograph()[:41, :50, 0])
    rows = predict(folder, [tmp_path / "same.tif", tmp_path / "grey.png"], tmp_path / "out")
    same = load_image(tmp_path / "out" / rows[0]["restored"])
    np.testing.assert_allclose(same, np.clip(photo.restored, 0, 1), atol=0.003)
    assert load_image(tmp_path / "out" / rows[1]["restored"]).shape == (41, 50)


def test_denoising_gains(tmp_path):
    result = train_deblurring(DenoisingSettings(steps=150, batch_size=8, size=40, widths=(8, 16)))
    assert result.metrics()["psnr_gain"] > 3
    assert "unseen photographs from" in result.summary()
    result.save(tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text())["psnr_after"] > 23
    save_image(tmp_path / "new.png", photograph()[:40, :40])
    assert predict(tmp_path, [tmp_path / "new.png"], tmp_path / "out")[0]["restored"] == "new.restored.png"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blur": "motoin"}, "`blur` must be one of 'motion', 'gaussian', 'none', got 'motoin'; did you mean 'motion'"),
        ({"noise": -0.1}, "`noise` must be a number from 0 to 1"),
        ({"size": 42}, "divide by 4"),
        ({"size": 16}, "`size` must be an integer from 40 to 192"),
    ],
)
def test_bad_settings(options, message):
    with pytest.raises(ValueError, match=message):
        train_deblurring(DeblurringSettings(steps=1, **options))
