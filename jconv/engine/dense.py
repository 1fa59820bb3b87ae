"""The kernel gradient of a dense layer, which is a convolution of one tap.

    w̄[i, j] = Σ_p x[p, i] ȳ[p, j]

over all positions p: in JAX a `dot_general` over the leading axes of both operands. XLA:CPU turns operands over in
memory before it multiplies them; oneDNN takes both as they are. Alone that is up to four times faster; in a training
step, whose arrays come from memory and not from cache, these products are often what takes longest. `accelerate` puts
this in place.
"""

from __future__ import annotations

import math

import jax
import numpy as np
from jax import lax

from jconv.engine import internals
from jconv.engine.algorithms import products
from jconv.engine.problem import Problem

LEAST_POSITIONS, LEAST_SIDE, LEAST_PRODUCTS = 512, 16, 1 << 23
"""Below, the call costs more than it saves."""


def _problem(lhs, rhs, params) -> Problem:
    """The gradient of the kernel of a convolution of one tap: x's channels are images, ȳ is the kernel."""
    positions = math.prod(lhs.shape[: len(params["dimension_numbers"][0][0])])
    return Problem(
        lhs_shape=(lhs.size // positions, positions, 1),
        rhs_shape=(positions, 1, rhs.size // positions),
        strides=(1,),
        padding=((0, 0),),
        lhs_dilation=(1,),
        rhs_dilation=(1,),
        groups=1,
        dtype="float32",
        platform=params["platform"],
        portable=params["portable"],
    )


def wanted(lhs, rhs, **params) -> bool:
    """Whether a `dot_general` is such a gradient, and large enough."""
    (left, right), (batch, _) = params["dimension_numbers"]
    types = (lhs.dtype, rhs.dtype, params["preferred_element_type"] or lhs.dtype)
    if any(dtype != np.float32 for dtype in types) or params.get("out_sharding") is not None:
        return False
    if isinstance(params["precision"], lax.DotAlgorithm | lax.DotAlgorithmPreset):
        return False
    if batch or left != right or sorted(left) != list(range(len(left))) or internals.is_symbolic(lhs, rhs):
        return False
    if 0 in (lhs.size, rhs.size):
        return False
    problem = _problem(lhs, rhs, params)
    positions, sides = problem.tap_count, (problem.batch, problem.out_channels)
    large = positions >= LEAST_POSITIONS and min(sides) >= LEAST_SIDE and positions * math.prod(sides) >= LEAST_PRODUCTS
    return large and products.uses_onednn(problem)


def run(lhs: jax.Array, rhs: jax.Array, **params) -> jax.Array:
    """lhs (*positions, …), rhs (*positions, …) → (…, …), summed over the positions."""
    problem = _problem(lhs, rhs, params)
    axes = len(params["dimension_numbers"][0][0])
    a, b = (array.reshape(problem.tap_count, -1) for array in (lhs, rhs))
    return products.transposed_product(problem, a, b).reshape(*lhs.shape[axes:], *rhs.shape[axes:])
