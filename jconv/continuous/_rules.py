"""Quadrature rules as plain values: which nodes, how many, and whether an unbounded piece may be mapped onto them."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp

from jconv._core import check
from jconv.continuous import _nodes as nodes
from jconv.continuous._nodes import Table


@dataclass(frozen=True)
class Rule:
    """A rule on [0, 1]; `n` nodes per piece between two breakpoints.

    `unbounded`: it may be carried to a half-line by x = a + u/(1-u). `closed`: its nodes include the ends. `odd`: only
    an odd number of nodes holds those of its inner rule.
    """

    n: int

    unbounded = True
    closed = False
    odd = False
    fewest = 2

    def __post_init__(self) -> None:
        name = f"{type(self).__name__}.n"
        check.positive_int(name, self.n)
        if self.n < self.fewest:
            raise ValueError(f"`{name}` must be at least {self.fewest}, got {self.n}; fewer leave no error estimate")
        if self.odd and self.n % 2 == 0:
            raise ValueError(
                f"`{name}` must be odd, got {self.n}; pass {self.n + 1}, whose inner rule shares its nodes"
            )

    def table(self, dtype) -> Table:
        """Nodes, weights and null rules on [0, 1] for working precision `dtype`."""
        raise NotImplementedError


@dataclass(frozen=True)
class GaussLegendre(Rule):
    """Gauss–Legendre: exact for polynomials of degree 2n-1; the error from the last Legendre coefficients seen."""

    n: int = 96

    def table(self, dtype) -> Table:
        return nodes.gauss_legendre(self.n)


@dataclass(frozen=True)
class GaussKronrod(Rule):
    """Gauss–Kronrod of n = 2m+1 nodes: exact to degree 3m+1; the error against the Gauss rule of m nodes inside it."""

    n: int = 61
    odd = True
    fewest = 3

    def table(self, dtype) -> Table:
        return nodes.gauss_kronrod(self.n)


@dataclass(frozen=True)
class ClenshawCurtis(Rule):
    """Clenshaw–Curtis: exact to degree n-1, the ends are nodes; the error against the nested rule. Bounded only."""

    n: int = 129
    unbounded = False
    closed = True
    odd = True
    fewest = 3

    def table(self, dtype) -> Table:
        return nodes.clenshaw_curtis(self.n)


@dataclass(frozen=True)
class TanhSinh(Rule):
    """Tanh–sinh: endpoint singularities such as x^(-1/2) or log x cost nothing; exp–sinh on a half-line.

    The error is estimated against the two rules of doubled step inside it.
    """

    n: int = 161
    odd = True
    fewest = 5

    def table(self, dtype) -> Table:
        # Near enough for x^(-4/5), far enough that the derivatives of x^(-1/2) do not overflow there.
        return nodes.tanh_sinh(self.n, 1e-100 if jnp.finfo(dtype).bits == 64 else 1e-24)
