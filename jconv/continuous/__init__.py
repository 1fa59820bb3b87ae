"""Convolution of functions of a real variable: to machine precision, with error estimates, inside `jit` and `grad`.

`convolve(f, g, t, ...)` integrates at given points; the rules it takes are plain values such as `GaussLegendre(96)`.
"""

from jconv.continuous.pointwise import convolve
from jconv.continuous.quadrature import Convolved
from jconv.continuous.rules import ClenshawCurtis, GaussKronrod, GaussLegendre, Rule, TanhSinh

__all__ = [
    "ClenshawCurtis",
    "Convolved",
    "GaussKronrod",
    "GaussLegendre",
    "Rule",
    "TanhSinh",
    "convolve",
]
