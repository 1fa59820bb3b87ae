"""Matrix products: by oneDNN's custom call where it may be used, else by XLA's own."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine import internals, onednn_probe
from jconv.engine.algorithms import xla
from jconv.engine.problem import Problem


def uses_onednn(problem: Problem) -> bool:
    """Whether products for this problem go to oneDNN."""
    fits = problem.dtype == "float32" and problem.platform == "cpu" and not problem.portable
    return fits and onednn_probe.refusal() is None


def features(problem: Problem, flops: float) -> dict[str, float]:
    """The cost model's feature for that much work in matrix products; float64 is half as fast."""
    kind = "onednn" if uses_onednn(problem) else xla.LIBRARY
    return {f"{kind}_flops": flops * problem.itemsize / 4}


def waste(depth: int, width: int) -> float:
    """How much slower a product with few columns or a short inner axis runs than a large one."""
    return (1 + 8 / width) * (1 + 8 / depth)


def transposed_product(problem: Problem, a: jax.Array, b: jax.Array) -> jax.Array:
    """aᵀ b for a (..., K, M), b (..., K, N), with any leading batch axes."""
    if b.shape[-1] < a.shape[-1]:
        return jnp.swapaxes(_transposed(problem, b, a), -1, -2)
    return _transposed(problem, a, b)


def _transposed(problem: Problem, a: jax.Array, b: jax.Array) -> jax.Array:
    """The same for M ≤ N.

    Libraries work on one core where they transpose a factor themselves: a is transposed beforehand, as fast as a copy.
    """
    return product(problem, lax.optimization_barrier(jnp.swapaxes(a, -1, -2)), b)


def product(problem: Problem, a: jax.Array, b: jax.Array) -> jax.Array:
    """a b for a (..., M, K), b (..., K, N), with the same leading batch axes."""
    if uses_onednn(problem):
        return onednn_product(a, b)
    batch = tuple(range(a.ndim - 2))
    return lax.dot_general(a, b, (((a.ndim - 1,), (b.ndim - 2,)), (batch, batch)), precision=precision(problem))


def precision(problem: Problem):
    return lax.Precision.HIGHEST if problem.precision == "highest" else None


def onednn_product(a: jax.Array, b: jax.Array) -> jax.Array:
    """`product` by oneDNN's custom call."""
    matmul = {"transpose_a": False, "transpose_b": False}
    config = {"outer_dimension_partitions": [], "onednn_matmul_config": matmul}
    shape = (*a.shape[:-1], b.shape[-1])
    return internals.custom_call(a, b, shape=shape, target="__onednn$matmul", config=json.dumps(config))
