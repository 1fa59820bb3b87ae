"""The gradient of a depthwise kernel: the images are one more spatial axis, or are summed one after the other.

In the canonical form of that gradient a group's input channels are the N images:

    w̄[k, c] = Σ_n Σ_o x[n, s·o + d·k, c] ȳ[n, o, c].

Read with n as a spatial axis this is a depthwise convolution in one dimension more, whose kernel is as long as x along
n: arrays of shape (N, *space, C) are that problem as they stand, and oneDNN sums over all of it in registers. Where
both arrays together leave the cache, the kernel is spread out (the gradient of a strided layer) or oneDNN is not to be
had, the images are taken one by one in a loop that accumulates. The depthwise problem is left to the planner.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem
from jconv.engine.algorithms import onednn

CACHE_BYTES = 12 << 20


def refusal(problem: Problem) -> str | None:
    if problem.in_channels == 1:
        return "for groups of several input channels"
    if problem.multiplier != 1 or problem.groups == 1:
        return "for one output channel in each of several groups"
    return None


def _stacked(problem: Problem) -> Problem:
    """The problem with the images as its first spatial axis."""
    images = problem.in_channels
    return problem.replace(
        lhs_shape=(problem.batch, images, *problem.space, problem.groups),
        rhs_shape=(images, *problem.taps, 1, problem.groups),
        strides=(1, *problem.strides),
        padding=((0, 0), *problem.padding),
        lhs_dilation=(1, *problem.lhs_dilation),
        rhs_dilation=(1, *problem.rhs_dilation),
    )


def _at_once(problem: Problem) -> bool:
    """Whether the images become a spatial axis."""
    return problem.io_bytes <= CACHE_BYTES and onednn.refusal(_stacked(problem)) is None


def _part(problem: Problem) -> Problem:
    if _at_once(problem):
        return _stacked(problem)
    return problem.replace(
        lhs_shape=(*problem.lhs_shape[:-1], problem.groups), rhs_shape=(*problem.taps, 1, problem.groups)
    )


def estimate(problem: Problem) -> Estimate:
    if _at_once(problem):
        return Estimate({"calls": 1.0}, parts=(_part(problem),))
    images = problem.in_channels
    work = {"calls": 1.0, "steps": float(images), "bytes": float(problem.io_bytes)}
    return Estimate(work, memory=problem.io_bytes, parts=(_part(problem),) * images)


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    part = _part(problem)
    xs = lhs.reshape(*lhs.shape[:-1], problem.groups, problem.in_channels)
    if _at_once(problem):
        return solve(part, jnp.moveaxis(xs, -1, 1), jnp.moveaxis(rhs, -2, 0)[..., None, :])[:, 0]
    xs = jnp.moveaxis(xs, -1, 0)
    ws = jnp.moveaxis(rhs, -2, 0)[..., None, :]

    def step(total: jax.Array, operands: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        return total + solve(part, *operands), None

    return lax.scan(step, jnp.zeros(problem.out_shape, lhs.dtype), (xs, ws))[0]
