"""The kernel gradient of a dense layer, which is a convolution of one tap.

    w̄[i, j] = Σ_p x[p, i] ȳ[p, j]

over all positions p: in JAX a `dot_general` over the leading axes of both operands. XLA:CPU turns operands over in
memory before it multiplies them; oneDNN takes both as they are. Alone that is up to four times faster; in a training
step, whose arrays come from memory and not from cache, these products are often what takes longest. `accelerate` puts
this in place.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
from jax import lax

from jconv._core import jax_internals as internals
from jconv.engine._planner import default_planner
from jconv.engine._target import LANES
from jconv.engine.algorithms._parts import products

LEAST_POSITIONS, LEAST_MULTIPLICATIONS = 512, 1 << 23
"""For smaller products, and for sides shorter than a vector, the call costs more than it saves (measured in November
2026 on two Zen 4 cores)."""


def is_kernel_gradient(lhs: Any, rhs: Any, *, platform: str, portable: bool, partitioned: bool, **params: Any) -> bool:
    """Whether a `dot_general` is such a gradient, is large enough, and may be given to oneDNN."""
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
    if positions < LEAST_POSITIONS or min(sides) < LANES or positions * math.prod(sides) < LEAST_MULTIPLICATIONS:
        return False
    return default_planner().target(platform, portable, partitioned).onednn_refusal() is None


def multiply(lhs: jax.Array, rhs: jax.Array, *, dimension_numbers: Any, **_: Any) -> jax.Array:
    """Multiply lhs (*positions, …) by rhs (*positions, …) → (…, …), summed over the positions."""
    axes = len(dimension_numbers[0][0])
    positions = math.prod(lhs.shape[:axes])
    a, b = (array.reshape(positions, -1) for array in (lhs, rhs))
    return products.onednn_transposed_product(a, b).reshape(*lhs.shape[axes:], *rhs.shape[axes:])
