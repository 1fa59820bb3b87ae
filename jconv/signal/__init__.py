"""Signals: `scipy.signal`'s convolutions and filters, jitted and differentiable."""

from jconv.signal import stream
from jconv.signal.convolution import (
    ConvolutionOperator,
    choose_conv_method,
    convolve,
    convolve2d,
    correlate,
    correlate2d,
    correlation_lags,
    fftconvolve,
    long_convolve,
    normalized_convolve,
    oaconvolve,
    sepfir2d,
)
from jconv.signal.design import firwin, firwin2, kaiser_atten, kaiser_beta, kaiserord, savgol_coeffs, savgol_filter
from jconv.signal.order import medfilt, medfilt2d, order_filter
from jconv.signal.rates import decimate, resample_poly, upfirdn
from jconv.signal.recursion import filtfilt, lfilter, lfilter_zi, lfiltic, sosfilt, sosfilt_zi, sosfiltfilt
from jconv.signal.restoration import (
    RichardsonLucy,
    deconvolve,
    richardson_lucy,
    tikhonov_deconvolve,
    wiener,
    wiener_deconvolve,
)
from jconv.signal.windows import get_window

__all__ = [
    "ConvolutionOperator",
    "RichardsonLucy",
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "correlation_lags",
    "decimate",
    "deconvolve",
    "fftconvolve",
    "filtfilt",
    "firwin",
    "firwin2",
    "get_window",
    "kaiser_atten",
    "kaiser_beta",
    "kaiserord",
    "lfilter",
    "lfilter_zi",
    "lfiltic",
    "long_convolve",
    "medfilt",
    "medfilt2d",
    "normalized_convolve",
    "oaconvolve",
    "order_filter",
    "resample_poly",
    "richardson_lucy",
    "savgol_coeffs",
    "savgol_filter",
    "sepfir2d",
    "sosfilt",
    "sosfilt_zi",
    "sosfiltfilt",
    "stream",
    "tikhonov_deconvolve",
    "upfirdn",
    "wiener",
    "wiener_deconvolve",
]
