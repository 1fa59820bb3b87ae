"""Function objects: piecewise Legendre series, fitted to a function once, then computed with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jconv._core import check, html
from jconv._core.concrete import is_traced
from jconv.continuous import _legendre as legendre
from jconv.continuous._fit import fit_series
from jconv.continuous._series import (
    Series,
    combine,
    evaluate,
    largest_value,
    mirror_degrees,
    resample,
)
from jconv.continuous._series_convolution import convolve_series
from jconv.continuous._types import Points, Real, ScalarFunction

EXTENTS = ("full", "same")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Function:
    """A function on an interval, zero outside, as a Legendre series on each of its pieces.

    `f @ g` and `f.convolve(g)` are the convolution, `f * g` is the pointwise product. Sums live on the union of the
    two domains.

    Parameters
    ----------
    breaks : array (K+1,)
        The ends of the K pieces, ascending.
    coefficients : array (n, K, *channels)
        Legendre coefficients, degrees first; each piece is mapped to [-1, 1].
    error : float or scalar array
        The largest absolute error of the fit, estimated from its last coefficients. Arithmetic and convolution
        propagate it.

    Notes
    -----
    A pytree: a `Function` can be an argument of `jit`, `grad` and `vmap`. Evaluation, arithmetic and convolution are
    differentiable in coefficients and breakpoints. The model is Chebfun's `chebfun`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> f = Function.fit(jnp.exp, (0, 1))
    >>> round(float((2 * f - 1)(0.5)), 4)
    2.2974
    """

    breaks: jax.Array
    coefficients: jax.Array
    error: Real = 0.0

    @classmethod
    def fit(
        cls,
        f: ScalarFunction,
        domain: Points,
        *,
        breaks: Points = (),
        degree: int | None = None,
        rtol: float | None = None,
    ) -> Function:
        """Interpolate `f` at the Gauss–Legendre nodes of every piece.

        Parameters
        ----------
        f : callable
            A function of a scalar that returns a scalar or an array (channels).
        domain : pair of scalars
            (lower, upper), finite; may be traced.
        breaks : sequence of scalars
            Where `f` or a derivative of it jumps: ascending, inside the domain; may be traced. Default none.
        degree : int, optional
            The degree of every piece. By default it is doubled until the last coefficients fall below `rtol`, which
            needs concrete values (outside `jit` and `grad`).
        rtol : float, optional
            Tolerance relative to the largest value. Default: the rounding of the coefficients, (2n + 18) eps. With
            `degree` given, a fit that misses `rtol` warns.

        Returns
        -------
        Function
            Its `error` is the attained absolute error.

        Raises
        ------
        ValueError
            If the domain is empty or infinite, breakpoints lie outside it, or an adaptive fit meets traced values.

        Notes
        -----
        The largest degree is 512. Where that is not enough, an `AccuracyWarning` names the attained error. At a fixed
        degree the coefficients are linear in the values of `f`, and differentiable.

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> F = Function.fit(jnp.exp, (0, 1), degree=20)
        >>> round(float(F.integral()), 6)
        1.718282
        """
        return cls(*fit_series(f, domain, breaks, degree, rtol))

    def __repr__(self) -> str:
        if self._has_values():
            pieces = self.coefficients.shape[1]
            channels = f", channels {self.coefficients.shape[2:]}" if self.coefficients.ndim > 2 else ""
            return (
                f"Function on [{float(self.breaks[0]):g}, {float(self.breaks[-1]):g}]: {pieces} "
                f"{'piece' if pieces == 1 else 'pieces'}, degree {self.degree}{channels}, "
                f"error {float(np.max(np.asarray(self.error))):.1e}"
            )
        return f"Function(breaks={self.breaks!r}, coefficients={self.coefficients!r}, error={self.error!r})"

    def _repr_html_(self) -> str:
        words = html.table([(repr(self),)])
        if not self._has_values():
            return words
        breaks = np.asarray(self.breaks, float)
        coefficients = np.asarray(self.coefficients, float).reshape(*self.coefficients.shape[:2], -1)
        u = np.linspace(-1, 1, max(200 // coefficients.shape[1], 20))
        pieces = [
            (
                low + (u + 1) / 2 * (high - low),
                np.polynomial.legendre.legval(u, coefficients[:, k]).reshape(coefficients.shape[2], -1).T,
            )
            for k, (low, high) in enumerate(pairwise(breaks))
        ]
        return html.curve(pieces, repr(self)) + words

    def _has_values(self) -> bool:
        """Whether all numbers are known: not traced, not stacked by `vmap`, not a placeholder of a pytree."""
        arrays = (self.breaks, self.coefficients)
        known = all(isinstance(a, (jax.Array, np.ndarray)) and not is_traced(a) for a in arrays)
        return known and not is_traced(self.error) and self.breaks.ndim == 1 and self.coefficients.ndim >= 2

    @property
    def _series(self) -> Series:
        return Series(self.breaks, self.coefficients, self.error)

    @property
    def domain(self) -> tuple[jax.Array, jax.Array]:
        """The ends, (lower, upper)."""
        return self.breaks[0], self.breaks[-1]

    @property
    def degree(self) -> int:
        """The largest degree that the coefficients can hold."""
        return self.coefficients.shape[0] - 1

    @jax.jit
    def __call__(self, x: ArrayLike) -> jax.Array:
        """Values at `x`, shape x.shape + channels; zero outside the domain."""
        x = jnp.asarray(x, self.breaks.dtype)
        return evaluate(self._series, jnp.searchsorted(self.breaks[1:-1], x, side="right"), x)

    def convolve(self, other: object, *, extent: str = "full") -> Function:
        """Convolve with another function object, exactly for piecewise polynomials.

        .. code-block:: text

            (f ⊗ g)(x) = ∫ f(s) g(x - s) ds

        Parameters
        ----------
        other : Function, Delta or Distribution
            The second factor.
        extent : {"full", "same"}
            "full": the result lives on the sum of the two domains, [a + c, b + d]. "same": on the domain of `self`.

        Returns
        -------
        Function, Delta or Distribution
            As simple an object as the result allows; for two `Function`s a `Function` with breakpoints at all pairwise
            sums.

        Raises
        ------
        TypeError
            If `other` is not a function object on the line.
        ValueError
            If `extent` is unknown, or "same" meets a result with deltas.

        Notes
        -----
        Degrees add up, plus one. Two pieces of equal length and degree n cost about 12 n² operations: N. Hale and
        A. Townsend, "An algorithm for the convolution of Legendre series", SIAM J. Sci. Comput. 36 (2014).

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> box = Function.fit(jnp.ones_like, (0, 1))
        >>> [round(float(v), 6) for v in box.convolve(box)(jnp.array([0.5, 1.0, 1.5]))]
        [0.5, 1.0, 0.5]
        """
        check.choice("extent", extent, EXTENTS)
        try:
            result = self @ other
        except TypeError as error:
            raise TypeError(
                f"`other` must be a function object such as Function or Delta, got {type(other).__name__}; pass "
                "Function.fit(f, domain), or use convolve(f, g, t) for values at points"
            ) from error
        if extent == "full":
            return result
        if not isinstance(result, Function):
            raise ValueError(
                f"`extent='same'` needs a result without deltas, got a {type(result).__name__}; use 'full'"
            )
        return result.restrict(*self.domain)

    def __matmul__(self, other: object) -> Function:
        """Return the convolution; see `convolve`."""
        if not isinstance(other, Function):
            return NotImplemented
        return Function(*convolve_series(self._series, other._series))

    def __neg__(self) -> Function:
        return Function(self.breaks, -self.coefficients, self.error)

    def __add__(self, other: Function | Real) -> Function:
        if not isinstance(other, Function):
            return Function(self.breaks, self.coefficients.at[0].add(other), self.error)
        count = max(self.degree, other.degree) + 1
        return Function(*combine(self._series, other._series, count, jnp.add, self.error + other.error))

    def __sub__(self, other: Function | Real) -> Function:
        return self + (-other)

    def __mul__(self, other: Function | Real) -> Function:
        if not isinstance(other, Function):
            factor = jnp.asarray(other)
            return Function(self.breaks, self.coefficients * factor, self.error * jnp.max(jnp.abs(factor)))
        f, g = self._series, other._series
        error = self.error * largest_value(g) + other.error * largest_value(f)
        return Function(*combine(f, g, self.degree + other.degree + 1, jnp.multiply, error))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Real) -> Function:
        return -self + other

    def __truediv__(self, other: Real) -> Function:
        return self * (1 / jnp.asarray(other))

    def derivative(self) -> Function:
        """Return the derivative inside the pieces. `Delta(0.0, order=1) @ F` is the one that counts jumps too."""
        slope = 2 / self._lengths()
        growth = jnp.max(jnp.abs(slope)) * self.degree**2  # Markov's inequality
        return Function(self.breaks, legendre.differentiate(self.coefficients) * slope, self.error * growth)

    def antiderivative(self) -> Function:
        """Return the continuous antiderivative that vanishes at the left end of the domain."""
        half = self._lengths() / 2
        rise = legendre.integrate(self.coefficients) * half
        before = jnp.cumsum(2 * self.coefficients[0] * half[0], axis=0) - 2 * self.coefficients[0] * half[0]
        length = self.breaks[-1] - self.breaks[0]
        return Function(self.breaks, rise.at[0].add(before), self.error * length)

    def integral(self) -> jax.Array:
        """Return the integral over the domain, shape channels."""
        return jnp.sum(self.coefficients[0] * self._lengths()[0], axis=0)

    def shift(self, by: Real) -> Function:
        """Return the function x -> F(x - by)."""
        return Function(self.breaks + by, self.coefficients, self.error)

    def mirror(self) -> Function:
        """Return the function x -> F(-x)."""
        return Function(-self.breaks[::-1], mirror_degrees(self.coefficients)[:, ::-1], self.error)

    def restrict(self, lower: Real, upper: Real) -> Function:
        """Return the function on (lower, upper), with the breakpoints inside; it is zero where it was not defined."""
        ends = jnp.stack([jnp.asarray(v, self.breaks.dtype) for v in (lower, upper)])
        edges = jnp.sort(jnp.concatenate([ends, jnp.clip(self.breaks, *ends)]))
        return Function(*resample(self._series, edges, self.degree + 1))

    def roots(self) -> np.ndarray:
        """Return the real zeros inside the domain, ascending; outside `jit`, for a scalar function."""
        if self.coefficients.ndim != 2 or is_traced(self.coefficients):
            raise ValueError("`roots` needs a scalar function and concrete values; call it outside `jit`, per channel")
        zeros: list[float] = []
        for k in range(self.coefficients.shape[1]):
            c = np.trim_zeros(np.asarray(self.coefficients[:, k]), "b")
            lower, upper = float(self.breaks[k]), float(self.breaks[k + 1])
            u = np.polynomial.legendre.legroots(c) if len(c) > 1 else np.zeros(0)
            u = u[(np.abs(u.imag) < 1e-8) & (np.abs(u.real) <= 1 + 1e-12)].real
            zeros += list(lower + (u + 1) / 2 * (upper - lower))
        ascending = np.sort(zeros)
        apart = np.diff(ascending, prepend=-np.inf) > 1e-10 * float(self.breaks[-1] - self.breaks[0])
        return ascending[apart]

    def _lengths(self) -> jax.Array:
        """Return the lengths of the pieces, shaped as the coefficients; 1 for an empty piece."""
        length = jnp.diff(self.breaks)
        length = jnp.where(length > 0, length, 1)
        return length.reshape((1, -1) + (1,) * (self.coefficients.ndim - 2))
