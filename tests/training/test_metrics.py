"""Accuracy, confusion and confidence."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as sklearn_confusion

from jconv.training import accuracy, confusion_matrix, wilson_interval


def test_confusion_matrix_as_in_scikit_learn():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 4, (2, 100))
    counts = confusion_matrix(predicted, truth, classes=4)
    np.testing.assert_array_equal(counts, sklearn_confusion(truth, predicted, labels=range(4)))
    assert accuracy(predicted, truth) == np.trace(counts) / 100


def test_wilson_interval_of_known_cases():
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, Table I, method 3.
    for right, total, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)]:
        np.testing.assert_allclose(wilson_interval(right, total), (low, high), atol=5e-5)
    assert wilson_interval(29, 29)[1] == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy([1, 2], [1]), "`predicted` and `truth` must be equally long"),
        (lambda: accuracy([], []), "`predicted` and `truth` must be equally long"),
        (lambda: confusion_matrix([0, 4], [0, 1], classes=4), r"`predicted` must hold labels in 0 … 3, got 0 … 4"),
        (lambda: wilson_interval(5, 4), "`successes` must lie in 0 … 4, got 5"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
