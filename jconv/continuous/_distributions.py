"""Dirac deltas and their derivatives: exact partners of function objects in a convolution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from jconv.continuous._function import Function
from jconv.continuous._functions_convolved import functions_convolved


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Delta:
    """`weight` times the `order`-th derivative of the Dirac delta at `location`. Location and weight may be traced."""

    location: Any = 0.0
    weight: Any = 1.0
    order: int = field(default=0, metadata={"static": True})

    def __post_init__(self) -> None:
        if not isinstance(self.order, int) or self.order < 0:
            raise ValueError(
                f"`Delta.order` must be an integer of at least 0, got {self.order!r}; 0 is the delta itself"
            )


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Distribution:
    """A function object (or None) plus deltas."""

    regular: Function | None
    deltas: tuple[Delta, ...] = ()

    def __add__(self, other: Distribution) -> Distribution:
        both = [d.regular for d in (self, other) if d.regular is not None]
        regular = both[0] + both[1] if len(both) == 2 else both[0] if both else None
        return Distribution(regular, self.deltas + other.deltas)

    def derivative(self) -> Distribution:
        """In the sense of distributions: a jump, also that at either end of the domain, becomes a delta.

        A breakpoint without a jump leaves a delta whose weight is rounding.
        """
        deltas = tuple(Delta(d.location, d.weight, d.order + 1) for d in self.deltas)
        if self.regular is None:
            return Distribution(None, deltas)
        return Distribution(self.regular.derivative(), deltas + jumps(self.regular))


def jumps(f: Function) -> tuple[Delta, ...]:
    """A delta for what `f` jumps by at each of its breakpoints, being zero outside its domain."""
    sign = (1 - 2 * (jnp.arange(f.degree + 1) % 2)).reshape((-1,) + (1,) * (f.coefficients.ndim - 1))
    after = jnp.sum(f.coefficients * sign, axis=0)  # P_k(-1) = (-1)^k, P_k(1) = 1
    before = jnp.sum(f.coefficients, axis=0)
    none = jnp.zeros_like(after[:1])
    step = jnp.concatenate([after, none]) - jnp.concatenate([none, before])
    return tuple(Delta(f.breaks[i], step[i]) for i in range(f.breaks.shape[0]))


def _as_distribution(f: Function | Delta | Distribution) -> Distribution:
    if isinstance(f, Distribution):
        return f
    return Distribution(None, (f,)) if isinstance(f, Delta) else Distribution(f)


def _shifted(d: Distribution, by: Delta) -> Distribution:
    """The convolution of `d` with one delta: differentiate `order` times, shift, scale."""
    for _ in range(by.order):
        d = d.derivative()
    regular = None if d.regular is None else d.regular.shift(by.location) * by.weight
    return Distribution(
        regular, tuple(Delta(e.location + by.location, e.weight * by.weight, e.order) for e in d.deltas)
    )


def distributions_convolved(f: Any, g: Any) -> Any:
    """Convolution of function objects, deltas and sums of them; as simple an object as the result allows."""
    f, g = _as_distribution(f), _as_distribution(g)
    total = Distribution(None)
    if f.regular is not None and g.regular is not None:
        total = Distribution(functions_convolved(f.regular, g.regular))
    for delta in g.deltas:
        total = total + _shifted(f, delta)
    if g.regular is not None:
        for delta in f.deltas:
            total = total + _shifted(Distribution(g.regular), delta)
    if not total.deltas:
        return total.regular
    return total.deltas[0] if total.regular is None and len(total.deltas) == 1 else total
