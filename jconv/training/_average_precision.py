"""How well boxes are detected, by the measure of the COCO benchmark."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jconv._core.extras import needed
from jconv.training._metrics import bootstrap_interval


class ScoredBoxes(NamedTuple):
    """The boxes of one picture, in the order of array indices: rows before columns.

    `jconv.data.CocoAnnotations` has columns before rows; its `rows_columns()` gives this order.
    """

    boxes: np.ndarray
    """(M, 4): first row, first column, last row, last column."""
    labels: np.ndarray
    """(M,) in 0 … classes - 1."""
    scores: np.ndarray | None = None
    """(M,), for boxes that were detected; None for true ones."""


class AveragePrecision(NamedTuple):
    """Means over the classes."""

    at_50: float
    """At an intersection over union of 0.5."""
    at_75: float
    """At an intersection over union of 0.75."""
    at_50_to_95: float
    """Mean over 0.50, 0.55, …, 0.95."""
    at_50_interval: tuple[float, float]
    """95 %, by a bootstrap over the pictures."""
    at_50_to_95_interval: tuple[float, float]
    """95 %, by the same bootstrap."""


def average_precision(
    truth: Sequence[ScoredBoxes], found: Sequence[ScoredBoxes], *, classes: int, resamples: int = 100
) -> AveragePrecision:
    """Compute the average precision of boxes detected in pictures, as `pycocotools` does (the `data` extra).

    Parameters
    ----------
    truth, found : sequence of ScoredBoxes
        One for each picture: the true boxes, and those that were detected, with their scores.
    classes : int
        The number of classes.
    resamples : int
        Resamples of the bootstrap for the confidence intervals. Default 100.

    Returns
    -------
    AveragePrecision

    Raises
    ------
    MissingPackageError
        When pycocotools is not installed.
    ValueError
        When the sequences differ in length or are empty, or `found` lacks scores.

    Notes
    -----
    The 100 surest boxes of a picture count, of all sizes together; classes without a true box are left out.
    T.-Y. Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014.

    Examples
    --------
    >>> true = ScoredBoxes(np.array([[0.0, 0, 9, 9]]), np.array([0]))
    >>> round(average_precision([true], [true._replace(scores=np.array([0.8]))], classes=1).at_50, 3)
    1.0
    """
    if len(truth) != len(found) or not truth:
        raise ValueError(f"`truth` and `found` must hold one entry for each picture, got {len(truth)} and {len(found)}")
    if any(f.scores is None for f in found):
        raise ValueError("`found` must have scores; average precision goes through the boxes by their scores")
    coco, cocoeval = needed("pycocotools.coco", "data"), needed("pycocotools.cocoeval", "data")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        reference, detected = coco.COCO(), coco.COCO()
        for data, boxes in ((reference, truth), (detected, found)):
            data.dataset = _dataset(boxes, classes)
            data.createIndex()
        evaluation = cocoeval.COCOeval(reference, detected, "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.params.maxDets = [100]
        evaluation.evaluate()
        matched = np.array(evaluation.evalImgs, dtype=object).reshape(classes, len(truth))

        def measure(chosen: np.ndarray) -> tuple[float, float, float]:
            evaluation.params.imgIds = evaluation._paramsEval.imgIds = list(range(len(chosen)))
            evaluation.evalImgs = list(matched[:, chosen].ravel())
            evaluation.accumulate()
            precision = evaluation.eval["precision"][..., 0, 0]  # (thresholds, recalls, classes)
            each = np.where(precision > -1, precision, np.nan)
            return float(np.nanmean(each[0])), float(np.nanmean(each[5])), float(np.nanmean(each))

        point = measure(np.arange(len(truth)))
        draws: dict[bytes, tuple[float, float, float]] = {}

        def part(index: int) -> tuple[float, float]:
            def statistic(chosen: np.ndarray) -> float:
                key = chosen.tobytes()
                if key not in draws:
                    draws[key] = measure(chosen)
                return draws[key][index]

            return bootstrap_interval(statistic, len(truth), resamples=resamples)

        return AveragePrecision(*point, part(0), part(2))


def _dataset(pictures: Sequence[ScoredBoxes], classes: int) -> dict[str, Any]:
    rows = []
    for picture, (boxes, labels, scores) in enumerate(pictures):
        for index, ((top, left, bottom, right), label) in enumerate(zip(np.asarray(boxes, float), labels)):
            width, height = right - left, bottom - top
            row = {
                "id": len(rows) + 1,
                "image_id": picture,
                "category_id": int(label),
                "bbox": [left, top, width, height],
                "area": width * height,
                "iscrowd": 0,
            }
            rows.append(row if scores is None else {**row, "score": float(scores[index])})
    return {
        "images": [{"id": picture} for picture in range(len(pictures))],
        "categories": [{"id": label} for label in range(classes)],
        "annotations": rows,
    }
