"""A signal in blocks times a band matrix: short kernels on long signals at the speed of matrix products.

With blocks of B samples, y[jB + b] = Σ_k x[jB + b + k] w[k] reaches into the next block only, if K − 1 ≤ B:

    Y = X T₀ + X⁺ T₁,   T₀[a, b] = w[a − b],   T₁[a, b] = w[B + a − b],

where X holds the blocks as rows and X⁺ the same, one block later. The band costs 2B products an output instead of K,
but a matrix product does them ten times faster.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jconv.engine.algorithms import products, shapes
from jconv.engine.problem import Problem, unit

NAME = "toeplitz"
ACCURACY = "toeplitz"
MAX_TAPS = 512


def supports(problem: Problem) -> str | None:
    if problem.ndim != 1:
        return f"for one spatial axis, got {problem.ndim}"
    if not problem.is_real:
        return f"real floating point only, got {problem.dtype}"
    if problem.lhs_shape[-1] != 1 or problem.out_channels != 1:
        return "for a single channel"
    if not unit(problem, "lhs_dilation", "rhs_dilation", "strides"):
        return "no strides or dilations"
    if problem.taps[0] > MAX_TAPS:
        return f"at most {MAX_TAPS} taps, got {problem.taps[0]}"
    if problem.out_space[0] < 4 * _block(problem):
        return "for signals of several blocks"
    return None


def _block(problem: Problem) -> int:
    return max(32, -(-problem.taps[0] // 16) * 16)


def features(problem: Problem) -> dict[str, float]:
    flops = 4.0 * _block(problem) * problem.batch * problem.out_space[0]
    return {
        "calls": 1.0,
        "flops": flops,
        **products.features(problem, flops),
        "bytes": float(problem.io_bytes),
    }


def memory(problem: Problem) -> int:
    return 2 * problem.io_bytes


def parts(problem: Problem) -> tuple[Problem, ...]:
    return ()


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, run):
    size, taps, out_size = _block(problem), problem.taps[0], problem.out_space[0]
    blocks = -(-out_size // size)
    padded = shapes.zero_pad(problem, lhs)[..., 0]
    padded = shapes.pad_to(padded, 1, (blocks + 1) * size).reshape(problem.batch, blocks + 1, size)
    offsets = jnp.arange(2 * size)[:, None] - jnp.arange(size)[None, :]
    inside = (offsets >= 0) & (offsets < taps)
    band = jnp.where(inside, rhs[:, 0, 0][jnp.clip(offsets, 0, taps - 1)], 0)
    now = padded[:, :-1].reshape(-1, size)
    later = padded[:, 1:].reshape(-1, size)
    out = products.product(problem, now, band[:size]) + products.product(problem, later, band[size:])
    return out.reshape(problem.batch, blocks * size)[:, :out_size, None]
