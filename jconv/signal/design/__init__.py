"""Filter design: the taps of FIR and smoothing filters."""

from jconv.signal.design._fir import firwin, firwin2, kaiser_atten, kaiser_beta, kaiserord
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
