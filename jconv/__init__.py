"""Every convolution, in JAX.

One engine that picks the right algorithm for each shape, behind the interfaces you already know. The rooms
(`jconv.signal`, `jconv.ndimage`, `jconv.nn`, …) load on first use, so that `import jconv` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from jconv import engine
from jconv.engine import conv2d

__version__ = "0.1.0"

_ROOMS = ("continuous", "kernels", "ndimage", "nn", "plotting", "signal", "tasks", "training")

__all__ = ["conv2d", "engine", *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"jconv.{name}")
    raise AttributeError(f"module 'jconv' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
