"""Every convolution, in JAX.

One engine that picks the right algorithm for each shape, behind the interfaces you already know. The subpackages
(`jconv.signal`, `jconv.ndimage`, `jconv.nn`, …) load on first use, so that `import jconv` costs next to nothing.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from jconv import engine
from jconv._core.allocator import keep_freed_memory
from jconv._core.environment import switch
from jconv._core.errors import InputError, MissingPackageError
from jconv.engine import (
    accelerate,
    conv2d,
    conv_general_dilated,
    conv_general_dilated_local,
    conv_general_dilated_patches,
    conv_transpose,
    decelerate,
    fold,
    plan,
    unfold,
)

__version__ = "0.1.0"

_SUBPACKAGES = ("continuous", "data", "kernels", "ndimage", "nn", "plotting", "signal", "tasks", "training")

__all__ = [
    "InputError",
    "MissingPackageError",
    "accelerate",
    "conv2d",
    "conv_general_dilated",
    "conv_general_dilated_local",
    "conv_general_dilated_patches",
    "conv_transpose",
    "decelerate",
    "engine",
    "fold",
    "keep_freed_memory",
    "plan",
    "unfold",
    *_SUBPACKAGES,
]


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"jconv.{name}")
    if name == "restore":
        warnings.warn("jconv.restore is called jconv.decelerate; use that name", DeprecationWarning, stacklevel=2)
        return decelerate
    raise AttributeError(f"module 'jconv' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


if switch("JCONV_ACCELERATE"):
    accelerate()
