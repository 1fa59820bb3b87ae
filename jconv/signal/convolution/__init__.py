"""Convolution and correlation of signals."""

from jconv.signal.convolution._choose import choose_conv_method
from jconv.signal.convolution._convolve import convolve, correlate, correlation_lags
from jconv.signal.convolution._convolve2d import convolve2d, correlate2d, sepfir2d
from jconv.signal.convolution._fftconvolve import fftconvolve, oaconvolve
from jconv.signal.convolution._normalized import normalized_convolve
from jconv.signal.convolution._operator import ConvolutionOperator
from jconv.signal.convolution._sequence import long_convolve

__all__ = [
    "ConvolutionOperator",
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "correlation_lags",
    "fftconvolve",
    "long_convolve",
    "normalized_convolve",
    "oaconvolve",
    "sepfir2d",
]
