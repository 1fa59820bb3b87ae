"""Recursive (IIR) filters."""

from jconv.signal.recursion._filtfilt import filtfilt, sosfiltfilt
from jconv.signal.recursion._lfilter import lfilter
from jconv.signal.recursion._sosfilt import sosfilt
from jconv.signal.recursion._states import lfilter_zi, lfiltic, sosfilt_zi

__all__ = [
    "filtfilt",
    "lfilter",
    "lfilter_zi",
    "lfiltic",
    "sosfilt",
    "sosfilt_zi",
    "sosfiltfilt",
]
