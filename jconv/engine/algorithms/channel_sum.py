"""The gradient of a depthwise kernel, image by image.

In the canonical form of that gradient a group's input channels are the N images, and the sum over them is split off:

    w̄[k, c] = Σ_n ( Σ_o x[n, s·o + d·k, c] ȳ[n, o, c] ),

N depthwise convolutions whose kernels are as large as an image, in a loop that accumulates. Each of them is left to the
planner: oneDNN's depthwise code, an FFT where the outputs are many, or the sum taken row by row here.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine.problem import Problem

NAME = "channel_sum"
ACCURACY = "direct"


def supports(problem: Problem) -> str | None:
    if problem.in_channels == 1:
        return "for groups of several input channels"
    if problem.multiplier != 1 or problem.groups == 1:
        return "for one output channel in each of several groups"
    return None


def _part(problem: Problem) -> Problem:
    return problem.replace(
        lhs_shape=(*problem.lhs_shape[:-1], problem.groups),
        rhs_shape=(*problem.taps, 1, problem.groups),
    )


def features(problem: Problem) -> dict[str, float]:
    return {"calls": 1.0, "steps": float(problem.in_channels), "bytes": float(problem.io_bytes)}


def memory(problem: Problem) -> int:
    return problem.io_bytes


def parts(problem: Problem) -> tuple[Problem, ...]:
    return (_part(problem),) * problem.in_channels


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, run):
    part = _part(problem)
    xs = jnp.moveaxis(lhs.reshape(*lhs.shape[:-1], problem.groups, problem.in_channels), -1, 0)
    ws = jnp.moveaxis(rhs, -2, 0)[..., None, :]

    def step(total, operands):
        return total + run(part, *operands), None

    return lax.scan(step, jnp.zeros(problem.out_shape, lhs.dtype), (xs, ws))[0]
