"""A kernel whose numbers are known while a program is traced, as a short sum of separable ones.

    w[k₁, …, kₙ] ≈ Σ_r a_r[k₁] ⋯ z_r[kₙ]

costs R passes of k₁ + … + kₙ taps in place of one of k₁ ⋯ kₙ (`jconv._core.separable` finds the terms). An output errs
by at most ‖w − w_R‖ times the norm of the samples under the kernel (Cauchy & Schwarz).
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import separable
from jconv._core.concrete import is_traced
from jconv.engine import _planner as planner
from jconv.engine._primitive import Window, convolve
from jconv.engine._problem import Problem

Terms = tuple[tuple[np.ndarray, ...], ...]

ROUNDING = 2.0
"""The error allowed where none is asked for, in units of the dtype's eps: within what `algorithm="auto"` states."""

GAIN = {"direct": 0.8}
OTHER_GAIN = 0.6
"""Passes must be estimated at less than this share of the time of the whole kernel. They are direct sums themselves:
estimates of like against like err less."""

MAX_TAPS = 1 << 14
"""Above, the decomposition itself would take longer than it saves."""


@functools.lru_cache(maxsize=64)
def _remembered(values: bytes, shape: tuple[int, ...], dtype: str, error: float) -> Terms:
    return tuple(separable.within(np.frombuffer(values, dtype).reshape(shape), error))


def terms_for(
    problem: Problem, kernel: Any, *, policy=planner.AUTO, error: float | None = None, at_least: int = 0
) -> Terms | None:
    """The terms of a kernel of one channel, where they are estimated to be the faster way; None elsewhere.

    `problem` is the whole convolution. Only `algorithm="auto"` below the highest precision is free to choose, and only
    on CPU, where times are known; integers stay exact. So many terms as `at_least` are taken whatever the estimate, by
    callers whose passes are faster than those here.
    """
    free = policy.algorithm == "auto" and policy.finite_only and problem.precision != "highest"
    if not free or problem.platform != "cpu" or problem.is_empty or is_traced(kernel):
        return None
    if not (problem.is_real or problem.is_complex) or problem.ndim < 2:
        return None
    if not 2 * sum(problem.taps) < problem.tap_count <= MAX_TAPS:
        return None
    affordable = max(at_least, _affordable(problem, policy))
    if affordable == 0:
        return None
    values = np.asarray(kernel)
    wide = np.ascontiguousarray(values, np.complex128 if values.dtype.kind == "c" else np.float64)
    if not np.isfinite(wide).all():
        return None
    if error is None:
        error = ROUNDING * float(np.finfo(problem.dtype).eps)
    terms = _remembered(wide.tobytes(), wide.shape, wide.dtype.str, error)
    return terms if len(terms) <= affordable else None


def _affordable(problem: Problem, policy) -> int:
    """How many terms take less time than the whole kernel."""
    whole = planner.plan(problem, policy).chosen
    one = sum(planner.plan(part, policy).chosen.seconds for _, part in _passes(problem))
    return int(GAIN.get(whole.algorithm, OTHER_GAIN) * whole.seconds / one)


def _passes(problem: Problem):
    """(axis, problem) of each pass of a term, the last axis first: its taps lie together in memory."""
    lhs_shape = problem.lhs_shape
    for axis in reversed(range(problem.ndim)):

        def only(values, neutral, axis=axis):
            return tuple(v if a == axis else neutral for a, v in enumerate(values))

        part = problem.replace(
            lhs_shape=lhs_shape,
            rhs_shape=(*only(problem.taps, 1), 1, 1),
            strides=only(problem.strides, 1),
            padding=only(problem.padding, (0, 0)),
            rhs_dilation=only(problem.rhs_dilation, 1),
        )
        lhs_shape = part.out_shape
        yield axis, part


def apply(problem: Problem, x: jax.Array, terms: Terms, *, policy=planner.AUTO) -> jax.Array:
    """The sum over all terms of one pass after the other along each axis; `x` is (N, *space, 1), already cropped."""
    total = jnp.zeros(problem.out_shape, problem.dtype)
    for factors in terms:
        y = x
        for axis, part in _passes(problem):
            # The barrier keeps XLA from computing a pass again for each tap of the next.
            kernel = jnp.asarray(factors[axis].reshape(part.rhs_shape), problem.dtype)
            y = lax.optimization_barrier(convolve(y, kernel, Window.of(part), precision=part.precision, policy=policy))
        total = total + y
    return total
