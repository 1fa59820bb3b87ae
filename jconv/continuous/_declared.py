"""Rules for integrands of which more is declared than where they are smooth: a weight, or a period."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import hermite, laguerre

from jconv._core import check
from jconv.continuous._nodes import Table
from jconv.continuous._placement import Nodes
from jconv.continuous._types import Real


@dataclass(frozen=True)
class DeclaredRule:
    """A rule with its own nodes x on the line, free of supports and breakpoints; `n` nodes."""

    n: int = 64

    def __post_init__(self) -> None:
        name = f"{type(self).__name__}.n"
        check.positive_int(name, self.n)
        if not 4 <= self.n <= 180:
            raise ValueError(f"`{name}` must lie in [4, 180], got {self.n}; more nodes underflow, fewer show no error")

    def table(self) -> Table:
        """Weights and null rules in units of the scale; the places of the nodes are those of `nodes`."""
        raise NotImplementedError

    def nodes(self, t: jax.Array) -> Nodes:
        """Return the nodes x and t - x at a scalar `t`, as one segment."""
        raise NotImplementedError


def _one_segment(x: jax.Array, t: jax.Array, scale: jax.Array) -> Nodes:
    x = x[None]
    y = t - x
    return Nodes(x, y, jnp.broadcast_to(jnp.asarray(scale, x.dtype), x.shape), x, y, jnp.zeros_like(x))


def _null_rules(diagonal: np.ndarray, off: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rows that give the last three coefficients in the orthonormal polynomials of a weight.

    The k-th component of an eigenvector of the Jacobi matrix is sqrt(w_i) p_k(x_i): no polynomial overflows.
    """
    _, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    # The sign of an eigenvector is free; that of p_{n-1} alternates from node to node, as zeros interlace.
    sign = np.sign(vectors[-1]) * (-1.0) ** np.arange(len(diagonal))[::-1]
    return vectors[-3:] * sign * np.sqrt(weights * weights.sum())


@lru_cache
def _hermite_table(n: int) -> Table:
    x, w = hermite.hermgauss(n)
    return Table(x, x, w, _null_rules(np.zeros(n), np.sqrt(np.arange(1, n) / 2), w))


@lru_cache
def _laguerre_table(n: int) -> Table:
    x, w = laguerre.laggauss(n)
    return Table(x, x, w, _null_rules(2 * np.arange(n) + 1.0, np.arange(1.0, n), w))


@lru_cache
def _trapezoid_table(n: int) -> Table:
    k = np.arange(n)
    weights = np.full(n, 1 / n)
    angle = 2 * np.pi * (n // 2 - 1) * k / n
    null = [weights * np.where(k % 2, -1, 1), 2 * weights * np.cos(angle), 2 * weights * np.sin(angle)]
    return Table(k / n, 1 - k / n, weights, np.stack(null))


@dataclass(frozen=True)
class GaussHermite(DeclaredRule):
    """Gauss–Hermite quadrature: f stands for f(x) exp(-(x - mean)²/(2 std²)) on the whole line.

    Parameters
    ----------
    n : int
        Nodes, 4 to 180. Default 64.
    mean, std : scalars
        Centre and width of the weight; may be traced. Default 0 and 1.

    Notes
    -----
    Exact where f(x) g(t - x) is a polynomial of degree up to 2n-1.

    Examples
    --------
    >>> GaussHermite(16, std=2.0)
    GaussHermite(n=16, mean=0.0, std=2.0)
    """

    mean: Real = 0.0
    std: Real = 1.0

    def table(self) -> Table:
        return _hermite_table(self.n)

    def nodes(self, t: jax.Array) -> Nodes:
        scale = math.sqrt(2) * jnp.asarray(self.std, t.dtype)
        return _one_segment(jnp.asarray(self.mean, t.dtype) + scale * jnp.asarray(self.table().left, t.dtype), t, scale)


@dataclass(frozen=True)
class GaussLaguerre(DeclaredRule):
    """Gauss–Laguerre quadrature: f stands for f(x) exp(-rate (x - start)) on (start, inf).

    Parameters
    ----------
    n : int
        Nodes, 4 to 180. Default 64.
    start, rate : scalars
        Where the weight begins and how fast it decays; may be traced. Default 0 and 1.

    Notes
    -----
    Exact where f(x) g(t - x) is a polynomial of degree up to 2n-1.

    Examples
    --------
    >>> GaussLaguerre(16)
    GaussLaguerre(n=16, start=0.0, rate=1.0)
    """

    start: Real = 0.0
    rate: Real = 1.0

    def table(self) -> Table:
        return _laguerre_table(self.n)

    def nodes(self, t: jax.Array) -> Nodes:
        scale = 1 / jnp.asarray(self.rate, t.dtype)
        return _one_segment(
            jnp.asarray(self.start, t.dtype) + scale * jnp.asarray(self.table().left, t.dtype), t, scale
        )


@dataclass(frozen=True)
class PeriodicTrapezoid(DeclaredRule):
    """The trapezoidal rule over one period of two functions that share it: spectral where they are smooth.

    The convolution is that over one period, ∫ f(x) g(t - x) dx for x in (0, period).

    Parameters
    ----------
    n : int
        Nodes, even. Default 64.
    period : scalar
        May be traced. Default 2π.

    Notes
    -----
    L. N. Trefethen and J. A. C. Weideman, "The exponentially convergent trapezoidal rule", SIAM Rev. 56 (2014).

    Examples
    --------
    >>> PeriodicTrapezoid(32, period=1.0)
    PeriodicTrapezoid(n=32, period=1.0)
    """

    period: Real = 2 * np.pi

    def __post_init__(self) -> None:
        check.positive_int("PeriodicTrapezoid.n", self.n)
        if self.n % 2:
            raise ValueError(f"`PeriodicTrapezoid.n` must be even, got {self.n}; pass {self.n + 1}")

    def table(self) -> Table:
        return _trapezoid_table(self.n)

    def nodes(self, t: jax.Array) -> Nodes:
        period = jnp.asarray(self.period, t.dtype)
        return _one_segment(period * jnp.asarray(np.arange(self.n) / self.n, t.dtype), t, period)
