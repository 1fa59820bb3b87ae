"""Error classes: how far a result may lie from the exact one, normwise, in units of the direct sum's bound.

The direct sum of K products errs by at most γ_K ‖x‖‖w‖ with γ_K = K u / (1 − K u), u the unit roundoff (Higham,
*Accuracy and Stability of Numerical Algorithms*, 2nd ed., § 3.1); blocked and pairwise sums err by less.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Literal


@dataclasses.dataclass(frozen=True)
class ErrorClass:
    """`amplification` bounds the normwise error relative to the direct sum's.

    `spreads` says what reaches outputs whose sum does not contain it: "rounding", so that a large sample costs faint
    ones far away their digits, and a NaN or inf costs them everything; "non-finite", a NaN or inf alone; or "nothing".
    """

    amplification: float
    spreads: Literal["nothing", "non-finite", "rounding"]
    why: str


CLASSES = MappingProxyType(
    {
        "direct": ErrorClass(1.0, "nothing", "each output is the sum of its products"),
        "fft": ErrorClass(
            2.0,
            "rounding",
            "O(u log n) normwise (Higham § 24.1): above the direct sum's error for few taps, below it for many",
        ),
        "toeplitz": ErrorClass(1.0, "non-finite", "the direct sum, with products by zero added to it"),
        "outer_product": ErrorClass(2.0, "nothing", "the direct sum's products, each rounded once more for every axis"),
        "separable": ErrorClass(2.0, "rounding", "several terms, which cancel each other where the kernel is small"),
        "winograd4": ErrorClass(
            8.0, "rounding", "transforms of norm up to 10; measured 4 to 6 times the direct sum's error"
        ),
    }
)

DEFAULT_AMPLIFICATION = 8.0
"""What `algorithm="auto"` admits at default precision."""
