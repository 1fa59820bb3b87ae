"""Input dilation without multiplying by the zeros it inserts: one small convolution for each phase of the output.

With x stuffed to one sample in L, output o meets tap k only where s·o + d·k − p ≡ 0 (mod L). Put P = L / gcd(s, L)
and K = L / gcd(d, L). For outputs o = r + P·q those taps are k = c + K·m, where c solves d·c ≡ p − s·r (mod L), and

    y[r + P·q] = Σ_m x[(sP/L)·q + (dK/L)·m − (p − s·r − d·c)/L] w[c + K·m]:

a convolution of the undilated input with stride sP/L and kernel dilation dK/L (Vaidyanathan, *Multirate Systems and
Filter Banks*, 1993, § 4.3). In several dimensions the phases are products. A phase without taps is zero.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, unit

MAX_PHASES = 64


def refusal(problem: Problem) -> str | None:
    if unit(problem, "lhs_dilation"):
        return "for dilated inputs (transposed convolutions, gradients of strided ones)"
    phases = math.prod(_periods(problem))
    return None if phases <= MAX_PHASES else f"{phases} phases are too many"


def _periods(problem: Problem) -> list[int]:
    return [l // math.gcd(s, l) for s, l in zip(problem.strides, problem.lhs_dilation)]


class _Phase(NamedTuple):
    """One phase of the output along one axis: the samples and the taps that it sees, and how they meet."""

    crop: slice
    tap_slice: slice
    taps: int
    stride: int
    dilation: int
    padding: tuple[int, int]

    @property
    def size(self) -> int:
        return self.crop.stop - self.crop.start


def _phases_of_axis(problem: Problem, i: int) -> Iterator[_Phase | None]:
    """The phases of the output along axis i; None where no tap meets it."""
    s, l, d, (p, _) = (
        problem.strides[i],
        problem.lhs_dilation[i],
        problem.rhs_dilation[i],
        problem.padding[i],
    )
    size, taps, out = problem.space[i], problem.taps[i], problem.out_space[i]
    period, tap_step = l // math.gcd(s, l), l // math.gcd(d, l)
    for r in range(period):
        count = -(-(out - r) // period)
        first = next((c for c in range(min(tap_step, taps)) if (d * c - p + s * r) % l == 0), None)
        if count <= 0 or first is None:
            yield None
            continue
        kept = -(-(taps - first) // tap_step)
        stride, dilation = s * period // l, d * tap_step // l
        before = (p - s * r - d * first) // l
        reach = stride * (count - 1) + dilation * (kept - 1) + 1
        # A negative padding crops the input instead.
        start = min(max(-before, 0), size)
        stop = max(min(size, reach - before), start)
        padding = (max(before, 0), max(reach - before - size, 0)) if stop > start else (0, 0)
        yield _Phase(slice(start, stop), slice(first, None, tap_step), kept, stride, dilation, padding)


def _phases(
    problem: Problem,
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...], Problem | None]]:
    """(phase index, crops, tap slices, part) for each phase; part is None where the output is zero."""
    axes = [list(_phases_of_axis(problem, i)) for i in range(problem.ndim)]
    for index in itertools.product(*(range(len(a)) for a in axes)):
        phases = [axes[i][r] for i, r in enumerate(index)]
        chosen = [phase for phase in phases if phase is not None and phase.size > 0]
        if len(chosen) < len(phases):
            yield index, (), (), None
            continue
        part = problem.replace(
            lhs_shape=(problem.batch, *(phase.size for phase in chosen), problem.lhs_shape[-1]),
            rhs_shape=(*(phase.taps for phase in chosen), *problem.rhs_shape[-2:]),
            strides=tuple(phase.stride for phase in chosen),
            padding=tuple(phase.padding for phase in chosen),
            lhs_dilation=(1,) * problem.ndim,
            rhs_dilation=tuple(phase.dilation for phase in chosen),
        )
        yield index, tuple(phase.crop for phase in chosen), tuple(phase.tap_slice for phase in chosen), part


def estimate(problem: Problem) -> Estimate:
    size = math.prod(problem.out_shape) * problem.itemsize
    work = {"calls": float(math.prod(_periods(problem))), "bytes": 3.0 * size}
    return Estimate(work, memory=size, parts=tuple(part for *_, part in _phases(problem) if part is not None))


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    periods = _periods(problem)
    longest = [-(-o // period) for o, period in zip(problem.out_space, periods)]
    zeros = jnp.zeros((problem.batch, *longest, problem.out_channels), lhs.dtype)
    phases = []
    for _, crops, tap_slices, part in _phases(problem):
        if part is None:
            phases.append(zeros)
            continue
        out = solve(part, lhs[(slice(None), *crops, slice(None))], rhs[tap_slices])
        widths = [(0, 0), *((0, n - m) for n, m in zip(longest, out.shape[1:-1])), (0, 0)]
        phases.append(jnp.pad(out, widths) if any(w != (0, 0) for w in widths) else out)
    if len(phases) == 1:
        out = phases[0]
    else:
        n = problem.ndim
        out = jnp.stack(phases).reshape(*periods, *zeros.shape)
        order = [n, *(axis for i in range(n) for axis in (n + 1 + i, i)), 2 * n + 1]
        out = jnp.transpose(out, order)
        out = out.reshape(problem.batch, *(m * p for m, p in zip(longest, periods)), problem.out_channels)
    return out[(slice(None), *(slice(o) for o in problem.out_space), slice(None))]
