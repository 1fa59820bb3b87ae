"""Filter design: the taps of FIR and smoothing filters."""

from jconv.signal.design._firwin import firwin
from jconv.signal.design._firwin2 import firwin2
from jconv.signal.design._kaiser import kaiser_atten, kaiser_beta, kaiserord
from jconv.signal.design._savgol import savgol_coeffs, savgol_filter

__all__ = [
    "firwin",
    "firwin2",
    "kaiser_atten",
    "kaiser_beta",
    "kaiserord",
    "savgol_coeffs",
    "savgol_filter",
]
