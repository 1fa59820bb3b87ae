"""Packages that only some jobs need."""

from __future__ import annotations

import importlib
from types import ModuleType

from jconv._core.errors import InputError


def needed(module: str, extra: str) -> ModuleType:
    """Import an optional module, or say which extra of jconv brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(
            f"this needs the package {error.name!r}; install it with: pip install 'jconv[{extra}]'"
        ) from error
