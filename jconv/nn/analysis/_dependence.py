"""Which part of its inputs a traced function reads for a part of its outputs, by intervals.

A part is a box, one closed interval for each axis. Each operation of the jaxpr, the last first, turns the box that is
needed of its result into boxes of its operands; boxes of a value that is used twice are joined into their hull. Boxes
may reach over the edges, into the padding. An operation without a rule reads all of its operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jconv.nn.analysis._dependence_rules import POINTWISE, RULES
from jconv.nn.analysis._intervals import Box, full, hull


def trace_inputs(traced: Any, outputs: Sequence[Box | None]) -> list[Box | None]:
    """Return the box of each input of a `jax.make_jaxpr` that boxes of its outputs depend on; None where none does."""
    jaxpr = getattr(traced, "jaxpr", traced)
    boxes: dict[Any, Box] = {}

    def ask(variable: Any, box: Box | None) -> None:
        if box is None or hasattr(variable, "val"):  # a literal number
            return
        boxes[variable] = hull(boxes[variable], box) if variable in boxes else box

    for variable, box in zip(jaxpr.outvars, outputs):
        ask(variable, box)
    for equation in reversed(jaxpr.eqns):
        needs = [boxes.get(variable) for variable in equation.outvars]
        if any(box is not None for box in needs):
            for variable, box in zip(equation.invars, _read_operands(equation, needs), strict=True):
                ask(variable, box)
    return [boxes.get(variable) for variable in jaxpr.invars]


def _read_operands(equation: Any, needs: list[Box | None]) -> list[Box | None]:
    shapes = [variable.aval.shape for variable in equation.invars]
    name, params = equation.primitive.name, equation.params
    if name in POINTWISE:
        if len(needs) == len(shapes):  # an optimization barrier passes many
            return needs
        return [needs[0] if shape else () for shape in shapes]
    if name in RULES:
        return RULES[name](needs[0] if len(needs) == 1 else needs, shapes, params)
    inner = next((params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params), None)
    if inner is not None and name not in ("scan", "while", "cond"):
        return trace_inputs(inner, needs)
    return [full(shape) for shape in shapes]
