"""Window functions."""

from jconv.signal.windows._windows import get_window

__all__ = [
    "get_window",
]
