"""Rules for integrands of which more is declared than where they are smooth: a weight, or a period."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import hermite, laguerre

from jconv._core import check
from jconv.continuous._nodes import Table
from jconv.continuous._quadrature import Points


@dataclass(frozen=True)
class DeclaredRule:
    """A rule with its own nodes x on the line, free of supports and breakpoints."""

    n: int = 64

    def __post_init__(self) -> None:
        name = f"{type(self).__name__}.n"
        check.positive_int(name, self.n)
        if not 4 <= self.n <= 180:
            raise ValueError(f"`{name}` must lie in [4, 180], got {self.n}; more nodes underflow, fewer show no error")

    def table(self, dtype: Any) -> Table:
        """Weights and null rules in units of `scale`; the nodes are those of `points`."""
        raise NotImplementedError

    def points(self, t: jax.Array) -> Points:
        """The nodes x and t - x at a scalar `t`, as one segment."""
        raise NotImplementedError


def _one_segment(x: jax.Array, t: jax.Array, scale: Any) -> Points:
    x = x[None]
    y = t - x
    return Points(x, y, jnp.broadcast_to(jnp.asarray(scale, x.dtype), x.shape), x, y, weighted=True)


def _null(diagonal: np.ndarray, off: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rows that give the last three coefficients in the orthonormal polynomials of a weight.

    The k-th component of an eigenvector of the Jacobi matrix is sqrt(w_i) p_k(x_i): no polynomial overflows.
    """
    _, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    # The sign of an eigenvector is free; that of p_{n-1} alternates from node to node, as zeros interlace.
    sign = np.sign(vectors[-1]) * (-1.0) ** np.arange(len(diagonal))[::-1]
    return vectors[-3:] * sign * np.sqrt(weights * weights.sum())


@dataclass(frozen=True)
class GaussHermite(DeclaredRule):
    """Gauss–Hermite: f stands for f(x) exp(-(x - mean)²/(2 std²)) on the whole line.

    Exact where f(x) g(t - x) is a polynomial of degree up to 2n-1. `mean` and `std` may be traced.
    """

    mean: Any = 0.0
    std: Any = 1.0

    def table(self, dtype: Any) -> Table:
        x, w = hermite.hermgauss(self.n)
        return Table(x, x, w, _null(np.zeros(self.n), np.sqrt(np.arange(1, self.n) / 2), w))

    def points(self, t: jax.Array) -> Points:
        scale = math.sqrt(2) * jnp.asarray(self.std, t.dtype)
        return _one_segment(self.mean + scale * jnp.asarray(self.table(t.dtype).left, t.dtype), t, scale)


@dataclass(frozen=True)
class GaussLaguerre(DeclaredRule):
    """Gauss–Laguerre: f stands for f(x) exp(-rate (x - start)) on (start, inf).

    Exact where f(x) g(t - x) is a polynomial of degree up to 2n-1. `start` and `rate` may be traced.
    """

    start: Any = 0.0
    rate: Any = 1.0

    def table(self, dtype: Any) -> Table:
        x, w = laguerre.laggauss(self.n)
        return Table(x, x, w, _null(2 * np.arange(self.n) + 1.0, np.arange(1.0, self.n), w))

    def points(self, t: jax.Array) -> Points:
        scale = 1 / jnp.asarray(self.rate, t.dtype)
        return _one_segment(self.start + scale * jnp.asarray(self.table(t.dtype).left, t.dtype), t, scale)


@dataclass(frozen=True)
class PeriodicTrapezoid(DeclaredRule):
    """The trapezoidal rule over one period of two functions that share it: spectral where they are smooth.

    The convolution is that over one period, ∫ f(x) g(t - x) dx for x in (0, period). `n` even; `period` may be traced.
    L. N. Trefethen and J. A. C. Weideman, "The exponentially convergent trapezoidal rule", SIAM Rev. 56 (2014).
    """

    period: Any = 2 * np.pi

    def __post_init__(self) -> None:
        check.positive_int("PeriodicTrapezoid.n", self.n)
        if self.n % 2:
            raise ValueError(f"`PeriodicTrapezoid.n` must be even, got {self.n}; pass {self.n + 1}")

    def table(self, dtype: Any) -> Table:
        k = np.arange(self.n)
        weights = np.full(self.n, 1 / self.n)
        null = [weights * np.where(k % 2, -1, 1), 2 * weights * np.cos(2 * np.pi * (self.n // 2 - 1) * k / self.n)]
        null.append(2 * weights * np.sin(2 * np.pi * (self.n // 2 - 1) * k / self.n))
        return Table(k / self.n, 1 - k / self.n, weights, np.stack(null))

    def points(self, t: jax.Array) -> Points:
        period = jnp.asarray(self.period, t.dtype)
        return _one_segment(period * jnp.asarray(np.arange(self.n) / self.n, t.dtype), t, period)
