"""`jconv.plan`: what the planner would choose, and why, for people."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike

from jconv._core import check
from jconv.engine._api.lax import precision_name
from jconv.engine._canonical import canonicalize, cropped_shape, lax_arguments
from jconv.engine._plan import Plan
from jconv.engine._planner import Planner, default_planner
from jconv.engine._policy import Policy, policy_of
from jconv.engine._primitive import input_gradient_problem, kernel_gradient_problem
from jconv.engine._problem import Problem, compute_dtype

PASSES = ("forward", "input_gradient", "kernel_gradient")
ROUNDS = 5
HOPELESS = 3.0
"""A candidate this many times slower than the best is not timed again."""


def plan(
    lhs: jax.Array | jax.ShapeDtypeStruct,
    rhs: jax.Array | jax.ShapeDtypeStruct,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: lax.ConvGeneralDilatedDimensionNumbers = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: lax.PrecisionLike = None,
    preferred_element_type: DTypeLike | None = None,
    *,
    of: str = "forward",
    effort: str = "estimate",
    memory_budget: int | None = None,
    finite_only: bool | None = None,
) -> Plan:
    """Plan a convolution: list all algorithms for these arguments, and which of them `conv_general_dilated` would use.

    Parameters
    ----------
    lhs, rhs : array or `jax.ShapeDtypeStruct`
        Only shapes and dtypes matter.
    window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers
        As for `jconv.conv_general_dilated`.
    feature_group_count, batch_group_count, precision, preferred_element_type
        As for `jconv.conv_general_dilated`.
    of : {"forward", "input_gradient", "kernel_gradient"}
        Each pass is planned on its own.
    effort : {"estimate", "measure"}
        "estimate" asks the cost model; "measure" times the candidates on the default device, remembers the answer for
        this process, and lets `jconv.engine.save_wisdom` keep it.
    memory_budget, finite_only
        As for `jconv.conv_general_dilated`.

    Returns
    -------
    Plan
        Printed, it is a table of time, operations, extra memory and accuracy class of every candidate, with the reason
        where one was refused. Passed as `algorithm=`, it is obeyed.

    Raises
    ------
    ValueError
        For an unknown `of` or `effort`; and what `jax.lax` raises for the other arguments.

    Notes
    -----
    The estimate costs well under a millisecond, and nothing once it was asked for. On the benchmark's problems it picks
    an algorithm within 10 % of the best in the share of cases that `python -m benchmarks.fit` prints; see
    `docs/engine.md` for the figure.

    Examples
    --------
    >>> x = jax.ShapeDtypeStruct((1, 1, 1024, 1024), jnp.float32)
    >>> w = jax.ShapeDtypeStruct((1, 1, 63, 63), jnp.float32)
    >>> plan(x, w, (1, 1), "SAME", finite_only=True).algorithm
    'overlap_save'
    """
    check.choice("of", of, PASSES)
    check.choice("effort", effort, ("estimate", "measure"))
    lhs, rhs = (jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (lhs, rhs))
    window = (window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count,
              batch_group_count)  # fmt: skip
    reference = lambda x, w: lax.conv_general_dilated(x, w, *window, precision, preferred_element_type)
    out = jax.eval_shape(reference, lhs, rhs)
    dtype = jnp.promote_types(jnp.promote_types(lhs.dtype, rhs.dtype), out.dtype)
    planner = default_planner()
    target = planner.target(_platform_of(jax.devices()[0]), portable=False)
    canonical = canonicalize(lax_arguments(lhs.shape, rhs.shape, *window), lhs.shape, rhs.shape)
    crops, geometry = canonical.geometry.cropped(canonical.lhs_shape[1:-1], canonical.rhs_shape[:-2])
    problem = Problem(
        geometry,
        cropped_shape(canonical.lhs_shape, crops),
        canonical.rhs_shape,
        compute_dtype(str(np.dtype(dtype)), target.platform),
        precision_name(precision),
        target,
    )
    if of == "input_gradient":
        problem = input_gradient_problem(problem)
    elif of == "kernel_gradient":
        problem = kernel_gradient_problem(problem)
    policy = policy_of("auto", memory_budget, finite_only)
    return planner.plan(problem, policy) if effort == "estimate" else _measure(planner, problem, policy)


def _platform_of(device: jax.Device) -> str:  # pyright: ignore[reportInvalidTypeForm]
    """Return the platform's name in a lowering: JAX calls a GPU "gpu" where it is a device."""
    if device.platform != "gpu":
        return device.platform
    return "rocm" if "rocm" in getattr(device.client, "platform_version", "").lower() else "cuda"


def _measure(planner: Planner, problem: Problem, policy: Policy) -> Plan:
    """Time every admitted candidate on the default device, and remember the fastest."""
    rows = planner.candidates(problem, policy)
    rng = np.random.default_rng(0)
    lhs, rhs = (
        jnp.asarray(rng.standard_normal(shape)).astype(problem.dtype)
        for shape in (problem.lhs_shape, problem.rhs_shape)
    )
    times: dict[str, float] = {}
    best = float("inf")
    for row in sorted(rows, key=lambda c: c.seconds):
        if row.refused is None:
            times[row.algorithm] = _seconds(planner, problem, row.algorithm, policy, lhs, rhs, best)
            best = min(best, times[row.algorithm])
    timed = tuple(dataclasses.replace(c, seconds=times[c.algorithm]) if c.algorithm in times else c for c in rows)
    fastest = min(times, key=times.__getitem__)
    planner.remember(problem, fastest)
    return Plan(problem, fastest, timed, effort="measure")


def _seconds(
    planner: Planner, problem: Problem, name: str, policy: Policy, lhs: jax.Array, rhs: jax.Array, best: float
) -> float:
    compiled = jax.jit(lambda a, b: planner.apply(name, problem, a, b, policy))
    jax.block_until_ready(compiled(lhs, rhs))
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        jax.block_until_ready(compiled(lhs, rhs))
        times.append(time.perf_counter() - start)
        if times[-1] > HOPELESS * best:
            break
    return statistics.median(times)
