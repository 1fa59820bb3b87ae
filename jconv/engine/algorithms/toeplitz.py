"""A signal, or an image's lines, in rows of B samples: few taps of many channels, at the speed of matrix products.

With y[rB + b] = Σ_k x[rB + b + k − p] w[k], sample i of row r + j − a is met by output b of row r with the tap
k = (j − a) B + i − b + p. So the rows, seen as B channels, are convolved along themselves:

    Y[r] = Σ_j X[r + j − a] T[j],   T[j][i, b] = w[(j − a) B + i − b + p],   a = ⌈p / B⌉,   J rows of T, each a band.

The bands cost B + K − 1 products an output instead of K (up to whole rows), but matrix products do them ten times
faster. Few rows, and those of float64, for which XLA has no fast convolution, are multiplied tap by tap.

An image's lines are cut likewise; its other axis keeps its taps. The zeros before a line are written out, so that a
row of outputs meets one row of inputs less. That takes oneDNN, whose convolutions are fast enough to be better than the
sum of shifted images, from about 11 × 11 taps on.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._algorithm import Algorithm, Estimate, Solver
from jconv.engine._problem import Problem
from jconv.engine.algorithms import direct, onednn, xla
from jconv.engine.algorithms._parts.single import refusal_unless_single

MIN_ROWS = 8
NARROW, WIDE, IMAGE = 32, 64, 16

SHORT = 1 << 15
"""Outputs up to which, in narrow rows, products tap by tap are faster than a call of a convolution."""

LONG = 1 << 16
"""Outputs from which oneDNN is faster than XLA."""


def refusal(problem: Problem) -> str | None:
    if problem.ndim > 2:
        return f"for one or two spatial axes, got {problem.ndim}"
    if reason := refusal_unless_single(problem):
        return reason
    if min(problem.out_space[-1], problem.space[-1]) < MIN_ROWS * _row(problem):
        return "for signals of several rows"
    if problem.taps[-1] > problem.out_space[-1]:
        return "for kernels shorter than the output"
    if problem.ndim == 2 and onednn.refusal(_rows(problem)) is not None:
        return "images: where oneDNN convolves their rows"
    return None


def _row(problem: Problem) -> int:
    """B: the smallest that keeps the matrices wide enough."""
    if problem.ndim == 2:
        return IMAGE
    return NARROW if problem.taps[0] <= 64 else WIDE


def _written_out(problem: Problem) -> int:
    """How many of the zeros before a line become part of it."""
    return problem.padding[-1][0] if problem.ndim == 2 else 0


def _rows(problem: Problem) -> Problem:
    """The convolution of the rows."""
    size, taps, zeros = _row(problem), problem.taps[-1], _written_out(problem)
    before = problem.padding[-1][0] - zeros
    ahead = -(-before // size)
    count = (size + taps - 2 - before) // size + ahead + 1
    rows, outputs = -(-(problem.space[-1] + zeros) // size), -(-problem.out_space[-1] // size)
    rows = min(rows, outputs + count - 1 - ahead)
    return problem.replace(
        lhs_shape=(problem.batch, *problem.space[:-1], rows, size),
        rhs_shape=(*problem.taps[:-1], count, size, size),
        padding=(*problem.padding[:-1], (ahead, outputs + count - 1 - ahead - rows)),
    )


def _inner(problem: Problem, part: Problem) -> tuple[str, Algorithm]:
    """(its name in the cost table, the algorithm that convolves the rows)."""
    if problem.ndim == 2:
        return "image", onednn
    short = problem.out_space[0] <= SHORT and _row(problem) == NARROW
    if problem.dtype != "float32" or short:
        return "direct", direct
    if problem.out_space[0] >= LONG and onednn.refusal(part) is None:
        return "onednn", onednn
    return problem.target.machine.library, xla


def estimate(problem: Problem) -> Estimate:
    part = _rows(problem)
    ragged = (_written_out(problem) + problem.space[-1] % _row(problem) > 0) + (
        problem.out_space[-1] % _row(problem) > 0
    )
    name, _ = _inner(problem, part)
    work = {
        "calls": 1.0,
        f"{name}_flops": part.flops * problem.itemsize / 4,
        # Each product of the direct sum passes over the output once more.
        "tap_bytes": part.taps[0] * float(problem.io_bytes) if name == "direct" else 0.0,
        "bytes": float(problem.io_bytes * (1 + ragged) + math.prod(part.rhs_shape) * problem.itemsize),
    }
    memory = 2 * problem.io_bytes + 2 * math.prod(part.rhs_shape) * problem.itemsize
    return Estimate(work, part.flops, memory, accuracy="toeplitz")


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    part, size, taps, zeros = _rows(problem), _row(problem), problem.taps[-1], _written_out(problem)
    rows, (ahead, _) = part.space[-1], part.padding[-1]
    behind = rows * size - zeros - problem.space[-1]
    config = [(0, 0, 0)] * problem.ndim + [(zeros, behind, 0)]
    signal = lax.pad(lhs[..., 0], jnp.zeros((), lhs.dtype), config).reshape(part.lhs_shape)
    tap = (
        (jnp.arange(part.taps[-1])[:, None, None] - ahead) * size
        + jnp.arange(size)[:, None]
        - jnp.arange(size)
        + problem.padding[-1][0]
        - zeros
    )
    band = jnp.where((tap >= 0) & (tap < taps), rhs[..., 0, 0][..., jnp.clip(tap, 0, taps - 1)], 0)
    out = _inner(problem, part)[1].apply(part, signal, band, solve)
    return out.reshape(*out.shape[: problem.ndim], -1)[..., : problem.out_space[-1], None]
