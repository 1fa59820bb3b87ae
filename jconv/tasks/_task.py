"""What a task is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from jconv.tasks._saved import SavedModel
from jconv.tasks._settings import Settings


class Result(Protocol):
    """What training leaves."""

    def metrics(self) -> dict[str, Any]:
        """The figures, as JSON values."""
        ...

    def summary(self) -> str:
        """The figures that count, in one line."""
        ...

    def save(self, folder: str | os.PathLike) -> None:
        """Write pictures; then `model.npz`, `config.toml` and `metrics.json` by `save_run`."""
        ...


Row = Mapping[str, Any]
"""What is predicted for one file, as JSON values."""


class Task(NamedTuple):
    """A whole job: data in, a trained network, figures and pictures out; then predictions for new files."""

    name: str
    summary: str
    """For the list of tasks, such as "handwritten digits"."""
    description: str
    """What is learned from what, and which files are left besides those of `save_run`."""
    settings: type[Settings]
    train: Callable[..., Result]
    """(settings, *, callbacks=(), checkpoints=None) -> Result"""
    predict: Callable[[SavedModel, Sequence[Path], Path], list[Row]]
    """(saved, files, out) -> a row for each file; pictures, if any, go into the folder `out`"""
    inputs: str
    """What files `predict` takes, such as "pictures (PNG, JPEG or TIFF)"."""
