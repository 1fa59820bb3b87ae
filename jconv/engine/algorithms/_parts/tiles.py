"""Tiles of images and their transforms, which Winograd's algorithm and its gradient share."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike

from jconv.engine._problem import Problem, unit
from jconv.engine.algorithms._parts.sums import add_terms

TILE = 4
CACHE_BYTES = 16 << 20
EXTRA_CHANNELS = 4
"""A transform takes as long as if it had so many channels more: vectors are not filled, and lines begin and end."""

BESIDE = 5 / 3
"""What a transform takes together with its first pass, in units of itself."""


def refusal_unless_plain(problem: Problem) -> str | None:
    """None for a dense, real problem of one or two axes whose input is not dilated, else the reason why it is not."""
    if not problem.is_real:
        return f"real floating point only, got {problem.dtype}"
    if problem.ndim not in (1, 2):
        return f"for one or two spatial axes, got {problem.ndim}"
    if problem.groups != 1:
        return "for a single group"
    if not unit(problem, "lhs_dilation"):
        return "no input dilation"
    return None


def mix(matrix: np.ndarray, terms: list[jax.Array]) -> jax.Array:
    """Σ_a matrix[:, a] terms[a] with a new first axis, as one fused pass.

    Between two axes it must be held in memory: fused into the next, it is computed anew for each term of that.
    """
    shape = (-1, *([1] * terms[0].ndim))
    columns = [jnp.asarray(matrix[:, a], terms[0].dtype).reshape(shape) for a in range(matrix.shape[1])]
    return add_terms(column * term[None] for column, term in zip(columns, terms, strict=True))


def transform_tiles(
    x: jax.Array, bt: list[np.ndarray], m: list[int], tiles: list[int], phases: Sequence[int]
) -> jax.Array:
    """Bᵀ along every spatial axis of all tiles of a padded image (N, *space, C): (points…, N, (tiles, phases)…, C)."""
    cut = (size for n, d in zip(x.shape[1:-1], phases) for size in (n // d, d))
    x = x.reshape(x.shape[0], *cut, x.shape[-1])
    for axis in reversed(range(len(m))):
        if bt[axis].shape[0] == 1:
            x = x[None]
            continue
        position = x.ndim - 1 - 2 * (len(m) - axis)
        terms = []
        for a in range(bt[axis].shape[1]):
            stop = a + m[axis] * (tiles[axis] - 1) + 1
            terms.append(lax.slice_in_dim(x, a, stop, m[axis], position))
        x = lax.optimization_barrier(mix(bt[axis], terms))
    return x


def kronecker_matrix(matrices: list[np.ndarray], dtype: DTypeLike) -> jax.Array:
    """The matrix that transforms all axes at once."""
    return jnp.asarray(functools.reduce(np.kron, matrices), dtype)


def transform_kernel(w: jax.Array, matrices: list[np.ndarray]) -> jax.Array:
    """A matrix along each axis but the last two: (points, I, O) from (*taps, I, O), or the way back.

    A product: XLA would fuse a sum with the transposition that made the kernel, or with what comes next, and read or
    compute everything anew for every term.
    """
    *_, inputs, outputs = w.shape
    matrix = kronecker_matrix(matrices, w.dtype)
    return jnp.matmul(matrix, w.reshape(-1, inputs * outputs), precision="highest").reshape(-1, inputs, outputs)
