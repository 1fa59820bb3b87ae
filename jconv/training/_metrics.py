"""How good a model is, and how sure that figure is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from jconv._core import check


def accuracy(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Compute the share of labels that are right.

    Parameters
    ----------
    predicted, truth : array (N,)
        Labels.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        When they are not equally long vectors, or empty.

    Examples
    --------
    >>> accuracy([0, 1, 1, 2], [0, 1, 2, 2])
    0.75
    """
    predicted, truth = _labels(predicted, truth)
    return float(np.mean(predicted == truth))


def confusion_matrix(predicted: ArrayLike, truth: ArrayLike, *, classes: int) -> np.ndarray:
    """Count how often each class is taken for each.

    Parameters
    ----------
    predicted, truth : array (N,)
        Labels in 0 … classes − 1.
    classes : int
        The number of classes.

    Returns
    -------
    array (classes, classes)
        Row is the truth, column the prediction.

    Raises
    ------
    ValueError
        When the labels are not equally long vectors, or one lies outside.

    Notes
    -----
    As `sklearn.metrics.confusion_matrix`, with its first two arguments the other way round.

    Examples
    --------
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


def class_iou(confusion: np.ndarray) -> np.ndarray:
    r"""Compute the intersection over union of each class, from a confusion matrix of pixels.

    .. math:: \frac{n_{cc}}{\sum_j n_{cj} + \sum_i n_{ic} - n_{cc}}

    Parameters
    ----------
    confusion : array (..., classes, classes)
        Counts: row is the truth, column the prediction.

    Returns
    -------
    array (..., classes)
        NaN for a class that never occurs.

    Raises
    ------
    ValueError
        When the last two axes differ.

    Examples
    --------
    >>> class_iou(np.array([[6, 2], [0, 2]]))
    array([0.75, 0.5 ])
    """
    confusion = np.asarray(confusion)
    if confusion.ndim < 2 or confusion.shape[-1] != confusion.shape[-2]:
        raise ValueError(f"`confusion` must have shape (..., classes, classes), got {confusion.shape}")
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    union = confusion.sum(axis=-1) + confusion.sum(axis=-2) - right
    return np.where(union > 0, right / np.maximum(union, 1), np.nan)


def wilson_interval(successes: int, trials: int, *, z: float = 1.959964) -> tuple[float, float]:
    r"""Compute the confidence interval of a share, by Wilson's score.

    .. math:: \frac{\hat p + z^2 / 2n \pm z \sqrt{\hat p (1 - \hat p) / n + z^2 / 4 n^2}}{1 + z^2 / n}

    Parameters
    ----------
    successes, trials : int
        How many of how many.
    z : float
        The quantile of the normal distribution. Default: that of 95 %.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        When `trials` is less than 1, or `successes` lies outside 0 … `trials`.

    Notes
    -----
    Stays inside [0, 1] and honest near its ends, where the normal approximation is neither.
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209–212.

    Examples
    --------
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


def bootstrap_interval(
    statistic: Callable[[np.ndarray], float], count: int, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Compute the confidence interval of any figure of a test set, by resampling its examples with replacement.

    Parameters
    ----------
    statistic : callable (indices (count,)) -> float
        The figure of the examples with these indices, some of them several times.
    count : int
        How many examples there are: whole pictures, not their pixels, which are not independent.
    resamples : int
        How often. Default 1000.
    level : float in (0, 1)
        The share of resamples that the interval holds. Default 0.95.
    seed : int
        Decides the resamples. Default 0.

    Returns
    -------
    low, high : float
        Percentiles of the figure.

    Raises
    ------
    ValueError
        When `count` or `resamples` is less than 1, or `level` lies outside (0, 1).

    Notes
    -----
    B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.

    Examples
    --------
    >>> right = np.repeat([1.0, 0.0], [355, 5])
    >>> low, high = bootstrap_interval(lambda chosen: right[chosen].mean(), 360)
    >>> 0.96 < low < 0.98 < high <= 1
    True
    """
    count, resamples = check.positive_int("count", count), check.positive_int("resamples", resamples)
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie in (0, 1), got {level}; pass 0.95 for 95 %")
    rng = np.random.default_rng(seed)
    values = [float(statistic(rng.integers(0, count, count))) for _ in range(resamples)]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _labels(predicted: ArrayLike, truth: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    if predicted.shape != truth.shape or predicted.ndim != 1 or not len(truth):
        raise ValueError(
            f"`predicted` and `truth` must be equally long vectors of labels, got shapes {predicted.shape} and "
            f"{truth.shape}; pass logits.argmax(-1)"
        )
    return predicted, truth
