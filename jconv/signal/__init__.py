"""Signals: `scipy.signal`'s convolutions and filters, jitted and differentiable."""

from jconv.signal import stream
from jconv.signal.choose import choose_conv_method
from jconv.signal.convolve import convolve, correlate, correlation_lags
from jconv.signal.convolve2d import convolve2d, correlate2d, sepfir2d
from jconv.signal.deconvolve import deconvolve
from jconv.signal.fftconvolve import fftconvolve, oaconvolve
from jconv.signal.filtfilt import filtfilt, sosfiltfilt
from jconv.signal.fir import firwin, firwin2, kaiser_atten, kaiser_beta, kaiserord
from jconv.signal.lfilter import lfilter, lfilter_zi, lfiltic
from jconv.signal.normalized import normalized_convolve
from jconv.signal.operator import ConvolutionOperator
from jconv.signal.rank import medfilt, medfilt2d, order_filter
from jconv.signal.resample import decimate, resample_poly
from jconv.signal.restore import RichardsonLucy, richardson_lucy, tikhonov_deconvolve, wiener_deconvolve
from jconv.signal.savgol import savgol_coeffs, savgol_filter
from jconv.signal.sequence import long_convolve
from jconv.signal.sosfilt import sosfilt, sosfilt_zi
from jconv.signal.upfirdn import upfirdn
from jconv.signal.wiener import wiener
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
