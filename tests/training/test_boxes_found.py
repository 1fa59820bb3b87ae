"""Average precision in known cases, and the bootstrap against the formula of a mean."""

import numpy as np
import pytest

from jconv.training import ScoredBoxes, average_precision, bootstrap_interval, class_iou

SQUARE = np.array([[10.0, 10, 20, 20]])


def truth(count=10):
    return [ScoredBoxes(SQUARE + index, np.array([index % 2])) for index in range(count)]


def found(shift=0.0, scores=None, count=10):
    return [
        ScoredBoxes(
            t.boxes + np.array([0, shift, 0, shift]), t.labels, np.array([0.5 if scores is None else scores[i]])
        )
        for i, t in enumerate(truth(count))
    ]


def test_known_precisions():
    perfect = average_precision(truth(), found(), classes=2)
    np.testing.assert_allclose(perfect[:3], 1)
    np.testing.assert_allclose([perfect.at_50_interval, perfect.at_50_to_95_interval], 1)
    # Moved by 2 of 10 pixels, the overlap is 80 of 120: enough up to 0.65, four of ten thresholds.
    moved = average_precision(truth(), found(2.0), classes=2)
    np.testing.assert_allclose(moved[:3], (1, 0, 0.4))
    other = [f._replace(labels=1 - f.labels) for f in found()]
    assert average_precision(truth(), other, classes=2).at_50 == 0
    nothing = [f._replace(boxes=np.zeros((0, 4)), labels=np.zeros(0, int), scores=np.zeros(0)) for f in found()]
    assert average_precision(truth(), nothing, classes=2).at_50 == 0


def test_false_alarms_count_by_their_scores():
    def with_alarm(score):
        alarms = found()
        boxes = np.concatenate([alarms[0].boxes, [[50.0, 50, 60, 60]]])
        alarms[0] = ScoredBoxes(boxes, np.array([0, 0]), np.array([0.5, score]))
        return average_precision(truth(), alarms, classes=2).at_50

    assert with_alarm(0.1) == pytest.approx(1)
    # Before the five right ones of its class, precision is at most 5/6 on every level of recall.
    assert with_alarm(0.9) == pytest.approx((1 + 5 / 6) / 2)


def test_intervals_widen_with_fewer_pictures():
    def width(count):
        half = [f if i % 4 else f._replace(boxes=f.boxes + 40) for i, f in enumerate(found(count=count))]
        low, high = average_precision(truth(count), half, classes=2, resamples=60).at_50_interval
        assert low <= high
        return high - low

    assert width(200) < 0.5 * width(16)


def test_bootstrap_of_a_mean_is_the_normal_interval():
    sample = np.random.default_rng(1).normal(size=400)
    low, high = bootstrap_interval(lambda chosen: float(sample[chosen].mean()), 400, resamples=4000)
    half = 1.96 * sample.std() / 20
    np.testing.assert_allclose((low, high), (sample.mean() - half, sample.mean() + half), atol=0.15 * half)
    low90, high90 = bootstrap_interval(lambda chosen: float(sample[chosen].mean()), 400, resamples=4000, level=0.9)
    np.testing.assert_allclose((high90 - low90) / (high - low), 1.645 / 1.96, rtol=0.1)


def test_class_iou_of_sets():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 3, (2, 500))
    counts = np.zeros((4, 4), int)
    np.add.at(counts, (a, b), 1)
    wanted = [np.sum((a == c) & (b == c)) / np.sum((a == c) | (b == c)) for c in range(3)]
    np.testing.assert_allclose(class_iou(counts), [*wanted, np.nan])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: average_precision(truth(3), found(count=2), classes=2),
            "must hold one entry for each picture, got 3 and 2",
        ),
        (lambda: average_precision(truth(), truth(), classes=2), "`found` must have scores"),
        (lambda: bootstrap_interval(len, 10, level=95), r"`level` must lie in \(0, 1\), got 95"),
        (lambda: bootstrap_interval(len, 0), "`count` must be at least 1"),
        (lambda: class_iou(np.ones((2, 3))), r"`confusion` must have shape \(..., classes, classes\), got \(2, 3\)"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
