"""Callbacks that write down how training went: JSON lines, TensorBoard."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from jconv._core.extras import needed
from jconv._core.files import atomic, output_folder
from jconv.training._fit import Report


class JSONLines:
    """A callback for `fit`: a line of JSON for each call of the jitted loop, with the mean of each metric over it.

    Parameters
    ----------
    path : path
        Lines that are there already stay when they are about steps that this run finds done: a resumed run leaves the
        lines that an undisturbed one does, but for the times.

    Notes
    -----
    A line holds "step" (steps done), "seconds", "samples_per_second", and the metrics; NaN and infinity, which JSON
    lacks, become null.

    Examples
    --------
    >>> callbacks = [JSONLines("out/log.jsonl")]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path, self.seconds = Path(path), 0.0

    def __call__(self, report: Report) -> None:
        if not report.metrics:
            output_folder(self.path.parent)
            with atomic(self.path) as file:
                file.writelines(line for line in _lines(self.path) if _step(line) <= report.done)
            return
        record = {
            "step": report.done,
            "seconds": round(report.seconds, 3),
            "samples_per_second": rate(report, self.seconds),
        }
        record |= {name: _json(np.mean(values, axis=0)) for name, values in report.metrics.items()}
        self.seconds = report.seconds
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")


class TensorBoard:
    """A callback for `fit`: the mean of each metric over each call of the jitted loop, in TensorBoard's files.

    Parameters
    ----------
    folder : path
        What `tensorboard --logdir` shows. Points later than the step where a run begins are purged.

    Raises
    ------
    InputError
        When tensorboardX, of the extra `log`, is not installed.

    Examples
    --------
    >>> callbacks = [TensorBoard("out/tensorboard")]  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder, self.seconds, self.writer = Path(folder), 0.0, None
        self.library = needed("tensorboardX", "log")

    def __call__(self, report: Report) -> None:
        if self.writer is None:
            # The library hides the points of `purge_step` too.
            self.writer = self.library.SummaryWriter(str(output_folder(self.folder)), purge_step=report.done + 1)
        for name, values in report.metrics.items():
            for index, value in np.ndenumerate(np.mean(values, axis=0)):
                self.writer.add_scalar("/".join((name, *map(str, index))), float(value), report.done)
        if report.metrics and (speed := rate(report, self.seconds)):
            self.writer.add_scalar("samples_per_second", speed, report.done)
        self.seconds = report.seconds
        if report.last:
            self.writer.close()


def rate(report: Report, before: float) -> float | None:
    """Return the samples per second of a report's steps, which began `before` seconds after the run's start."""
    steps = len(report.metrics.get("loss", ()))
    if report.samples is None or not steps or report.seconds <= before:
        return None
    return round(steps * report.samples / (report.seconds - before), 1)


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True) if path.is_file() else []


def _step(line: bytes) -> float:
    """Return the step that a line is about; infinite where it was cut."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


def _json(value: np.ndarray) -> Any:
    return [_json(v) for v in value] if value.ndim else (float(value) if np.isfinite(value) else None)
