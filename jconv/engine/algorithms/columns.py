"""A kernel along one axis before the last: the lines behind that axis are channels of a depthwise convolution.

With all later axes as one axis of columns c,

    y[o, c] = Σ_k x[s·o + d·k − p, c] w[k],

and an image of one channel, as it lies in memory, is a signal of many channels, each with the same kernel. A
convolution for channels sums over k in registers, a vector of columns at a time, where a sum of shifted images passes
over the image, and a product with a band computes what lies outside of the kernel too. The depthwise problem is left
to the planner.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem

MAX_TAPS = 72
"""Longer kernels overflow the processor's cache of instructions in oneDNN's depthwise code."""


def refusal(problem: Problem) -> str | None:
    if problem.lhs_shape[-1] != 1 or problem.out_channels != 1:
        return "for a single channel"
    axis = _axis(problem)
    if math.prod(problem.space[axis + 1 :]) == 1:
        return "for kernels along an axis before the last"
    for other in (i for i in range(problem.ndim) if i != axis):
        if problem.taps[other] > 1 or any(problem.padding[other]) or problem.space[other] != problem.out_space[other]:
            return "for kernels along one axis"
    return None if problem.tap_count <= MAX_TAPS else f"at most {MAX_TAPS} taps, got {problem.tap_count}"


def _axis(problem: Problem) -> int:
    """The axis of the kernel."""
    return max(range(problem.ndim), key=problem.taps.__getitem__)


def _part(problem: Problem) -> Problem:
    """The columns as channels."""
    axis = _axis(problem)
    lines, columns = problem.batch * math.prod(problem.space[:axis]), math.prod(problem.space[axis + 1 :])
    only = slice(axis, axis + 1)
    return problem.replace(
        lhs_shape=(lines, problem.space[axis], columns),
        rhs_shape=(problem.taps[axis], 1, columns),
        strides=problem.strides[only],
        padding=problem.padding[only],
        lhs_dilation=problem.lhs_dilation[only],
        rhs_dilation=problem.rhs_dilation[only],
        groups=columns,
    )


def estimate(problem: Problem) -> Estimate:
    part = _part(problem)
    work = {"calls": 1.0, "bytes": float(problem.io_bytes)}
    return Estimate(work, memory=math.prod(part.rhs_shape) * problem.itemsize, parts=(part,))


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    part = _part(problem)
    kernel = jnp.broadcast_to(rhs.reshape(-1, 1, 1), part.rhs_shape)
    return solve(part, lhs.reshape(part.lhs_shape), kernel).reshape(problem.out_shape)
