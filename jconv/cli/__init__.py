"""The command line: `jconv learn`, `jconv train TASK`, `jconv predict`, `jconv filter`, `jconv kernels`."""

from jconv.cli._main import main

__all__ = ["main"]
