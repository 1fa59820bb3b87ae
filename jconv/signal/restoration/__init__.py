"""Deconvolution and noise removal."""

from jconv.signal.restoration._deconvolve import deconvolve
from jconv.signal.restoration._richardson_lucy import RichardsonLucy, richardson_lucy
from jconv.signal.restoration._spectral_deconvolve import tikhonov_deconvolve, wiener_deconvolve
from jconv.signal.restoration._wiener import wiener

__all__ = [
    "RichardsonLucy",
    "deconvolve",
    "richardson_lucy",
    "tikhonov_deconvolve",
    "wiener",
    "wiener_deconvolve",
]
