"""Packages that only some jobs need."""

from __future__ import annotations

import importlib
from types import ModuleType

from jconv._core.errors import MissingPackageError


def needed(module: str, extra: str) -> ModuleType:
    """Import an optional module, or raise a MissingPackageError that says which extra of jconv brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).split(".")[0]
        if package == "jconv":  # a fault of our own
            raise
        raise MissingPackageError(
            f"this needs the package {package!r}; install it with: pip install 'jconv[{extra}]'"
        ) from error
