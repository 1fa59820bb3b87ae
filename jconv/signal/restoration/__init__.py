"""Deconvolution and noise removal."""

from jconv.signal.restoration._deconvolve import deconvolve
from jconv.signal.restoration._restore import RichardsonLucy, richardson_lucy, tikhonov_deconvolve, wiener_deconvolve
from jconv.signal.restoration._wiener import wiener

__all__ = [
    "RichardsonLucy",
    "deconvolve",
    "richardson_lucy",
    "tikhonov_deconvolve",
    "wiener",
    "wiener_deconvolve",
]
