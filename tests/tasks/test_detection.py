"""Detection: a short run that beats chance, new pictures."""

import json

import numpy as np
import pytest
from PIL import Image

from jconv.nn import box_iou, detections
from jconv.tasks import photograph, predict, save_image
from jconv.tasks._detection import DetectionSettings, network, train_detection
from jconv.training import average_precision

pytestmark = pytest.mark.slow  # whole, if short, training runs


def overlap_of_the_surest(truth, found):
    """The mean overlap of each true box with the best of as many boxes, the surest of its picture."""
    pairs = [(t.boxes, boxes[: len(t.boxes)]) for t, boxes in zip(truth, found)]
    overlaps = [np.asarray(box_iou(true[:, None], boxes)).max(axis=1, initial=0) for true, boxes in pairs]
    return np.concatenate(overlaps).mean()


def test_boxes_reach_their_figures():
    found = [train_detection(DetectionSettings(seed=seed)).metrics() for seed in range(3)]
    print([(row["map_at_50"], row["map_at_50_to_95"], row["seconds"]) for row in found])
    assert np.mean([row["map_at_50"] for row in found]) >= 0.90
    assert np.mean([row["map_at_50_to_95"] for row in found]) >= 0.60


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = DetectionSettings(seed=1, steps=150, batch_size=8, size=48, widths=(8, 16, 24), pyramid=16)
    result = train_detection(settings)
    folder = tmp_path_factory.mktemp("detection")
    result.save(folder)
    return result, folder


def test_a_little_learning_finds_boxes(run):
    result, folder = run
    metrics = json.loads((folder / "metrics.json").read_text())
    images, truth, found = result.examples
    begun = detections(network(result.settings)(images))
    before = overlap_of_the_surest(truth, np.asarray(begun.boxes))
    after = overlap_of_the_surest(truth, [f.boxes for f in found])
    assert after > before + 0.1, (before, after)
    assert result.history["iou"][-10:].mean() > result.history["iou"][:10].mean() + 0.1
    low, high = metrics["map_at_50_95_percent_interval"]
    assert 0 <= low <= high <= 1
    assert metrics["map_at_50_to_95"] <= metrics["map_at_50"]
    left = {p.name for p in folder.iterdir()}
    assert left == {"config.toml", "curves.png", "examples.png", "metrics.json", "model.npz"}


def test_the_truth_is_found_perfectly(run):
    truth = run[0].examples.truth
    scored = [t._replace(scores=np.ones(len(t.labels))) for t in truth]
    assert average_precision(truth, scored, classes=10, resamples=1).at_50_to_95 == pytest.approx(1)


def test_new_pictures_of_any_size(run, tmp_path):
    result, folder = run
    save_image(tmp_path / "same.tif", result.examples.images[0])
    save_image(tmp_path / "odd.png", photograph()[:70, :51, 0])
    same, odd = predict(folder, [tmp_path / "same.tif", tmp_path / "odd.png"], tmp_path / "out")
    found = result.examples.found[0]
    kept = []  # the surest of each place
    for index in np.flatnonzero(found.scores >= 0.3):
        if all(box_iou(found.boxes[index], found.boxes[other]) <= 0.6 for other in kept):
            kept.append(index)
    assert [d["digit"] for d in same["digits"]] == found.labels[kept].tolist()
    for told, box in zip(same["digits"], found.boxes[kept]):
        np.testing.assert_allclose(told["box"], box, atol=0.06)
    for digit in odd["digits"]:
        assert set(digit) == {"digit", "score", "box"}
    assert min(Image.open(tmp_path / "out" / "odd.boxes.png").size) > 150


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 40}, "`size` must be an integer from 48 to 256, got 40"),
        ({"size": 50}, r"divide by 16, got \(50, 50\)"),
        ({"widths": (8,)}, "`widths` must name a stem and at least one stage"),
    ],
)
def test_bad_settings(options, message):
    with pytest.raises(ValueError, match=message):
        train_detection(DetectionSettings(steps=1, **options))
