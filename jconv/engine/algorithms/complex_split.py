"""A complex convolution as one real convolution of stacked parts.

(a + ib) * (u + iv) = (a*u − b*v) + i (a*v + b*u): the real and imaginary part of the input stand in the batch, those
of the kernel in the output channels of each group, and one real convolution gives all four products.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem


def refusal(problem: Problem) -> str | None:
    return None if problem.is_complex else "for complex dtypes"


def estimate(problem: Problem) -> Estimate:
    work = {"calls": 1.0, "bytes": 2.0 * problem.io_bytes}
    return Estimate(work, memory=2 * problem.io_bytes, parts=(_part(problem),))


def _part(problem: Problem) -> Problem:
    batch, *rest = problem.lhs_shape
    return problem.replace(
        lhs_shape=(2 * batch, *rest),
        rhs_shape=(*problem.rhs_shape[:-1], 2 * problem.out_channels),
        dtype="float32" if problem.dtype == "complex64" else "float64",
    )


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    part = _part(problem)
    grouped = rhs.reshape(*rhs.shape[:-1], problem.groups, problem.multiplier)
    kernel = jnp.stack([grouped.real, grouped.imag], axis=-2).reshape(part.rhs_shape)
    out = solve(part, jnp.concatenate([lhs.real, lhs.imag]), kernel)
    out = out.reshape(2, problem.batch, math.prod(problem.out_space), problem.groups, 2, problem.multiplier)
    real = out[0, ..., 0, :] - out[1, ..., 1, :]
    imag = out[0, ..., 1, :] + out[1, ..., 0, :]
    return jax.lax.complex(real, imag).reshape(problem.out_shape)
