"""Signals: `scipy.signal`'s convolutions and filters, jitted and differentiable."""

from jconv.signal.choose import choose_conv_method
from jconv.signal.convolve import convolve, correlate, correlation_lags
from jconv.signal.convolve2d import convolve2d, correlate2d, sepfir2d
from jconv.signal.fftconvolve import fftconvolve, oaconvolve

__all__ = [
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "correlation_lags",
    "fftconvolve",
    "oaconvolve",
    "sepfir2d",
]
