"""Convolutions that have a closed form: line shapes and densities, differentiable, without overflow in the tails.

Every function takes points `t` of any shape first; parameters broadcast with them and may be traced. Densities have
area 1. Derivatives are those of the formulas, in both modes and any order. A width of zero is a value like others: the
result is the other factor, or where that is a Dirac delta, 0 off its place and inf on it.
"""

from jconv.continuous._decays import (
    biexponential,
    box_exponential,
    exponential_gaussian,
    gaussian_damped_cosine,
    laplace_gaussian,
)
from jconv.continuous._line_shapes import box_gaussian, box_lorentzian, gaussian, lorentzian, voigt

__all__ = [
    "biexponential",
    "box_exponential",
    "box_gaussian",
    "box_lorentzian",
    "exponential_gaussian",
    "gaussian",
    "gaussian_damped_cosine",
    "laplace_gaussian",
    "lorentzian",
    "voigt",
]
