"""The command line: `jconv learn`, `jconv train TASK`, `jconv predict`, `jconv filter`, `jconv kernels`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from jconv._core.errors import MissingPackageError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (by default the program's own) and return the exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after `jconv`. Default: those of this process.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong input or a missing package, 130 interrupted.

    Examples
    --------
    >>> main(["kernels", "--help"])  # doctest: +SKIP
    """
    try:
        from jconv.cli._main import main as run
    except MissingPackageError as error:
        print(f"jconv: {error}", file=sys.stderr)
        return 2
    return run(argv)
