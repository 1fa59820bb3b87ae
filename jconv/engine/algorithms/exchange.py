"""Input and kernel in each other's place, where the input is dilated and the outputs are few.

A correlation with its operands exchanged gives the outputs in reverse: for x with its samples L apart, and no strides,

    y[k] = Σ_o x_L[k + o − p] w[o] = Σ_i x[i] w[L·i − k + p],

so that y[K − 1 − k'] is the correlation of w, padded by K − 1 − p, with x, its taps L apart. No zero is multiplied. The
gradient of a transposed convolution's kernel becomes that of a strided convolution's.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Crops, Geometry, Problem, unit


def refusal(problem: Problem) -> str | None:
    if unit(problem, "lhs_dilation"):
        return "for dilated inputs"
    if not unit(problem, "strides", "rhs_dilation"):
        return "no strides, no dilated kernel"
    if any(o > k for o, k in zip(problem.out_space, problem.taps)):
        return "for kernels larger than the output"
    if _part(problem).is_empty:
        return "the part of the kernel that meets the input is empty"
    return None


def _exchanged(problem: Problem) -> tuple[Crops, Geometry]:
    """The part of the kernel that meets the input, and how the input meets it."""
    padding = []
    for n, l, t, k, (lo, _) in zip(
        problem.space, problem.lhs_dilation, problem.taps, problem.out_space, problem.padding
    ):
        before = k - 1 - lo
        padding.append((before, k - 1 - before + l * (n - 1) + 1 - t))
    ones = (1,) * problem.ndim
    geometry = Geometry(ones, tuple(padding), ones, problem.lhs_dilation, problem.groups)
    return geometry.cropped(problem.taps, problem.space)


def _part(problem: Problem) -> Problem:
    crops, geometry = _exchanged(problem)
    return problem.replace(
        geometry=geometry,
        lhs_shape=(problem.multiplier, *(stop - start for start, stop in crops), problem.lhs_shape[-1]),
        rhs_shape=(*problem.space, problem.in_channels, problem.groups * problem.batch),
    )


def estimate(problem: Problem) -> Estimate:
    return Estimate({"calls": 1.0}, memory=problem.io_bytes, parts=(_part(problem),))


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    n, groups, inputs = problem.ndim, problem.groups, problem.in_channels
    part, (crops, _) = _part(problem), _exchanged(problem)
    rhs = rhs[tuple(slice(*crop) for crop in crops)]
    # (*taps, I, G, m) to (m, *taps, G, I), and (N, *space, G, I) to (*space, I, G, N)
    image = rhs.reshape(*rhs.shape[:n], inputs, groups, problem.multiplier)
    image = jnp.transpose(image, (n + 2, *range(n), n + 1, n)).reshape(part.lhs_shape)
    kernel = lhs.reshape(problem.batch, *problem.space, groups, inputs)
    kernel = jnp.transpose(kernel, (*range(1, n + 1), n + 2, n + 1, 0)).reshape(part.rhs_shape)
    out = solve(part, image, kernel).reshape(problem.multiplier, *problem.out_space, groups, problem.batch)
    out = jnp.flip(out, tuple(range(1, n + 1)))
    return jnp.transpose(out, (n + 2, *range(1, n + 1), n + 1, 0)).reshape(problem.out_shape)
