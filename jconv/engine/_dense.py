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

from jconv.engine import _internals as internals
from jconv.engine.algorithms._parts import products

LEAST_POSITIONS, LEAST_SIDE, LEAST_MULTIPLICATIONS = 512, 16, 1 << 23
"""Below, the call costs more than it saves."""


def wanted(lhs, rhs, **params) -> bool:
    """Whether a `dot_general` is such a gradient, and large enough."""
    (left, right), (batch, _) = params["dimension_numbers"]
    types = (lhs.dtype, rhs.dtype, params["preferred_element_type"] or lhs.dtype)
    if any(dtype != np.float32 for dtype in types) or internals.names_mesh_axes(params["out_sharding"]):
        return False
    if isinstance(params["precision"], lax.DotAlgorithm | lax.DotAlgorithmPreset):
        return False
    if batch or left != right or sorted(left) != list(range(len(left))) or internals.is_symbolic(lhs, rhs):
        return False
    positions = math.prod(lhs.shape[: len(left)])
    sides = [math.prod(array.shape[len(left) :]) for array in (lhs, rhs)]
    if positions < LEAST_POSITIONS or min(sides) < LEAST_SIDE or positions * math.prod(sides) < LEAST_MULTIPLICATIONS:
        return False
    return products.may_call_onednn("float32", params["platform"], params["portable"])


def run(lhs: jax.Array, rhs: jax.Array, *, dimension_numbers, **_) -> jax.Array:
    """lhs (*positions, …), rhs (*positions, …) → (…, …), summed over the positions."""
    axes = len(dimension_numbers[0][0])
    positions = math.prod(lhs.shape[:axes])
    a, b = (array.reshape(positions, -1) for array in (lhs, rhs))
    return products.onednn_transposed_product(a, b).reshape(*lhs.shape[axes:], *rhs.shape[axes:])
