"""Recursive (IIR) filters."""

from jconv.signal.recursion._filtfilt import filtfilt, sosfiltfilt
from jconv.signal.recursion._lfilter import lfilter, lfilter_zi, lfiltic
from jconv.signal.recursion._sosfilt import sosfilt, sosfilt_zi

__all__ = [
    "filtfilt",
    "lfilter",
    "lfilter_zi",
    "lfiltic",
    "sosfilt",
    "sosfilt_zi",
    "sosfiltfilt",
]
