"""Median, minimum, maximum and other rank filters of images."""

from jconv.ndimage.order._extremes import maximum_filter, maximum_filter1d, minimum_filter, minimum_filter1d
from jconv.ndimage.order._ranks import median_filter, percentile_filter, rank_filter

__all__ = [
    "maximum_filter",
    "maximum_filter1d",
    "median_filter",
    "minimum_filter",
    "minimum_filter1d",
    "percentile_filter",
    "rank_filter",
]
