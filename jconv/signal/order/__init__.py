"""Median and other rank filters of signals."""

from jconv.signal.order._rank import medfilt, medfilt2d, order_filter

__all__ = [
    "medfilt",
    "medfilt2d",
    "order_filter",
]
