"""Handwritten digits."""

import numpy as np
import pytest

from jconv.tasks import DigitsSettings, train_digits
from jconv.tasks._digits import split_digits


@pytest.mark.slow
def test_digits_reach_their_accuracy():
    found = [train_digits(DigitsSettings(seed=seed)).metrics() for seed in range(3)]
    print([(row["test_accuracy"], row["seconds"]) for row in found])
    assert np.mean([row["test_accuracy"] for row in found]) >= 0.99


def test_the_split_is_stratified_and_complete():
    images, _, test_images, test_labels = split_digits(0)
    assert len(images) == 1437
    assert len(test_images) == 360
    assert set(np.bincount(test_labels)) <= {35, 36, 37}
    seen = {image.tobytes() for image in np.asarray(images)}
    assert not any(image.tobytes() in seen for image in np.asarray(test_images))
