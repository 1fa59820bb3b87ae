"""Quadrature rules as plain values: which nodes, how many, and whether an unbounded piece may be mapped onto them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jax.typing import DTypeLike

from jconv._core import check
from jconv.continuous import _nodes as nodes
from jconv.continuous._nodes import Table


@dataclass(frozen=True)
class Rule:
    """The base class of the rules that integrate one piece between two breakpoints.

    Parameters
    ----------
    n : int
        Nodes per piece.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is too small, or even where it must be odd.

    Notes
    -----
    A subclass states whether it may be mapped to a half-line by x = a + u/(1-u) (`unbounded`), whether its nodes
    include the ends (`closed`), whether its inner rule exists for an odd number of nodes only (`odd`), and the smallest
    `n` that leaves an error estimate (`fewest`).

    Examples
    --------
    >>> isinstance(GaussLegendre(20), Rule)
    True
    """

    n: int

    unbounded: ClassVar[bool] = True
    closed: ClassVar[bool] = False
    odd: ClassVar[bool] = False
    fewest: ClassVar[int] = 2

    def __post_init__(self) -> None:
        name = f"{type(self).__name__}.n"
        check.positive_int(name, self.n)
        if self.n < self.fewest:
            raise ValueError(f"`{name}` must be at least {self.fewest}, got {self.n}; fewer leave no error estimate")
        if self.odd and self.n % 2 == 0:
            raise ValueError(
                f"`{name}` must be odd, got {self.n}; pass {self.n + 1}, whose inner rule shares its nodes"
            )

    def table(self, dtype: DTypeLike) -> Table:
        """Nodes, weights and null rules on [0, 1] for working precision `dtype`."""
        raise NotImplementedError


@dataclass(frozen=True)
class GaussLegendre(Rule):
    """Gauss–Legendre quadrature: exact for polynomials of degree 2n-1.

    Parameters
    ----------
    n : int
        Nodes per piece, at least 2. Default 96.

    Notes
    -----
    The error comes from the last Legendre coefficients that the samples determine.

    Examples
    --------
    >>> GaussLegendre(20)
    GaussLegendre(n=20)
    """

    n: int = 96

    def table(self, dtype: DTypeLike) -> Table:
        return nodes.gauss_legendre(self.n)


@dataclass(frozen=True)
class GaussKronrod(Rule):
    """Gauss–Kronrod quadrature of n = 2m+1 nodes: exact to degree 3m+1.

    Parameters
    ----------
    n : int
        Nodes per piece, odd, at least 3. Default 61.

    Notes
    -----
    The error is the difference from the Gauss rule of m nodes inside it.

    Examples
    --------
    >>> GaussKronrod(15)
    GaussKronrod(n=15)
    """

    n: int = 61
    odd: ClassVar[bool] = True
    fewest: ClassVar[int] = 3

    def table(self, dtype: DTypeLike) -> Table:
        return nodes.gauss_kronrod(self.n)


@dataclass(frozen=True)
class ClenshawCurtis(Rule):
    """Clenshaw–Curtis quadrature: exact to degree n-1, for bounded pieces; the ends are nodes.

    Parameters
    ----------
    n : int
        Nodes per piece, odd, at least 3. Default 129.

    Notes
    -----
    The error is the difference from the nested rule of (n+1)/2 nodes.

    Examples
    --------
    >>> ClenshawCurtis(33)
    ClenshawCurtis(n=33)
    """

    n: int = 129
    unbounded: ClassVar[bool] = False
    closed: ClassVar[bool] = True
    odd: ClassVar[bool] = True
    fewest: ClassVar[int] = 3

    def table(self, dtype: DTypeLike) -> Table:
        return nodes.clenshaw_curtis(self.n)


@dataclass(frozen=True)
class TanhSinh(Rule):
    """Tanh–sinh quadrature: end singularities such as x^(-1/2) or log x cost nothing; exp–sinh on a half-line.

    Parameters
    ----------
    n : int
        Nodes per piece, odd, at least 5. Default 161.

    Notes
    -----
    The error is the difference of the two rules of doubled step inside it: about the square root of the true error,
    until more nodes bring both to rounding.

    Examples
    --------
    >>> TanhSinh(81)
    TanhSinh(n=81)
    """

    n: int = 161
    odd: ClassVar[bool] = True
    fewest: ClassVar[int] = 5

    def table(self, dtype: DTypeLike) -> Table:
        # Near enough for x^(-4/5), far enough that the derivatives of x^(-1/2) do not overflow there.
        return nodes.tanh_sinh(self.n, 1e-100 if jnp.finfo(dtype).bits == 64 else 1e-24)
