"""What is known of a recursion before its program is traced, and the form that follows from it."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import jax
import numpy as np

from jconv.signal.recursion._roots import sections_of

Pair = tuple[jax.Array, jax.Array]


class Plan(NamedTuple):
    """What is known of a cascade while its program is traced.

    form : "sections" of order 1 or 2 in blocks; one long section by its "poles", by "delays" or as a "loop"
    size : samples in a block
    powers : whether blocks are joined by powers of their transition, or one after another
    zeros, poles : where the numerator and the denominator are not zero; None where that is not known, or everywhere
    """

    form: str
    size: int = 32
    powers: bool = True
    zeros: tuple[int, ...] | None = None
    poles: tuple[int, ...] | None = None


# Poles up to which a denominator is split into sections.
_SPLIT = 24
# The shortest delay, in samples, that is worth a step of its own; and taps from which on delays are looked for.
_DELAY, _LONG = 16, 32
# Coefficients that are added up one by one.
_FEW = 24
# By how much a block may amplify what comes into an unstable filter.
_GROWTH = 16.0


def plan_sections(denominators: np.ndarray | None, sections: int, n: int) -> Plan:
    """Return the plan of sections of order 1 or 2 on `n` samples, whose `denominators` are known, or None."""
    states = 2 * sections
    size = 32 if states <= 8 else 64 if states <= 16 else 128
    radius = 1.0
    if denominators is not None:
        finite = denominators[np.isfinite(denominators).all(axis=1)]
        radius = max([1.0, *(np.abs(np.roots(row)).max(initial=0) for row in finite)])
    if radius**size <= _GROWTH and radius**n <= 1e3:
        return Plan("sections", size)
    return Plan("sections", 1 << int(min(math.log(_GROWTH) / math.log(radius), size)).bit_length() - 1 or 1, False)


def plan_direct(b: np.ndarray, a: np.ndarray) -> tuple[Plan, np.ndarray]:
    """Plan one long section with known b and a of one length, a[0] = 1, and return its poles as sections of order 2."""
    return _plan_direct(b.tobytes(), a.tobytes(), b.dtype.str, a.dtype.str)


@functools.lru_cache(maxsize=512)
def _plan_direct(b: bytes, a: bytes, b_type: str, a_type: str) -> tuple[Plan, np.ndarray]:
    numerator, denominator = np.frombuffer(b, b_type), np.frombuffer(a, a_type)
    zeros, poles = tuple(np.flatnonzero(numerator).tolist()), tuple(np.flatnonzero(denominator).tolist())
    none = np.zeros((0, 2, 3))
    few = zeros if len(zeros) <= _FEW else None
    shortest, order = poles[1], poles[-1]
    if order >= _LONG and shortest >= _DELAY and len(poles) <= _FEW:
        return Plan("delays", zeros=few, poles=poles), none
    if order <= _SPLIT and np.isrealobj(numerator) and np.isrealobj(denominator):
        sections = sections_of(denominator[: order + 1])
        if sections is not None:
            states = 2 * len(sections)
            size = 32 if states <= 8 else 64 if states <= 16 else 128
            return Plan("poles", size, zeros=few, poles=poles), sections
    return Plan("loop"), none
