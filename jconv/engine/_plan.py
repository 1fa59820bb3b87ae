"""The planner's answer, as data and as a table for people."""

from __future__ import annotations

import dataclasses
import math

from jconv.engine._problem import Problem


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One algorithm for a problem: what it would cost, or why it is refused."""

    algorithm: str
    seconds: float
    """Estimated or measured; infinite where there is no estimate."""
    flops: float
    memory: int
    """Bytes of extra memory at the peak."""
    accuracy: str
    """Its error class, a key of `jconv.engine._accuracy.CLASSES`."""
    refused: str | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """The planner's answer: the chosen algorithm, and all candidates. Printing it shows them as a table.

    Attributes
    ----------
    problem : Problem
        What is to be computed: shapes, geometry, dtype and target.
    algorithm : str
        The name of the chosen algorithm.
    candidates : tuple of Candidate
        All algorithms, with what each would cost or why it is refused.
    effort : {"estimate", "measure"}
        Where the times of the candidates come from.
    """

    problem: Problem
    algorithm: str
    candidates: tuple[Candidate, ...] = dataclasses.field(compare=False)
    effort: str = "estimate"

    @property
    def chosen(self) -> Candidate:
        """The candidate that was chosen."""
        return next(c for c in self.candidates if c.algorithm == self.algorithm)

    def __str__(self) -> str:
        head, usable, refused = self._table()
        lines = [f"{_describe(self.problem)}: {self.algorithm}"]
        for name, time, flops, memory, accuracy in [head, *usable]:
            mark = "> " if name == self.algorithm else "  "
            lines.append(f"{mark}{name:<26}{time:>12}  {flops:>5}  {memory:>9}  {accuracy}")
        return "\n".join([*lines, *(f"  {name:<26}{'–':>12}  {reason}" for name, reason in refused)])

    def _repr_html_(self) -> str:
        from jconv._core import html  # for notebooks alone

        head, usable, refused = self._table()
        chosen = next((number for number, (name, *_) in enumerate(usable) if name == self.algorithm), None)
        shown = html.table(usable, head, caption=f"{_describe(self.problem)}: {self.algorithm}", bold=chosen)
        if not refused:
            return shown
        return f"{shown}<details><summary>{len(refused)} refused</summary>{html.table(refused)}</details>"

    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[tuple[str, str]]]:
        """Return the head and the rows of the usable candidates, the fastest first, and the refused ones' reasons."""
        ordered = sorted(self.candidates, key=lambda c: c.seconds)
        head = ("algorithm", "measured" if self.effort == "measure" else "estimated", "GFLOP", "extra MiB", "accuracy")
        usable = [
            (
                c.algorithm,
                f"{1e3 * c.seconds:.3f} ms" if math.isfinite(c.seconds) else "–",
                f"{c.flops / 1e9:.2f}",
                f"{c.memory / 2**20:.1f}",
                c.accuracy,
            )
            for c in ordered
            if c.refused is None
        ]
        return head, usable, [(c.algorithm, c.refused) for c in ordered if c.refused is not None]


def _describe(p: Problem) -> str:
    geometry = "".join(
        f", {word} {list(value)}"
        for word, value, neutral in (
            ("strides", p.strides, (1,) * p.ndim),
            ("padding", p.padding, ((0, 0),) * p.ndim),
            ("input dilation", p.lhs_dilation, (1,) * p.ndim),
            ("kernel dilation", p.rhs_dilation, (1,) * p.ndim),
        )
        if tuple(value) != neutral
    )
    return f"{p.lhs_shape} * {p.rhs_shape} {p.dtype}, groups {p.groups}{geometry}, on {p.target.platform}"
