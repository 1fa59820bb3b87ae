"""All tasks. The command line, and whoever asks for a task by name, reads this table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from jconv._core.errors import InputError
from jconv._core.files import output_folder, write_json
from jconv._core.names import list_known
from jconv.tasks import _classification as classification
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
        classification.TASK,
    )
}  # fmt: skip


def find_task(name: str) -> Task:
    """Return the task of that name.

    Parameters
    ----------
    name : str
        One of the keys of `TASKS`.

    Returns
    -------
    Task

    Raises
    ------
    InputError
        When there is no such task; the nearest is named.

    Examples
    --------
    >>> find_task("digits").summary
    'handwritten digits'
    """
    if name not in TASKS:
        raise InputError(f"there is no task {name!r}{list_known(name, TASKS, 'Known tasks')}")
    return TASKS[name]


def predict(
    model: str | os.PathLike[str],
    files: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    skip_damaged: bool = False,
) -> list[Row]:
    """Apply a trained model to new files.

    Parameters
    ----------
    model : path
        The folder that training left, or the `model.npz` in it.
    files : sequence of paths
        New files of the kind that the task was trained on.
    out : path
        A folder for `predictions.json` and, where the task makes some, pictures.
    skip_damaged : bool
        Go on past a file that cannot be used; its row holds the reason as "error". Default False.

    Returns
    -------
    list of dicts
        One for each file, as in `predictions.json`.

    Raises
    ------
    InputError
        When the folder holds no model, and, without `skip_damaged`, when a file cannot be used.

    Examples
    --------
    >>> predict("no_such_folder", ["a.png"], "out")
    Traceback (most recent call last):
    jconv.InputError: there is no trained model 'no_such_folder/model.npz'; train one with jconv train TASK --out ...
    """
    saved = load_model(model)
    paths = [Path(file) for file in files]
    if not paths:
        raise InputError("no files were named; name at least one")
    task = find_task(saved.task)
    if not skip_damaged:
        for path in paths:
            _check_file(path)
    folder = output_folder(out)
    predictor = task.predictor(saved, folder)
    rows: list[Row] = []
    for path, name in zip(paths, _names(paths)):
        try:
            _check_file(path)
            rows.append({"file": str(path), **predictor(path, name)})
        except InputError as error:
            if not skip_damaged:
                raise
            rows.append({"file": str(path), "error": str(error)})
    write_json(folder / "predictions.json", {"task": saved.task, "model": str(saved.path), "predictions": rows})
    return rows


def _check_file(path: Path) -> None:
    if not path.is_file():
        why = "it is a folder; name the files in it" if path.is_dir() else "no such file"
        raise InputError(f"cannot read {str(path)!r}: {why}")


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the files' names without their endings; a number follows where two would have the same."""
    names: list[str] = []
    for path in paths:
        name, number = path.stem, 1
        while name in names:
            number += 1
            name = f"{path.stem}-{number}"
        names.append(name)
    return names
