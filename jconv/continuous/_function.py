"""Function objects: piecewise Legendre series, fitted to a function once, then computed with."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.continuous import _legendre as legendre
from jconv.continuous._pieces import concrete
from jconv.continuous._quadrature import AccuracyWarning, sampled

_LARGEST = 512  # degree of a piece at which an adaptive fit gives up


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Function:
    """A function on an interval, zero outside, as a Legendre series on each of its pieces.

    Attributes
    ----------
    breaks : (K+1,), ascending: the ends of the K pieces.
    coefficients : (n, K, *channels): degrees first, each piece in coordinates of its own.
    error : largest absolute error of the fit, as its last coefficients tell; arithmetic and convolution carry it on.

    A pytree: a `Function` can be an argument of `jit`, `grad` and `vmap`. Evaluation, arithmetic and convolution are
    differentiable in coefficients and breakpoints. Sum and difference live on the union of the two domains.
    """

    breaks: jax.Array
    coefficients: jax.Array
    error: Any = 0.0

    @classmethod
    def fit(
        cls,
        f: Callable[..., Any],
        domain: Sequence[Any],
        *,
        breaks: Sequence[Any] = (),
        degree: int | None = None,
        rtol: float | None = None,
    ) -> Function:
        """The `Function` that interpolates `f` at the Gauss–Legendre nodes of every piece.

        Parameters
        ----------
        f : function of a scalar, returning a scalar or an array (channels).
        domain : (lower, upper), finite; may be traced.
        breaks : where `f` or a derivative of it jumps, ascending, inside the domain; may be traced.
        degree : of every piece. None: doubled until the last coefficients fall below rtol, which needs concrete values
            (outside `jit` and `grad`).
        rtol : relative to the largest value; by default the rounding of the coefficients, (2n + 18) eps. With `degree`
            given, a fit that misses `rtol` warns.

        Returns
        -------
        The function object; its `error` is the attained absolute error.

        Raises
        ------
        ValueError : an empty or infinite domain, breakpoints outside it, an adaptive fit of traced values.

        Notes
        -----
        The degree attained is at most 512; where that is not enough, an `AccuracyWarning` names the attained error.
        At fixed degree the coefficients are linear in the values of `f`, and differentiable.

        >>> import jax.numpy as jnp
        >>> F = Function.fit(jnp.exp, (0, 1), degree=20)
        >>> round(float(F.integral()), 6)
        1.718282
        """
        edges = _edges(domain, breaks)
        if degree is not None:
            if check.integer("degree", degree) < 0:
                raise ValueError(f"`degree` must be at least 0, got {degree}; a constant has degree 0")
            fitted = _interpolate(f, edges, degree + 1)
            if rtol is not None and concrete(fitted.error):
                _say_if_short(fitted, rtol, f"degree {degree}")
            return fitted
        eps = float(jnp.finfo(edges.dtype).eps)
        count = 17
        while True:
            # The last coefficients never fall below rounding, which grows with their number.
            wanted = (16 + 2 * count) * eps if rtol is None else rtol
            fitted = _interpolate(f, edges, count)
            if not concrete(fitted.error):
                raise ValueError(
                    "`degree` must be given inside `jit` and `grad`, where an adaptive fit cannot see values"
                )
            scale = float(jnp.max(jnp.abs(fitted.coefficients)))
            if not np.isfinite(scale):
                raise ValueError("`f` returned NaN or inf on its domain; cut the domain, or name the place in `breaks`")
            if float(jnp.max(fitted.error)) <= wanted * scale:
                return fitted.chopped(max(wanted, eps) * scale / 8)
            if count > _LARGEST:
                _say_if_short(fitted, wanted, f"degree {count - 1}")
                return fitted
            count = 2 * count - 1

    @property
    def domain(self) -> tuple[jax.Array, jax.Array]:
        """The ends, (lower, upper)."""
        return self.breaks[0], self.breaks[-1]

    @property
    def degree(self) -> int:
        """The largest degree that the coefficients can hold."""
        return self.coefficients.shape[0] - 1

    @jax.jit
    def __call__(self, x: Any) -> jax.Array:
        """Values at `x`, shape x.shape + channels; zero outside the domain."""
        x = jnp.asarray(x, self.breaks.dtype)
        piece = jnp.searchsorted(self.breaks[1:-1], x, side="right")
        return self._on_piece(piece, x)

    def _on_piece(self, piece: jax.Array, x: jax.Array) -> jax.Array:
        lower, upper = self.breaks[piece], self.breaks[piece + 1]
        length = upper - lower
        u = (2 * x - lower - upper) / jnp.where(length > 0, length, 1)
        channels = self.coefficients.ndim - 2
        wide = lambda v: v.reshape(v.shape + (1,) * channels)
        inside = (x >= self.breaks[0]) & (x <= self.breaks[-1])
        # Outside, a polynomial may overflow: look at the middle of the piece instead.
        values = legendre.evaluate(self.coefficients[:, piece], wide(jnp.where(inside, u, 0)))
        return jnp.where(wide(inside), values, 0)

    def __neg__(self) -> Function:
        return Function(self.breaks, -self.coefficients, self.error)

    def __add__(self, other: Any) -> Function:
        if not isinstance(other, Function):
            return Function(self.breaks, self.coefficients.at[0].add(other), self.error)
        count = max(self.degree, other.degree) + 1
        return _combine(self, other, count, jnp.add, self.error + other.error)

    def __sub__(self, other: Any) -> Function:
        return self + (-other)

    def __mul__(self, other: Any) -> Function:
        if not isinstance(other, Function):
            return Function(self.breaks, self.coefficients * other, self.error * jnp.max(jnp.abs(jnp.asarray(other))))
        error = self.error * size(other) + other.error * size(self)
        return _combine(self, other, self.degree + other.degree + 1, jnp.multiply, error)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Any) -> Function:
        return -self + other

    def __truediv__(self, other: Any) -> Function:
        return self * (1 / other)

    def derivative(self) -> Function:
        """The derivative inside the pieces; what a jump contributes is `convolve(Delta(0, order=1), F)`'s business."""
        slope = 2 / self._lengths()
        growth = jnp.max(jnp.abs(slope)) * self.degree**2  # Markov's inequality
        return Function(self.breaks, legendre.differentiated(self.coefficients) * slope, self.error * growth)

    def antiderivative(self) -> Function:
        """The continuous antiderivative that vanishes at the left end of the domain."""
        half = self._lengths() / 2
        rise = legendre.integrated(self.coefficients) * half
        before = jnp.cumsum(2 * self.coefficients[0] * half[0], axis=0) - 2 * self.coefficients[0] * half[0]
        length = self.breaks[-1] - self.breaks[0]
        return Function(self.breaks, rise.at[0].add(before), self.error * length)

    def integral(self) -> jax.Array:
        """The integral over the domain, shape channels."""
        return jnp.sum(self.coefficients[0] * self._lengths()[0], axis=0)

    def shift(self, by: Any) -> Function:
        """x -> F(x - by)."""
        return Function(self.breaks + by, self.coefficients, self.error)

    def mirror(self) -> Function:
        """x -> F(-x)."""
        sign = (1 - 2 * (np.arange(self.degree + 1) % 2)).reshape((-1,) + (1,) * (self.coefficients.ndim - 1))
        return Function(-self.breaks[::-1], (self.coefficients * sign)[:, ::-1], self.error)

    def restrict(self, lower: Any, upper: Any) -> Function:
        """The function on (lower, upper), with the breakpoints that fall inside; zero where it was not defined."""
        ends = jnp.stack([jnp.asarray(v, self.breaks.dtype) for v in (lower, upper)])
        edges = jnp.sort(jnp.concatenate([ends, jnp.clip(self.breaks, *ends)]))
        return _resample(self, edges, self.degree + 1)

    def roots(self) -> np.ndarray:
        """The real zeros inside the domain, ascending; outside `jit`, for a scalar function."""
        if self.coefficients.ndim != 2 or not concrete(self.coefficients):
            raise ValueError("`roots` wants a scalar function and concrete values; call it outside `jit`, per channel")
        found = []
        for k in range(self.coefficients.shape[1]):
            c = np.trim_zeros(np.asarray(self.coefficients[:, k]), "b")
            lower, upper = float(self.breaks[k]), float(self.breaks[k + 1])
            u = np.polynomial.legendre.legroots(c) if len(c) > 1 else np.zeros(0)
            u = u[(np.abs(u.imag) < 1e-8) & (np.abs(u.real) <= 1 + 1e-12)].real
            found += list(lower + (u + 1) / 2 * (upper - lower))
        found = np.sort(found)
        apart = np.diff(found, prepend=-np.inf) > 1e-10 * float(self.breaks[-1] - self.breaks[0])
        return found[apart]

    def _lengths(self) -> jax.Array:
        length = jnp.diff(self.breaks)
        length = jnp.where(length > 0, length, 1)
        return length.reshape((1, -1) + (1,) * (self.coefficients.ndim - 2))

    def chopped(self, below: float) -> Function:
        """Without the trailing degrees of each piece whose coefficients are at most `below`; outside `jit`."""
        sizes = np.abs(np.asarray(self.coefficients))
        sizes = sizes.reshape(*sizes.shape[:2], -1).max(axis=2)
        degrees = np.arange(len(sizes))[:, None]
        last = np.max(np.where(sizes > below, degrees, 0), axis=0)
        kept = (degrees <= last).reshape(sizes.shape + (1,) * (self.coefficients.ndim - 2))
        return Function(self.breaks, jnp.where(kept, self.coefficients, 0)[: last.max() + 1], self.error)


def _edges(domain: Sequence[Any], breaks: Sequence[Any]) -> jax.Array:
    if len(domain) != 2:
        raise ValueError(f"`domain` must be a pair (lower, upper), got {domain!r}; name inner points in `breaks`")
    edges = (domain[0], *(breaks[i] for i in range(len(breaks))), domain[1])
    if all(map(concrete, edges)):
        if not np.all(np.isfinite(np.asarray(edges, float))):
            raise ValueError(f"`domain` must be finite, got {domain!r}; cut it where the function is negligible")
        if not np.all(np.diff(np.asarray(edges, float)) > 0):
            raise ValueError(
                f"`domain` and `breaks` must ascend, got {edges!r}; sort the breakpoints inside the domain"
            )
    dtype = jnp.result_type(*edges, 0.0)
    return jnp.stack([jnp.asarray(e, dtype) for e in edges])


def piece_nodes(edges: jax.Array, count: int) -> jax.Array:
    """The Gauss–Legendre nodes of every piece, (count, K)."""
    u = jnp.asarray(legendre.grid(count)[0], edges.dtype)[:, None]
    return (edges[:-1] + edges[1:]) / 2 + u * (edges[1:] - edges[:-1]) / 2


def _interpolate(f: Callable, edges: jax.Array, count: int) -> Function:
    coefficients = legendre.from_values(sampled(lambda x: jnp.asarray(f(x)), piece_nodes(edges, count)))
    # As many as a polynomial of another parity, or one zero by chance, cannot hide in.
    last = jax.lax.stop_gradient(coefficients[-max(1, min(4, count // 2)) :])
    return Function(edges, coefficients, 2 * jnp.max(jnp.abs(last)))


def _say_if_short(fitted: Function, rtol: float, what: str) -> None:
    attained = float(jnp.max(fitted.error)) / float(jnp.max(jnp.abs(fitted.coefficients)))
    if attained > rtol:
        warnings.warn(
            f"{what} attains a relative error of {attained:.1e}, not {rtol:.1e}; raise `degree`, or name in `breaks` "
            "where the function is not smooth",
            AccuracyWarning,
            stacklevel=3,
        )


def _resample(f: Function, edges: jax.Array, count: int) -> Function:
    """`f` on finer pieces: each must lie inside one piece of `f`, or outside its domain."""
    return Function(edges, legendre.from_values(at_nodes(f, edges, count)), f.error)


def at_nodes(f: Function, edges: jax.Array, count: int) -> jax.Array:
    middle = (edges[:-1] + edges[1:]) / 2
    piece = jnp.searchsorted(f.breaks[1:-1], middle, side="right")
    nodes = piece_nodes(edges, count)
    return f._on_piece(jnp.broadcast_to(piece, nodes.shape), nodes)


def _combine(f: Function, g: Function, count: int, how: Callable, error: Any) -> Function:
    edges = merged(jnp.concatenate([f.breaks, g.breaks]))
    return Function(edges, _combined(f, g, edges, count, how), error)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _combined(f: Function, g: Function, edges: jax.Array, count: int, how: Callable) -> jax.Array:
    return legendre.from_values(how(at_nodes(f, edges, count), at_nodes(g, edges, count)))


def merged(points: jax.Array) -> jax.Array:
    """Breakpoints in order; those that coincide to rounding are one, where values are known."""
    points = jnp.sort(points.reshape(-1))
    if not concrete(points):
        return points
    known = np.asarray(points)
    apart = np.diff(known, prepend=-np.inf) > 64 * np.finfo(known.dtype).eps * np.max(np.abs(known), initial=0)
    return points[np.nonzero(apart)[0]]


def size(f: Function) -> jax.Array:
    return jnp.max(jnp.sum(jnp.abs(f.coefficients), axis=0))
