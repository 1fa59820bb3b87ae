"""What the planner asks of an algorithm.

An algorithm is a module of `jconv.engine.algorithms` with three functions, `refusal`, `estimate` and `apply`; the type
checker holds every module of the table to the protocol below.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

import jax

from jconv.engine._problem import Problem

Solver = Callable[[Problem, jax.Array, jax.Array], jax.Array]
"""Solves a smaller problem by the algorithm that the planner chooses for it."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What an algorithm would take for a problem that it does not refuse.

    `work` names what its time is made of, as {feature: amount}; the cost table knows the seconds of each feature.
    `flops` are its floating-point operations, `memory` the bytes of extra memory at the peak, without those of `parts`,
    the smaller problems that it leaves to the planner. `accuracy` is a key of `jconv.engine._accuracy.CLASSES`.
    `written_out` counts the terms of a sum that the program writes out, each of which is compiled on its own.
    """

    work: Mapping[str, float]
    flops: float = 0.0
    memory: int = 0
    parts: tuple[Problem, ...] = ()
    accuracy: str = "direct"
    written_out: int = 0


class Algorithm(Protocol):
    """One way to solve a problem. All three functions look at static facts only, and may be called while tracing."""

    def refusal(self, problem: Problem) -> str | None:
        """None, or the reason why the algorithm cannot do a problem."""
        ...

    def estimate(self, problem: Problem) -> Estimate:
        """Estimate what the algorithm takes; for problems that it does not refuse."""
        ...

    def apply(self, problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
        """Compute the result, traced while a program is lowered; `solve(part, lhs, rhs)` computes a part."""
        ...
