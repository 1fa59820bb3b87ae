"""Minimal filtering: m outputs of an r-tap correlation from m + r − 1 products (Winograd 1980; Toom, Cook).

F(m, r) writes y[i] = Σ_k x[i + k] w[k], i < m, as y = Aᵀ[(G w) ⊙ (Bᵀ x)]. With distinct points a_j and infinity,
f_j = Π_{k≠j}(a_j − a_k):

    Aᵀ[i, j] = a_j^i,    G[j, k] = a_j^k / f_j,    Bᵀ[j] = coefficients of Π_{k≠j}(z − a_k),

and for infinity the last unit vectors in Aᵀ and G, and the coefficients of Π_k(z − a_k) in Bᵀ.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

# Points of least error for their number (Barabasz, Anderson, Soodhalter, Gregg, ACM TOMS 46, 2020, table 1).
_POINTS = tuple(Fraction(v) for v in ("0", "-1", "1", "1/2", "-2"))


@functools.cache
def transforms(m: int, r: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Aᵀ (m, t), G (t, r), Bᵀ (t, t)) in float64, with t = m + r − 1 at most 6."""
    size = m + r - 1
    points = _POINTS[: size - 1]
    assert len(points) == size - 1, "at most six products"
    at = [[a**i for a in points] + [Fraction(int(i == m - 1))] for i in range(m)]
    g, bt = [], []
    for j, a in enumerate(points):
        others = points[:j] + points[j + 1 :]
        scale = functools.reduce(lambda x, y: x * y, (a - b for b in others), Fraction(1))
        g.append([a**k / scale for k in range(r)])
        bt.append([*_coefficients(others), Fraction(0)])
    g.append([Fraction(int(k == r - 1)) for k in range(r)])
    bt.append(_coefficients(points))
    return np.array(at, dtype=np.float64), np.array(g, dtype=np.float64), np.array(bt, dtype=np.float64)


def _coefficients(roots: Sequence[Fraction]) -> list[Fraction]:
    """Coefficients of Π (z − root), lowest power first."""
    result = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *result]
        result = [high - root * low for high, low in zip(shifted, [*result, Fraction(0)])]
    return result
