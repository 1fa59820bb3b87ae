"""All tasks. The command line, and whoever asks for a task by name, reads this table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from jconv._core.errors import InputError
from jconv._core.files import output_folder, write_json
from jconv._core.names import list_known
from jconv.tasks import _deblurring as deblurring
from jconv.tasks import _detection as detection
from jconv.tasks import _digits as digits
from jconv.tasks import _segmentation as segmentation
from jconv.tasks import _spectrograms as spectrograms
from jconv.tasks import _video as video
from jconv.tasks._saved import load_model
from jconv.tasks._task import Row, Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        digits.TASK,
        segmentation.TASK,
        detection.TASK,
        deblurring.TASK,
        deblurring.DENOISING,
        spectrograms.TASK,
        video.TASK,
    )
}  # fmt: skip


def find_task(name: str) -> Task:
    """The task of that name, else an InputError that names the nearest."""
    if name not in TASKS:
        raise InputError(f"there is no task {name!r}{list_known(name, TASKS, 'Known tasks')}")
    return TASKS[name]


def predict(model: str | os.PathLike, files: Sequence[str | os.PathLike], out: str | os.PathLike) -> list[Row]:
    """Apply a trained model to new files.

    Parameters
    ----------
    model : path
        The folder that training left.
    files : sequence of paths
    out : path
        A folder for `predictions.json` and, where the task makes some, pictures.

    Returns
    -------
    list of dicts
        One for each file, as in `predictions.json`.

    Raises
    ------
    InputError
        When the folder holds no model, or a file cannot be read.
    """
    saved = load_model(model)
    paths = [Path(file) for file in files]
    if not paths:
        raise InputError("no files were named; name at least one")
    for path in paths:
        if not path.is_file():
            raise InputError(f"cannot read {str(path)!r}: no such file")
    folder = output_folder(out)
    rows: list[Row] = [
        {"file": str(p), **row} for p, row in zip(paths, find_task(saved.task).predict(saved, paths, folder))
    ]
    write_json(folder / "predictions.json", {"task": saved.task, "model": str(saved.path), "predictions": rows})
    return rows
