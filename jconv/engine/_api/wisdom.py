"""Measured choices of this process, written to files and read from them."""

from __future__ import annotations

import os

from jconv.engine._planner import default_planner


def save_wisdom(path: str | os.PathLike) -> None:
    """Write all measured choices of this process to a file.

    Parameters
    ----------
    path : str or path
        The file to write; its folder must exist. A temporary file beside it is renamed, so that a reader finds either
        the old file or the new one.

    Raises
    ------
    OSError
        Where the file cannot be written; an existing one is then left as it was.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_wisdom(os.path.join(folder, "wisdom.json"))
    ...     load_wisdom(os.path.join(folder, "wisdom.json"))
    0
    """
    default_planner().wisdom.save(path)


def load_wisdom(path: str | os.PathLike) -> int:
    """Read measured choices from a file that `save_wisdom` wrote, and use them from now on.

    Parameters
    ----------
    path : str or path
        The file to read.

    Returns
    -------
    int
        The number of choices read.

    Raises
    ------
    WisdomError
        Where the file is missing, truncated, of another format, or was measured elsewhere. Nothing is changed then.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_wisdom(os.path.join(folder, "wisdom.json"))
    ...     load_wisdom(os.path.join(folder, "wisdom.json"))
    0
    """
    planner = default_planner()
    count = planner.wisdom.load(path)
    planner.forget_plans()
    return count


def forget_wisdom() -> None:
    """Drop all measured choices of this process.

    Examples
    --------
    >>> forget_wisdom()
    """
    planner = default_planner()
    planner.wisdom.forget()
    planner.forget_plans()
