"""Window functions."""

from jconv.signal.windows._get_window import get_window

__all__ = [
    "get_window",
]
