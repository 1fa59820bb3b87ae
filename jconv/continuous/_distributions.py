"""Dirac deltas and their derivatives: exact partners of function objects in a convolution."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp

from jconv._core import html
from jconv.continuous._function import Function
from jconv.continuous._series import mirror_degrees
from jconv.continuous._types import Real


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Delta:
    """A derivative of the Dirac delta; `delta @ f` shifts, scales and differentiates `f`.

    Parameters
    ----------
    location : scalar
        Where the delta sits; may be traced. Default 0.
    weight : scalar or array (*channels)
        Its area; may be traced. Default 1.
    order : int
        The order of the derivative, at least 0. Default 0, the delta itself.

    Raises
    ------
    ValueError
        If `order` is not an integer >= 0.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> shifted = Function.fit(jnp.exp, (0, 1)) @ Delta(0.5, weight=2.0)
    >>> round(float(shifted(0.5)), 6)
    2.0
    """

    location: Real = 0.0
    weight: Real = 1.0
    order: int = field(default=0, metadata={"static": True})

    def __post_init__(self) -> None:
        if not isinstance(self.order, int) or self.order < 0:
            raise ValueError(f"`Delta.order` must be an integer >= 0, got {self.order!r}; 0 is the delta itself")

    def __matmul__(self, other: Function | Delta | Distribution) -> Function | Delta | Distribution:
        """Return the convolution with another function object."""
        return _convolve(self, other)

    __rmatmul__ = __matmul__


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Distribution:
    """A function object plus deltas, as a convolution with the derivative of a delta produces it.

    Parameters
    ----------
    regular : Function or None
        The part that has values.
    deltas : tuple of Delta
        The part that has not. Default none.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> edges = Delta(0.0, order=1) @ Function.fit(jnp.ones_like, (0, 2))
    >>> [(float(d.location), round(float(d.weight), 6)) for d in edges.deltas]
    [(0.0, 1.0), (2.0, -1.0)]
    """

    regular: Function | None
    deltas: tuple[Delta, ...] = ()

    def _repr_html_(self) -> str:
        rows = [(d.location, d.weight, d.order) for d in self.deltas]
        regular = "" if self.regular is None else self.regular._repr_html_()
        return regular + (html.table(rows, ("delta at", "weight", "order")) if rows else "")

    def __add__(self, other: Distribution) -> Distribution:
        both = [d.regular for d in (self, other) if d.regular is not None]
        regular = both[0] + both[1] if len(both) == 2 else both[0] if both else None
        return Distribution(regular, self.deltas + other.deltas)

    def __matmul__(self, other: Function | Delta | Distribution) -> Function | Delta | Distribution:
        """Return the convolution with another function object."""
        return _convolve(self, other)

    __rmatmul__ = __matmul__

    def derivative(self) -> Distribution:
        """Return the derivative in the sense of distributions: a jump, also that at either end, becomes a delta.

        A breakpoint without a jump leaves a delta whose weight is rounding.
        """
        deltas = tuple(Delta(d.location, d.weight, d.order + 1) for d in self.deltas)
        if self.regular is None:
            return Distribution(None, deltas)
        return Distribution(self.regular.derivative(), deltas + _jumps(self.regular))


def _jumps(f: Function) -> tuple[Delta, ...]:
    """Return a delta for the jump of `f` at each of its breakpoints; `f` is zero outside its domain."""
    after = jnp.sum(mirror_degrees(f.coefficients), axis=0)  # P_k(-1) = (-1)^k, P_k(1) = 1
    before = jnp.sum(f.coefficients, axis=0)
    zero = jnp.zeros_like(after[:1])
    step = jnp.concatenate([after, zero]) - jnp.concatenate([zero, before])
    return tuple(Delta(f.breaks[i], step[i]) for i in range(f.breaks.shape[0]))


def _as_distribution(f: Function | Delta | Distribution) -> Distribution:
    if isinstance(f, Distribution):
        return f
    return Distribution(None, (f,)) if isinstance(f, Delta) else Distribution(f)


def _convolve_with_delta(d: Distribution, by: Delta) -> Distribution:
    """Differentiate `order` times, shift, scale."""
    for _ in range(by.order):
        d = d.derivative()
    regular = None if d.regular is None else d.regular.shift(by.location) * by.weight
    deltas = tuple(Delta(e.location + by.location, e.weight * by.weight, e.order) for e in d.deltas)
    return Distribution(regular, deltas)


def _convolve(
    f: Function | Delta | Distribution, g: Function | Delta | Distribution
) -> Function | Delta | Distribution:
    """Return the convolution of function objects, deltas and sums of them; as simple an object as the result allows."""
    if not isinstance(g, Function | Delta | Distribution):
        return NotImplemented
    f, g = _as_distribution(f), _as_distribution(g)
    total = Distribution(None)
    if f.regular is not None and g.regular is not None:
        total = Distribution(f.regular @ g.regular)
    for delta in g.deltas:
        total = total + _convolve_with_delta(f, delta)
    if g.regular is not None:
        for delta in f.deltas:
            total = total + _convolve_with_delta(Distribution(g.regular), delta)
    if total.deltas:
        return total.deltas[0] if total.regular is None and len(total.deltas) == 1 else total
    return total if total.regular is None else total.regular
