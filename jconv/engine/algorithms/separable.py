"""A kernel of one channel as a short sum of separable ones: passes along the axes, one after the other.

    y = Σ_r (a_r * … (z_r * x)),   Σ_r a_r[k₁] ⋯ z_r[kₙ] = w[k₁, …, kₙ]

R passes of k₁ + … + kₙ taps take the place of one of k₁ ⋯ kₙ. The terms are found on the host while the program is
traced (`jconv.engine._separable_kernel`), so that only kernels whose numbers are known have them. The passes are left
to the planner.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem
from jconv.engine._separable_kernel import SeparableKernel


def refusal(problem: Problem) -> str | None:
    if problem.separable is None:
        return "for kernels of one channel whose numbers are known, and are a short sum of separable ones"
    if not (problem.is_real or problem.is_complex):
        return f"not exact for {problem.dtype}"
    return None


def _kernel(problem: Problem) -> SeparableKernel:
    assert problem.separable is not None
    return problem.separable


def _passes(problem: Problem) -> Iterator[tuple[int, Problem]]:
    """(axis, problem) of each pass of a term, the last axis first: its taps lie together in memory."""
    lhs_shape = problem.lhs_shape
    for axis in reversed(range(problem.ndim)):

        def only(values: tuple[Any, ...], neutral: Any, axis: int = axis) -> tuple[Any, ...]:
            return tuple(v if a == axis else neutral for a, v in enumerate(values))

        part = problem.replace(
            lhs_shape=lhs_shape,
            rhs_shape=(*only(problem.taps, 1), 1, 1),
            strides=only(problem.strides, 1),
            padding=only(problem.padding, (0, 0)),
            lhs_dilation=only(problem.lhs_dilation, 1),
            rhs_dilation=only(problem.rhs_dilation, 1),
        )
        lhs_shape = part.out_shape
        yield axis, part


def estimate(problem: Problem) -> Estimate:
    passes = tuple(part for _, part in _passes(problem))
    memory = 2 * max(part.io_bytes for part in passes)
    kernel = _kernel(problem)
    # One exact term gives sums of the same products; several cancel each other where the kernel is small.
    accuracy = "outer_product" if kernel.is_exact else "separable"
    return Estimate({"calls": 1.0}, memory=memory, parts=passes * len(kernel.terms), accuracy=accuracy)


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    total = jnp.zeros(problem.out_shape, problem.dtype)
    for factors in _kernel(problem).terms:
        y = lhs
        for axis, part in _passes(problem):
            kernel = jnp.asarray(factors[axis].reshape(part.rhs_shape), problem.dtype)
            # The barrier keeps XLA from computing a pass again for each tap of the next.
            y = lax.optimization_barrier(solve(part, y, kernel))
        total = total + y
    return total
