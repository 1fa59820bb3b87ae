"""A kernel whose numbers are known while a program is traced, as a short sum of separable ones.

    w[k₁, …, kₙ] ≈ Σ_r a_r[k₁] ⋯ z_r[kₙ]

(`jconv._core.separable` finds the terms.) An output of the sum errs by at most ‖w − w_R‖ times the norm of the samples
under the kernel (Cauchy & Schwarz).
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib

import numpy as np

from jconv._core import separable
from jconv._core.arrays import ArrayLike
from jconv._core.concrete import is_traced

Terms = tuple[tuple[np.ndarray, ...], ...]

ROUNDING = 2.0
"""The error that counts as rounding, in units of the dtype's eps."""

MAX_TAPS = 1 << 14
"""For more taps the decomposition itself would take longer than it saves (a heuristic)."""


@dataclasses.dataclass(frozen=True)
class SeparableKernel:
    """The terms of a kernel, each a tuple of one vector for each axis; two kernels are equal if their numbers are."""

    terms: Terms = dataclasses.field(compare=False)
    is_exact: bool = False
    """Whether the sum of the terms equals the kernel to rounding in every entry."""
    digest: bytes = dataclasses.field(default=b"", init=False)

    def __post_init__(self) -> None:
        numbers = hashlib.sha256()
        for factor in (factor for term in self.terms for factor in term):
            numbers.update(repr((factor.shape, factor.dtype.str)).encode() + factor.tobytes())
        object.__setattr__(self, "digest", numbers.digest())

    def __repr__(self) -> str:
        return f"SeparableKernel({len(self.terms)} terms)"

    def reversed(self) -> SeparableKernel:
        """Return the terms of the kernel that is reversed along all axes."""
        terms = tuple(tuple(factor[::-1] for factor in term) for term in self.terms)
        return SeparableKernel(terms, self.is_exact)


def decompose(kernel: ArrayLike, dtype: str, error: float | None = None) -> SeparableKernel | None:
    """Return the separable form of a kernel, or None where its numbers are not known, or passes could not be cheaper.

    Without `error` only a kernel that is one outer product is decomposed, to the rounding of `dtype` in every entry.
    With it, the fewest terms are taken for which ‖w − w_R‖ ≤ error ‖w‖.
    """
    if is_traced(kernel):
        return None
    taps = np.shape(kernel)
    if len(taps) < 2 or not 2 * sum(taps) < int(np.prod(taps)) <= MAX_TAPS:
        return None
    values = np.asarray(kernel)
    wide = np.ascontiguousarray(values, np.complex128 if values.dtype.kind == "c" else np.float64)
    if not np.isfinite(wide).all():
        return None
    return _decompose(wide.tobytes(), wide.shape, wide.dtype.str, ROUNDING * float(np.finfo(dtype).eps), error)


@functools.lru_cache(maxsize=64)
def _decompose(
    values: bytes, shape: tuple[int, ...], dtype: str, rounding: float, error: float | None
) -> SeparableKernel | None:
    array = np.frombuffer(values, dtype).reshape(shape)
    factors = separable.factor_exactly(array, rounding)
    if factors is not None:
        return SeparableKernel((factors,), is_exact=True)
    if error is None:
        return None
    terms = tuple(separable.within(array, max(error, rounding)))
    return SeparableKernel(terms) if len(terms) * sum(shape) < np.prod(shape) else None
