"""Signals and images of one channel."""

from __future__ import annotations

from jconv.engine._problem import Problem, unit


def refusal_unless_single(problem: Problem) -> str | None:
    """None for a real problem of a single channel without strides and dilations, else the reason why it is not."""
    if not problem.is_real:
        return f"real floating point only, got {problem.dtype}"
    if problem.lhs_shape[-1] != 1 or problem.out_channels != 1:
        return "for a single channel"
    if not unit(problem, "lhs_dilation", "rhs_dilation", "strides"):
        return "no strides or dilations"
    return None
