"""Matrix products: by oneDNN's custom call where it may be used, else by XLA's own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import jax_internals as internals
from jconv.engine._problem import Problem

SHORT_SIDE = 8
"""A product takes as long as if each of its sides were so much longer (a heuristic that fits the measurements)."""


def uses_onednn(problem: Problem) -> bool:
    """Whether products for this problem go to oneDNN."""
    return problem.dtype == "float32" and problem.target.takes_onednn_products()


def library(problem: Problem) -> str:
    """Who multiplies, as the cost table names it."""
    return "onednn" if uses_onednn(problem) else problem.target.machine.library


def work(problem: Problem, flops: float) -> dict[str, float]:
    """The cost model's feature for that much work in matrix products; float64 is half as fast."""
    return {f"{library(problem)}_flops": flops * problem.itemsize / 4}


def waste(*sides: int) -> float:
    """How much slower a product runs for sides as short as these than a large one."""
    return math.prod(1 + SHORT_SIDE / side for side in sides)


def transposed_product(problem: Problem, a: jax.Array, b: jax.Array) -> jax.Array:
    """aᵀ b for a (..., K, M), b (..., K, N), with the same leading batch axes; oneDNN broadcasts those of size one."""
    return _transpose_narrower(lambda a, b: _product(problem, a, b, a.ndim - 2), a, b)


def onednn_transposed_product(a: jax.Array, b: jax.Array) -> jax.Array:
    """The same by oneDNN's custom call."""
    return _transpose_narrower(lambda a, b: onednn_product(a, b, transpose_a=True), a, b)


def _transpose_narrower(product: Callable[[jax.Array, jax.Array], jax.Array], a: jax.Array, b: jax.Array) -> jax.Array:
    """aᵀ b, or (bᵀ a)ᵀ: transposing the narrower factor is faster than transposing the wider one."""
    return jnp.swapaxes(product(b, a), -1, -2) if b.shape[-1] < a.shape[-1] else product(a, b)


def product(problem: Problem, a: jax.Array, b: jax.Array) -> jax.Array:
    """a b for a (..., M, K), b (..., K, N), with the same leading batch axes."""
    return _product(problem, a, b, a.ndim - 1)


def _product(problem: Problem, a: jax.Array, b: jax.Array, summed: int) -> jax.Array:
    """The product that sums over axis `summed` of a, one of its last two."""
    if uses_onednn(problem):
        return onednn_product(a, b, transpose_a=summed == a.ndim - 2)
    batch = tuple(range(a.ndim - 2))
    return lax.dot_general(a, b, (((summed,), (b.ndim - 2,)), (batch, batch)), precision=precision(problem.precision))


def precision(name: str) -> lax.Precision | None:
    """What XLA is told for a precision's name: on GPU and TPU its default rounds factors to fewer bits than float32."""
    return None if name == "default" else lax.Precision.HIGHEST


def onednn_product(a: jax.Array, b: jax.Array, transpose_a: bool = False) -> jax.Array:
    """The product of the last two axes by oneDNN's custom call."""
    matmul = {"transpose_a": transpose_a, "transpose_b": False}
    config = {"outer_dimension_partitions": [], "onednn_matmul_config": matmul}
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*batch, a.shape[-1 if transpose_a else -2], b.shape[-1])
    return internals.custom_call(a, b, shape=shape, target="__onednn$matmul", config=json.dumps(config))
