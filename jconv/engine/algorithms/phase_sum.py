"""A depthwise convolution of a dilated input as one elementwise sum that writes each output in its place.

With the samples of x apart by L and neither strides nor a dilated kernel, all phases r of the output look at the same
few samples,

    y[r + L·q] = Σ_t x[q + t] W[r, t],

through kernels filled up with zeros: W[r, t] is the tap k = p − r + L·t where there is one. Of so little work it costs
more to put phases together, as `polyphase` does, than to compute them.
"""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, unit
from jconv.engine.algorithms._parts.sums import add_terms

MAX_TERMS = 9
"""Samples that the phases look at, up to which the sum is faster than they are one by one."""


def refusal(problem: Problem) -> str | None:
    if unit(problem, "lhs_dilation"):
        return "for dilated inputs"
    if problem.in_channels > 1 or problem.multiplier > 1 or problem.groups == 1:
        return "for depthwise convolutions of several channels"
    if not unit(problem, "strides", "rhs_dilation"):
        return "no strides, no dilated kernel"
    terms = _terms(problem)
    return None if terms <= MAX_TERMS else f"at most {MAX_TERMS} samples for all phases, got {terms}"


def _taps_of_phases(problem: Problem, i: int) -> np.ndarray:
    """(phases, samples) along axis i: the tap that a phase gives to sample q + t, t from `_first_sample` on.

    Where there is none, an index beyond all taps.
    """
    l, p, taps = problem.lhs_dilation[i], problem.padding[i][0], problem.taps[i]
    phase, tap = np.arange(l), np.arange(taps)
    sample, rest = np.divmod(phase[:, None] + tap - p, l)
    first = _first_sample(problem, i)
    table = np.full((l, int(sample[rest == 0].max()) - first + 1), taps)
    rows, columns = np.nonzero(rest == 0)
    table[rows, sample[rows, columns] - first] = columns
    return table


def _first_sample(problem: Problem, i: int) -> int:
    """The least t for which some phase looks at sample q + t."""
    return -(problem.padding[i][0] // problem.lhs_dilation[i])


def _terms(problem: Problem) -> int:
    return math.prod(_taps_of_phases(problem, i).shape[1] for i in range(problem.ndim))


def estimate(problem: Problem) -> Estimate:
    flops = 2.0 * math.prod(problem.out_shape) * _terms(problem)
    work = {"calls": 1.0, "term_flops": flops * problem.itemsize / 4, "bytes": float(problem.io_bytes)}
    # The zeros that fill up a kernel meet samples.
    tables = (_taps_of_phases(problem, i) for i in range(problem.ndim))
    has_zeros = any((table == k).any() for table, k in zip(tables, problem.taps))
    memory = 2 * math.prod(problem.lhs_shape) * problem.itemsize
    accuracy = "toeplitz" if has_zeros else "direct"
    return Estimate(work, flops, memory, accuracy=accuracy, written_out=_terms(problem))


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    tables = [_taps_of_phases(problem, i) for i in range(problem.ndim)]
    blocks = [-(-o // l) for o, l in zip(problem.out_space, problem.lhs_dilation)]
    config, kernel = [], rhs[..., 0, :]
    for i, (table, count, size) in enumerate(zip(tables, blocks, problem.space)):
        first = _first_sample(problem, i)
        config.append((-first, first + count + table.shape[1] - 1 - size, 0))
        # Axis 2i becomes the phases, axis 2i + 1 the samples.
        kernel = jnp.take(kernel, table.reshape(-1), axis=2 * i, mode="fill", fill_value=0)
        kernel = kernel.reshape(*kernel.shape[: 2 * i], *table.shape, *kernel.shape[2 * i + 1 :])
    x = lax.pad(lhs, jnp.zeros((), lhs.dtype), [(0, 0, 0), *config, (0, 0, 0)])
    x, kernel = lax.optimization_barrier((x, kernel))
    terms = []
    for place in itertools.product(*(range(table.shape[1]) for table in tables)):
        sample = x[(slice(None), *(slice(t, t + n) for t, n in zip(place, blocks)))]
        shape = (problem.batch, *(size for n in blocks for size in (n, 1)), problem.out_channels)
        weight = kernel[tuple(index for t in place for index in (slice(None), t))]
        weight = weight.reshape(*(size for l in problem.lhs_dilation for size in (1, l)), -1)
        terms.append(sample.reshape(shape) * weight)
    out = add_terms(terms)
    whole = (n * l for n, l in zip(blocks, problem.lhs_dilation))
    out = out.reshape(problem.batch, *whole, problem.out_channels)
    return out[(slice(None), *(slice(o) for o in problem.out_space))]
