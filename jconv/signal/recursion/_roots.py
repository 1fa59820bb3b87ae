"""A known denominator as sections of order 2, right to all digits.

Roundings move poles that lie close together far: in double precision the eigenvalues of a denominator's companion
matrix are off by a thousandth where cut-offs are low. So they are only where a simultaneous iteration in 60 decimal
digits begins, which takes the coefficients as the exact numbers that they are.

Source: Ehrlich, Comm. ACM 10 (1967), and Aberth, Math. Comp. 27 (1973), for the iteration.
"""

from __future__ import annotations

import decimal
from decimal import Decimal

import numpy as np

Complex = tuple[Decimal, Decimal]

_DIGITS = 60
_ITERATIONS = 100
# The largest pole that counts as stable.
_RADIUS = 1 + 1e-9


def sections_of(a: np.ndarray) -> np.ndarray | None:
    """Sections (S, 2, 3) with numerators 1 whose denominators multiply to `a`, which begins with 1; the widest last.

    None where a pole lies outside the unit circle or the iteration fails.
    """
    if a.size <= 3:
        return _rows([np.pad(a, (0, 3 - a.size))[1:]])
    if not np.isfinite(a).all():
        return None
    starts = np.roots(a)
    if starts.size < a.size - 1 or np.abs(starts).max() > 2:
        return None
    with decimal.localcontext() as context:
        context.prec = _DIGITS
        for attempt in (starts, _scatter(starts)):
            roots = _iterate([Decimal(float(v)) for v in a], attempt)
            pairs = None if roots is None else _pairs(roots)
            if roots is None or pairs is None or not _multiply_to(pairs, a):
                continue
            if max(abs(complex(float(x), float(y))) for x, y in roots) > _RADIUS:
                return None
            return _rows([np.array([float(first), float(second)]) for first, second in pairs])
    return None


def _rows(denominators: list[np.ndarray]) -> np.ndarray:
    rows = [[[1, 0, 0], [1, *d]] for d in sorted(denominators, key=lambda d: np.abs(np.roots([1, *d])).max(initial=0))]
    return np.array(rows, np.float64)


def _scatter(starts: np.ndarray) -> np.ndarray:
    """Move the real ones of the starts off the axis in pairs, where two of them may be a complex pair."""
    real = np.flatnonzero(np.imag(starts) == 0)
    moved = starts.astype(complex)
    for i, j in zip(real[::2], real[1::2], strict=False):
        middle = np.real(starts[i] + starts[j]) / 2
        moved[i], moved[j] = middle + 1e-3j, middle - 1e-3j
    return moved


def _iterate(a: list[Decimal], starts: np.ndarray) -> list[Complex] | None:
    """All roots, in turn: Newton's step, corrected by the repulsion of the others."""
    roots = [(Decimal(float(z.real)), Decimal(float(z.imag))) for z in starts]
    enough = Decimal(10) ** (-_DIGITS // 2)
    try:
        for _ in range(_ITERATIONS):
            largest = Decimal(0)
            for i, z in enumerate(roots):
                step = _step(a, roots, i)
                roots[i] = z[0] - step[0], z[1] - step[1]
                largest = max(largest, abs(step[0]) + abs(step[1]))
            if largest < enough:
                break
    except decimal.DecimalException:  # two roots have met exactly
        return None
    return roots


def _step(a: list[Decimal], roots: list[Complex], i: int) -> Complex:
    z = roots[i]
    value, slope = (a[0], Decimal(0)), (Decimal(0), Decimal(0))
    for c in a[1:]:
        slope = _add(_multiply(slope, z), value)
        value = _add(_multiply(value, z), (c, Decimal(0)))
    if value == (0, 0):
        return value
    repulsion = (Decimal(0), Decimal(0))
    for j, other in enumerate(roots):
        if j != i:
            repulsion = _add(repulsion, _divide((Decimal(1), Decimal(0)), (z[0] - other[0], z[1] - other[1])))
    across = _multiply(value, repulsion)
    return _divide(value, (slope[0] - across[0], slope[1] - across[1]))


def _add(p: Complex, q: Complex) -> Complex:
    return p[0] + q[0], p[1] + q[1]


def _multiply(p: Complex, q: Complex) -> Complex:
    return p[0] * q[0] - p[1] * q[1], p[0] * q[1] + p[1] * q[0]


def _divide(p: Complex, q: Complex) -> Complex:
    size = q[0] * q[0] + q[1] * q[1]
    return (p[0] * q[0] + p[1] * q[1]) / size, (p[1] * q[0] - p[0] * q[1]) / size


def _pairs(roots: list[Complex]) -> list[tuple[Decimal, Decimal]] | None:
    """(a_1, a_2) of each conjugate pair, and of real roots two and two; None where a root has no partner."""
    small = Decimal(10) ** (-_DIGITS // 4)
    real = sorted((z[0] for z in roots if abs(z[1]) <= small), key=abs)
    upper, lower = ([z for z in roots if sign * z[1] > small] for sign in (1, -1))
    if len(upper) != len(lower):
        return None
    pairs = [(-2 * x, x * x + y * y) for x, y in upper]
    real = real if len(real) % 2 == 0 else [Decimal(0), *real]
    return pairs + [(-(r + s), r * s) for r, s in zip(real[::2], real[1::2])]


def _multiply_to(pairs: list[tuple[Decimal, Decimal]], a: np.ndarray) -> bool:
    """Whether the sections' product is `a`."""
    product = [Decimal(1)]
    for first, second in pairs:
        padded = [Decimal(0), Decimal(0), *product, Decimal(0), Decimal(0)]
        product = [padded[i] + first * padded[i - 1] + second * padded[i - 2] for i in range(2, len(padded))]
    product += [Decimal(0)] * (a.size - len(product))
    scale = max(abs(v) for v in product)
    wanted = [Decimal(float(v)) for v in a] + [Decimal(0)] * (len(product) - a.size)
    return all(abs(p - w) <= scale * Decimal(10) ** -19 for p, w in zip(product, wanted))
