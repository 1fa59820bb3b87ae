"""Convolution of functions of a real variable: to machine precision, with error estimates, inside `jit` and `grad`.

`convolve(f, g, t, ...)` integrates at given points; the rules it takes are plain values such as `GaussLegendre(96)`.
`Function` objects compute with whole functions; `f @ g` and `convolve_functions(f, g)` convolve them.
"""

from jconv.continuous import closed_forms
from jconv.continuous._adaptive import Adaptive
from jconv.continuous._convolve import convolve
from jconv.continuous._convolve_functions import convolve_functions
from jconv.continuous._convolve_grid import convolve_grid
from jconv.continuous._convolve_nd import convolve_nd
from jconv.continuous._convolve_radial import convolve_radial
from jconv.continuous._convolve_samples import convolve_samples
from jconv.continuous._declared import GaussHermite, GaussLaguerre, PeriodicTrapezoid
from jconv.continuous._distributions import Delta, Distribution
from jconv.continuous._function import Function
from jconv.continuous._periodic import PeriodicFunction
from jconv.continuous._quadrature import AccuracyWarning, Convolved
from jconv.continuous._rules import ClenshawCurtis, GaussKronrod, GaussLegendre, Rule, TanhSinh
from jconv.continuous._sample import sample
from jconv.continuous._smooth_gaussian import smooth_gaussian

__all__ = [
    "AccuracyWarning",
    "Adaptive",
    "ClenshawCurtis",
    "Convolved",
    "Delta",
    "Distribution",
    "Function",
    "GaussHermite",
    "GaussKronrod",
    "GaussLaguerre",
    "GaussLegendre",
    "PeriodicFunction",
    "PeriodicTrapezoid",
    "Rule",
    "TanhSinh",
    "closed_forms",
    "convolve",
    "convolve_functions",
    "convolve_grid",
    "convolve_nd",
    "convolve_radial",
    "convolve_samples",
    "sample",
    "smooth_gaussian",
]
