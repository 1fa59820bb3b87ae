"""How good a classifier is, and how sure that figure is."""

from __future__ import annotations

import math

import numpy as np

from jconv._core import check


def accuracy(predicted, truth) -> float:
    """The share of labels that are right."""
    predicted, truth = _labels(predicted, truth)
    return float(np.mean(predicted == truth))


def confusion_matrix(predicted, truth, *, classes: int) -> np.ndarray:
    """Counts, of shape (classes, classes): row is the truth, column the prediction.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0], classes=2)
    array([[1, 1],
           [0, 1]])
    """
    predicted, truth = _labels(predicted, truth)
    for name, labels in (("predicted", predicted), ("truth", truth)):
        if labels.min() < 0 or labels.max() >= classes:
            raise ValueError(
                f"`{name}` must hold labels in 0 … {classes - 1}, got {labels.min()} … {labels.max()}; "
                "count the classes from 0"
            )
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def wilson_interval(successes: int, trials: int, *, z: float = 1.959964) -> tuple[float, float]:
    r"""Confidence interval of a share, by Wilson's score (95 % by default).

    .. math:: \frac{\hat p + z^2 / 2n \pm z \sqrt{\hat p (1 - \hat p) / n + z^2 / 4 n^2}}{1 + z^2 / n}

    Stays inside [0, 1] and honest near its ends, where the normal approximation is neither.
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209–212.

    >>> low, high = wilson_interval(355, 360)
    >>> round(low, 4), round(high, 4)
    (0.9679, 0.9941)
    """
    trials = check.positive_int("trials", trials)
    if not 0 <= successes <= trials:
        raise ValueError(f"`successes` must lie in 0 … {trials}, got {successes}; pass a count, not a share")
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def _labels(predicted, truth) -> tuple[np.ndarray, np.ndarray]:
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    if predicted.shape != truth.shape or predicted.ndim != 1 or not len(truth):
        raise ValueError(
            f"`predicted` and `truth` must be equally long vectors of labels, got shapes {predicted.shape} and "
            f"{truth.shape}; pass logits.argmax(-1)"
        )
    return predicted, truth
