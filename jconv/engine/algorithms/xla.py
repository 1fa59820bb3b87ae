"""XLA's own convolution.

On CPU XLA calls Eigen for dense float convolutions without input dilation, and a plain loop nest for all else: 5 to
100 times slower per operation. The features keep these regimes apart.
"""

from __future__ import annotations

import math

from jconv.engine import internals
from jconv.engine.problem import Problem, unit

NAME = "xla"
ACCURACY = "direct"


def supports(problem: Problem) -> str | None:
    return None


def features(problem: Problem) -> dict[str, float]:
    # The loop nest does not skip the zeros of a dilated input.
    executed = problem.flops * math.prod(problem.lhs_dilation) * problem.itemsize / 4
    return {
        "calls": 1.0,
        "flops": executed,
        f"{_regime(problem)}_flops": executed,
        "groups": float(problem.groups - 1),
        "bytes": float(problem.io_bytes),
    }


def _regime(problem: Problem) -> str:
    """Which of XLA's code paths a problem takes, as far as its speed tells."""
    if problem.dtype not in ("float32", "float16"):
        return "loop"
    gradient = math.prod(problem.out_space) < problem.tap_count
    dilated = not unit(problem, "lhs_dilation")
    prefix = ("volume_" if problem.ndim == 3 else "") + ("dilated_" if dilated else "")
    if problem.groups > 1:
        return prefix + ("depthwise" if problem.in_channels == 1 else "grouped") + ("_gradient" if gradient else "")
    if gradient:
        return prefix + ("few_gradient" if problem.in_channels < 4 else "gradient")
    if problem.in_channels * problem.out_channels == 1:
        return prefix + "single"
    if min(problem.in_channels, problem.out_channels) < 16:
        return prefix + "narrow"
    return prefix + ("pointwise" if problem.tap_count == 1 else "dense")


def memory(problem: Problem) -> int:
    return 0


def parts(problem: Problem) -> tuple[Problem, ...]:
    return ()


def apply(problem: Problem, lhs, rhs, run):
    return internals.xla_convolution(
        lhs,
        rhs,
        shape=problem.out_shape,
        strides=problem.strides,
        padding=problem.padding,
        lhs_dilation=problem.lhs_dilation,
        rhs_dilation=problem.rhs_dilation,
        groups=problem.groups,
        highest=problem.precision == "highest",
    )
