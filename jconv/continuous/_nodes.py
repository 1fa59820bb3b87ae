"""Nodes and weights of the classical rules on [0, 1], in float64 NumPy, computed once and remembered.

A node is stored as its distances from *both* ends, each to full relative accuracy. That is what lets a rule look at
x^(-1/2) a distance 1e-300 from its singularity, and lets the map u/(1-u) to a half-line reach 1e60.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_WATCHED, _STRIDE = 16, 4
"""The effect of rounding is estimated at 16 nodes of a rule at least, and at every fourth."""


@dataclass(frozen=True, eq=False)
class Table:
    """One rule on [0, 1]. Tables are made once for each rule and compare by identity, so that `jit` can key on them.

    left, right: distances of the n nodes from 0 and from 1, nodes ascending. weights: n, of sum 1.
    null: (m, n), m >= 1; rows that annihilate what the rule resolves, and the largest |null @ F| bounds the error.
    watched: rounding is estimated at this many of the first nodes; None: at all.
    """

    left: np.ndarray
    right: np.ndarray
    weights: np.ndarray
    null: np.ndarray
    watched: int | None = None


@lru_cache
def watched_first(table: Table) -> Table:
    """Return the rule with the watched nodes in front, ascending and spread evenly, both outermost ones among them.

    In front, since XLA vectorises loops over neighbours in memory only.
    """
    n = len(table.left)
    count = -(-n // min(max(1, n // _WATCHED), _STRIDE))
    front = np.round(np.linspace(0, n - 1, count)).astype(int)
    order = np.concatenate([front, np.setdiff1d(np.arange(n), front)])
    return Table(table.left[order], table.right[order], table.weights[order], table.null[:, order], count)


def _symmetric(x: np.ndarray, weights: np.ndarray, null: np.ndarray) -> Table:
    """Return the table of a rule given on [-1, 1] by ascending nodes."""
    left, right, weights, null = (np.asarray(v / 2, float) for v in (1 + x, 1 - x, weights, null))
    return Table(left, right, weights, null)


@lru_cache
def legendre_points(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the n Gauss–Legendre nodes on [-1, 1], ascending, and weights, by Newton's method in O(n²) operations."""
    x, w = legendre_points_extended(n)
    return x.astype(float), w.astype(float)


@lru_cache
def legendre_points_extended(n: int) -> tuple[np.ndarray, np.ndarray]:
    """`legendre_points` in NumPy's longest floating type, so that weights and polynomials are right to the last bit."""
    k = np.arange(1, n + 1, dtype=np.longdouble)
    x = -np.cos(np.longdouble(np.pi) * (4 * k - 1) / (4 * n + 2))
    slope = np.ones_like(x)
    for _ in range(7):
        values = legendre_values(x, n + 1)
        slope = n * (x * values[n] - values[n - 1]) / (x**2 - 1)
        x = x - values[n] / slope
    x = (x - x[::-1]) / 2
    w = 2 / ((1 - x**2) * slope**2)
    w = (w + w[::-1]) / 2
    return x, w * (2 / w.sum())


def legendre_values(x: np.ndarray, count: int) -> np.ndarray:
    """P_0 … P_{count-1} at `x`, (count, len(x)), in the type of `x`."""
    values = np.ones((count, len(x)), x.dtype)
    if count > 1:
        values[1] = x
    for k in range(1, count - 1):
        values[k + 1] = ((2 * k + 1) * x * values[k] - k * values[k - 1]) / (k + 1)
    return values


@lru_cache
def gauss_legendre(n: int) -> Table:
    """Gauss–Legendre; its null rules are the last Legendre coefficients that n samples determine."""
    x, w = legendre_points_extended(n)
    degrees = range(max(n - 4, 1 if n > 1 else 0), n)
    return _symmetric(x, w, _coefficients(degrees, x, w))


def _coefficients(degrees: range, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Rows that give twice the Legendre coefficients of these degrees of what a rule samples."""
    degree = np.asarray(degrees)
    return (2 * degree[:, None] + 1) * w * legendre_values(x, degree[-1] + 1)[degree]


@lru_cache
def gauss_kronrod(n: int) -> Table:
    """Gauss–Kronrod, n odd; the null rule is its difference from the Gauss rule of (n-1)/2 nodes.

    D. P. Laurie, "Calculation of Gauss–Kronrod quadrature rules", Math. Comp. 66 (1997) 1133–1145.
    """
    m = (n - 1) // 2
    k = np.arange(1, (3 * m + 1) // 2 + 1)
    b = np.zeros(2 * m + 1)  # squared off-diagonal of the Jacobi–Kronrod matrix; its diagonal is zero for Legendre
    b[0] = 2.0
    b[1 : len(k) + 1] = k**2 / (4.0 * k**2 - 1)
    s = np.zeros(m // 2 + 2)
    t = np.zeros(m // 2 + 2)
    t[1] = b[m + 1]
    for i in range(m - 1):
        j = np.arange((i + 1) // 2, -1, -1)
        s[j + 1] = np.cumsum(b[j + m + 1] * s[j] - b[i - j] * s[j + 1])
        s, t = t, s
    s[1:] = s[:-1].copy()
    for i in range(m - 1, 2 * m - 2):
        j = np.arange(i + 1 - m, (i - 1) // 2 + 1)
        l = m - 1 - (i - j)
        s[l + 1] = np.cumsum(-b[j + m + 1] * s[l + 1] + b[i - j] * s[l + 2])
        if i % 2:
            half = (i + 1) // 2
            b[half + m + 1] = s[l[-1] + 1] / s[l[-1] + 2]
        s, t = t, s
    off = np.sqrt(b[1:])
    x, vectors = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    x = (x - x[::-1]) / 2
    w = 2 * vectors[0] ** 2
    w = (w + w[::-1]) / 2
    null = w.copy()
    null[1::2] -= legendre_points(m)[1]
    # The difference alone can vanish by chance where nothing is resolved; a few Legendre coefficients cannot as well.
    more = _coefficients(range(max(1, 3 * m // 2 - 1), 3 * m // 2 + 2), x, w)
    return _symmetric(x, w, np.concatenate([null[None], more]))


def _cosine_weights(n: int) -> np.ndarray:
    """Weights of the Clenshaw–Curtis rule of n nodes on [-1, 1]: the moments of the cosines, transformed."""
    N = n - 1
    theta = np.pi * np.arange(n) / N
    k = np.arange(1, N // 2 + 1)
    b = np.where(2 * k == N, 1.0, 2.0)
    w = (1 - np.cos(2 * np.outer(theta, k)) @ (b / (4 * k**2 - 1))) * 2 / N
    w[[0, -1]] /= 2
    return w


@lru_cache
def clenshaw_curtis(n: int) -> Table:
    """Clenshaw–Curtis, n odd; the null rule is its difference from the nested rule of (n+1)/2 nodes."""
    theta = np.pi * np.arange(n) / (n - 1)
    left = np.sin(theta / 2) ** 2
    w = _cosine_weights(n)
    null = w.copy()
    null[::2] -= _cosine_weights((n + 1) // 2)
    return Table(left, left[::-1], w / 2, null[None] / 2)


@lru_cache
def tanh_sinh(n: int, smallest: float) -> Table:
    """Tanh–sinh with n nodes, none nearer to an end than `smallest`.

    One null rule compares the two interleaved rules of the doubled step; two more watch what is cut off at the ends.

    u = 1/(1 + exp(-pi sinh tau)), so that u/(1-u) = exp(pi sinh tau): on a half-line it is the exp–sinh rule.
    H. Takahasi and M. Mori, "Double exponential formulas for numerical integration", Publ. RIMS 9 (1974) 721–741.
    """
    reach = np.arcsinh(-np.log(smallest) / np.pi)
    step = 2 * reach / (n - 1)
    tau = step * (np.arange(n) - (n - 1) / 2)
    v = np.pi * np.sinh(tau)
    left, right = 1 / (1 + np.exp(-v)), 1 / (1 + np.exp(v))
    w = step * np.pi * np.cosh(tau) * left * right
    null = w.copy()
    null[1::2] *= -1
    ends = np.zeros((2, n))
    ends[0, 0] = ends[1, -1] = 4 * w[0]
    return Table(left, right, w, np.concatenate([null[None], ends]))
