"""Convolution of functions of a real variable: to machine precision, with error estimates, inside `jit` and `grad`.

`convolve(f, g, t, ...)` integrates at given points; the rules it takes are plain values such as `GaussLegendre(96)`.
"""

from jconv.continuous.adaptive import Adaptive
from jconv.continuous.declared import GaussHermite, GaussLaguerre, PeriodicTrapezoid
from jconv.continuous.pointwise import convolve
from jconv.continuous.quadrature import AccuracyWarning, Convolved
from jconv.continuous.rules import ClenshawCurtis, GaussKronrod, GaussLegendre, Rule, TanhSinh

__all__ = [
    "AccuracyWarning",
    "Adaptive",
    "ClenshawCurtis",
    "Convolved",
    "GaussHermite",
    "GaussKronrod",
    "GaussLaguerre",
    "GaussLegendre",
    "PeriodicTrapezoid",
    "Rule",
    "TanhSinh",
    "convolve",
]
