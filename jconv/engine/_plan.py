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
        word = "measured" if self.effort == "measure" else "estimated"
        lines = [
            f"{_describe(self.problem)}: {self.algorithm}",
            f"  {'algorithm':<26}{word:>12}  GFLOP  extra MiB  accuracy",
        ]
        for c in sorted(self.candidates, key=lambda c: (c.refused is not None, c.seconds)):
            if c.refused is not None:
                lines.append(f"  {c.algorithm:<26}{'–':>12}  {c.refused}")
            else:
                time = f"{1e3 * c.seconds:.3f} ms" if math.isfinite(c.seconds) else "–"
                lines.append(
                    f"{'> ' if c.algorithm == self.algorithm else '  '}{c.algorithm:<26}{time:>12}"
                    f"  {c.flops / 1e9:5.2f}  {c.memory / 2**20:9.1f}  {c.accuracy}"
                )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from jconv._core import html  # for notebooks alone

        word = "measured" if self.effort == "measure" else "estimated"
        usable = sorted((c for c in self.candidates if c.refused is None), key=lambda c: c.seconds)
        rows = [
            (
                c.algorithm,
                f"{1e3 * c.seconds:.3f} ms" if math.isfinite(c.seconds) else "–",
                f"{c.flops / 1e9:.2f}",
                f"{c.memory / 2**20:.1f}",
                c.accuracy,
            )
            for c in usable
        ]
        chosen = next((row for row, c in enumerate(usable) if c.algorithm == self.algorithm), None)
        columns = ("algorithm", word, "GFLOP", "extra MiB", "accuracy")
        shown = html.table(rows, columns, caption=f"{_describe(self.problem)}: {self.algorithm}", bold=chosen)
        refused = [(c.algorithm, c.refused) for c in self.candidates if c.refused is not None]
        if not refused:
            return shown
        return f"{shown}<details><summary>{len(refused)} refused</summary>{html.table(refused)}</details>"


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
