"""What a task is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from jconv.tasks._saved import SavedModel
from jconv.tasks._settings import Settings


class Result(Protocol):
    """The result of training."""

    def metrics(self) -> dict[str, Any]:
        """Return the figures, as JSON values."""
        ...

    def summary(self) -> str:
        """Return the figures that count, in one line."""
        ...

    def save(self, folder: str | os.PathLike) -> None:
        """Write pictures; then `model.npz`, `config.toml` and `metrics.json` by `save_run`."""
        ...


Row = Mapping[str, Any]
"""The prediction for one file, as JSON values."""
Predictor = Callable[[Path, str], Row]
"""(file, name) -> row; pictures for the file are called NAME.….png"""


class Task(NamedTuple):
    """A whole job: data in, a trained network, figures and pictures out; then predictions for new files."""

    name: str
    """As on the command line: ``jconv train NAME``."""
    summary: str
    """For the list of tasks, such as "handwritten digits"."""
    description: str
    """Which data it learns from, and which files it leaves besides those of `save_run`."""
    settings: type[Settings]
    """The class of its settings."""
    train: Callable[..., Result]
    """(settings, *, callbacks=(), checkpoints=None) -> Result"""
    predictor: Callable[[SavedModel, Path], Predictor]
    """(saved, out) -> a function that predicts for one file; its pictures, if any, go into the folder `out`"""
    inputs: str
    """Which files `predict` takes, such as "pictures (PNG, JPEG or TIFF)"."""
    example: str = ""
    """A command line that trains it, for `--help`."""
