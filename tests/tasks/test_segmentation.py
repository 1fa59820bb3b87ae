"""Segmentation: its loss, a short run that beats chance, new pictures."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from PIL import Image

from jconv import InputError
from jconv.tasks import photograph, predict, save_image
from jconv.tasks._segmentation import SegmentationSettings, train_segmentation
from jconv.tasks._segmentation_loss import segmentation_loss

pytestmark = pytest.mark.slow  # whole, if short, training runs


def test_loss_of_known_answers():
    mask = jnp.array([[0, 0, 1], [0, 2, 2]])
    sure = 40 * jax.nn.one_hot(mask, 4)
    np.testing.assert_allclose(segmentation_loss(sure, mask), 0, atol=1e-5)
    # Nothing known: ln 4, ln 3 given ink, and the Dice of shares of a quarter of six pixels: 2 n / 4 / (6 / 4 + n).
    dice = np.mean([n / 2 / (1.5 + n) for n in (3, 1, 2)])
    np.testing.assert_allclose(segmentation_loss(0 * sure, mask), np.log(4) + np.log(3) + 1 - dice, rtol=1e-5)
    assert np.isfinite(segmentation_loss(sure, 0 * mask))


def test_gradient_of_the_loss():
    logits = jax.random.normal(jax.random.key(0), (2, 3, 3, 5))
    mask = jax.random.randint(jax.random.key(1), (2, 3, 3), 0, 5)
    check_grads(lambda logits: segmentation_loss(logits, mask), (logits,), order=1)


def test_masks_reach_their_figure():
    found = [train_segmentation(SegmentationSettings(seed=seed)).metrics() for seed in range(3)]
    print([(row["mean_iou"], row["seconds"]) for row in found])
    assert np.mean([row["mean_iou"] for row in found]) >= 0.90


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = SegmentationSettings(seed=1, steps=600)
    result = train_segmentation(settings)
    folder = tmp_path_factory.mktemp("segmentation")
    result.save(folder)
    return result, folder


def test_a_little_learning_finds_the_ink(run):
    result, folder = run
    metrics = json.loads((folder / "metrics.json").read_text())
    counts = result.confusion.sum(axis=0)
    assert counts.shape == (11, 11)
    assert counts.sum() == metrics["test_size"] * 64 * 64
    ink = counts[1:, 1:].sum() / (counts[1:].sum() + counts[:, 1:].sum() - counts[1:, 1:].sum())
    assert ink > 0.5  # where there is ink, whatever its digit; nothing but background gives 0
    right = np.trace(counts[1:, 1:]) / counts[1:, 1:].sum()
    assert right > 0.2  # which digit; chance is 0.1
    low, high = metrics["mean_iou_95_percent_interval"]
    assert low < metrics["mean_iou"] < high
    _, truth, found = result.examples
    again = np.zeros((11, 11), int)
    np.add.at(again, (truth[0], found[0]), 1)
    np.testing.assert_array_equal(again, result.confusion[0])
    left = {p.name for p in folder.iterdir()}
    assert left == {"config.toml", "curves.png", "examples.png", "metrics.json", "model.npz"}


def test_new_pictures_of_any_size(run, tmp_path):
    result, folder = run
    image = result.examples[0][0]
    save_image(tmp_path / "same.tif", image)
    save_image(tmp_path / "odd.png", photograph()[:37, :50])
    save_image(tmp_path / "grey.png", photograph()[:33, :40, 0])
    rows = predict(folder, [tmp_path / n for n in ("same.tif", "odd.png", "grey.png")], tmp_path / "out")
    mask = np.asarray(Image.open(tmp_path / "out" / "same.mask.png"))
    np.testing.assert_array_equal(mask, result.examples[2][0])
    assert sum(rows[0]["pixels"].values()) == 64 * 64
    for name, size in (("odd", (37, 50)), ("grey", (33, 40))):
        assert np.asarray(Image.open(tmp_path / "out" / f"{name}.mask.png")).shape == size
        assert np.asarray(Image.open(tmp_path / "out" / f"{name}.overlay.png")).shape == (*size, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 20}, "`size` must be an integer from 48 to 256, got 20"),
        ({"widths": ()}, "`widths` must be a list"),
        ({"learning_rate": 0}, "`learning_rate` must be a number > 0"),
        ({"size": 50}, "divide by 8"),
    ],
)
def test_bad_settings(options, message):
    with pytest.raises(ValueError, match=message):
        train_segmentation(SegmentationSettings(steps=1, **options))


def test_a_damaged_picture_is_named(run, tmp_path):
    (tmp_path / "no.png").write_text("no picture")
    with pytest.raises(InputError, match=r"cannot read .*no\.png"):
        predict(run[1], [tmp_path / "no.png"], tmp_path / "out")
