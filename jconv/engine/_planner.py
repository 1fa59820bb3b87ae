"""The planner: which algorithm solves a problem fastest, among those accurate and small enough.

It looks at static facts only, so that it runs while a program is traced or lowered and costs nothing afterwards. The
time of an algorithm is estimated as Σ cᵢ fᵢ: the algorithm names its features fᵢ (floating-point operations, bytes,
calls), and `jconv.engine._constants` holds the cᵢ, fitted to measurements.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.engine import _constants as constants
from jconv.engine import _wisdom as wisdom
from jconv.engine._accuracy import CLASSES, DEFAULT_AMPLIFICATION
from jconv.engine._problem import LOW_PRECISION, Problem
from jconv.engine.algorithms import ALGORITHMS

MEMORY_FACTOR = 4
"""Extra memory that `auto` may use without being told, in units of input plus kernel plus output."""

SMALL = 16 << 20
"""Bytes of extra memory that nobody minds, whatever the size of the arrays."""


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the caller asks of the planner.

    `algorithm` is "auto" or a name; `memory_budget` bounds the extra memory in bytes; `finite_only=False` admits only
    algorithms that spread a NaN or inf no further than the sum does; `free_borders` is that of `Problem`.
    """

    algorithm: str = "auto"
    memory_budget: int | None = None
    finite_only: bool = True
    free_borders: bool = False

    def for_gradient(self) -> Policy:
        """The policy of the adjoint problems: a name asks for itself where it can, and else leaves the choice."""
        name = self.algorithm if self.algorithm in ("auto", *_UNIVERSAL) else "auto"
        return dataclasses.replace(self, algorithm=name, free_borders=False)

    def must_leave_to_lax(self) -> None:
        """Raise where another algorithm than XLA's was named for arrays that only lax's own convolution can take."""
        if self.algorithm not in ("auto", "xla"):
            raise ValueError(
                f"`algorithm` {self.algorithm!r} takes shapes in numbers and no explicit sharding; pass 'auto' or "
                "'xla', or call it inside shard_map"
            )


def check_algorithm(algorithm: str | Plan) -> None:
    """Raise a ValueError unless `algorithm` is "auto", the name of an algorithm, or a `Plan`.

    Parameters
    ----------
    algorithm : str or Plan
        What a function or a layer was given as `algorithm=`.

    Raises
    ------
    ValueError
        The message lists the names and the nearest one.

    Examples
    --------
    >>> check_algorithm("fft")
    """
    policy_of(algorithm)


def policy_of(algorithm: str | Plan, memory_budget: int | None = None, finite_only: bool = True) -> Policy:
    """The policy that a public function's keyword arguments describe."""
    if isinstance(algorithm, Plan):
        algorithm = algorithm.algorithm
    check.choice("algorithm", algorithm, ["auto", *ALGORITHMS])
    if memory_budget is not None and check.integer("memory_budget", memory_budget) < 0:
        raise ValueError(f"`memory_budget` must not be negative, got {memory_budget}; pass bytes, or None")
    return Policy(algorithm, memory_budget, bool(finite_only))


_UNIVERSAL = ("xla", "direct")
AUTO = Policy()


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One algorithm beside a problem: what it would cost, or why it is out."""

    algorithm: str
    seconds: float
    flops: float
    memory: int
    accuracy: str
    refused: str | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """The planner's answer: the chosen algorithm, and all candidates. Printing it shows them as a table."""

    problem: Problem
    algorithm: str
    candidates: tuple[Candidate, ...] = dataclasses.field(compare=False)
    effort: str = "estimate"

    @property
    def chosen(self) -> Candidate:
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
    return f"{p.lhs_shape} * {p.rhs_shape} {p.dtype}, groups {p.groups}{geometry}, on {p.platform}"


@functools.lru_cache(maxsize=16384)
def plan(problem: Problem, policy: Policy = AUTO) -> Plan:
    """Choose an algorithm for a problem; raise if a named one cannot do it."""
    if problem.is_empty:
        return Plan(problem, "direct", (Candidate("direct", 0.0, 0.0, 0, "direct"),))
    if policy.algorithm != "auto":
        name = check.choice("algorithm", policy.algorithm, ["auto", *ALGORITHMS])
        reason = ALGORITHMS[name].supports(problem)
        if reason is not None:
            raise ValueError(
                f"`algorithm` {name!r} cannot do this problem: {reason}; pass algorithm='auto', or another name"
            )
        return Plan(problem, name, (candidate(problem, name, policy, judge=False),))
    rows = candidates(problem, policy)
    admitted = [c for c in rows if c.refused is None]
    known = wisdom.lookup(problem)
    if known is not None and any(c.algorithm == known for c in admitted):
        return Plan(problem, known, rows)
    xla = next(c for c in rows if c.algorithm == "xla")
    if math.isinf(xla.seconds):  # no estimate here, or nothing that XLA convolves
        name = "xla" if xla.refused is None else "complex_split" if problem.is_complex else "direct"
        return Plan(problem, name, tuple(_left_to_measurement(c, name) for c in rows))
    # Estimates err: XLA's own convolution is left only for a clear gain.
    clear = [c for c in admitted if c.seconds < constants.margin(c.algorithm, problem.platform) * xla.seconds]
    best = min(clear, key=lambda c: c.seconds + constants.SPREADING * CLASSES[c.accuracy].spreads, default=xla)
    return Plan(problem, best.algorithm, rows)


def candidates(problem: Problem, policy: Policy) -> tuple[Candidate, ...]:
    """All rows of the table."""
    return tuple(candidate(problem, name, policy) for name in ALGORITHMS)


def _left_to_measurement(row: Candidate, chosen: str) -> Candidate:
    """A row where nothing is estimated."""
    if row.algorithm == chosen or row.refused is not None:
        return row
    reason = f"no estimate on this platform, where {chosen!r} is the default; effort='measure' times it"
    return dataclasses.replace(row, refused=reason)


def candidate(problem: Problem, name: str, policy: Policy, judge: bool = True) -> Candidate:
    """One row of the table. With `judge` false only impossibility refuses."""
    algorithm = ALGORITHMS[name]
    refused, accuracy = algorithm.supports(problem), algorithm.ACCURACY
    if refused is None and hasattr(algorithm, "accuracy"):
        accuracy = algorithm.accuracy(problem)
    if refused is None and judge:
        refused = _unwanted(problem, name, CLASSES[accuracy], policy)
    if refused is not None:
        return Candidate(name, float("inf"), 0.0, 0, accuracy, refused)
    features = algorithm.features(problem)
    parts = [plan(part, dataclasses.replace(policy, algorithm="auto")).chosen for part in algorithm.parts(problem)]
    if parts:
        # XLA fuses depthwise parts, so that they take less time together than each on its own.
        word = "depthwise_parts" if problem.in_channels == 1 else "parts"
        features = {**features, word: sum(part.seconds for part in parts)}
    seconds = constants.seconds(name, features, problem.platform)
    flops = features.get("flops", 0.0) + sum(part.flops for part in parts)
    memory = algorithm.memory(problem) + max((part.memory for part in parts), default=0)  # one after the other
    if judge:
        limit = (
            policy.memory_budget if policy.memory_budget is not None else max(SMALL, MEMORY_FACTOR * problem.io_bytes)
        )
        if memory > limit and name != "xla":
            word = "budget" if policy.memory_budget is not None else "default limit"
            refused = f"needs {memory >> 20} MiB of extra memory, over the {word} of {limit >> 20} MiB"
    return Candidate(name, seconds, flops, memory, accuracy, refused)


def _unwanted(problem, name, error, policy) -> str | None:
    if problem.precision == "highest" and error.amplification > 1:
        return "less accurate than the direct sum, and precision='highest' was asked for"
    if error.amplification > DEFAULT_AMPLIFICATION:
        return "less accurate than the default admits"
    if error.spreads and not policy.finite_only:
        return "spreads NaN and inf, and finite_only=False was asked for"
    return None


def run_problem(problem: Problem, lhs: jax.Array, rhs: jax.Array, policy: Policy = AUTO) -> jax.Array:
    """Solve a canonical problem by the planned algorithm; traced while a program is lowered."""
    if problem.is_empty:
        return jnp.zeros(problem.out_shape, problem.dtype)
    chosen = plan(problem, policy).algorithm
    for_parts = dataclasses.replace(policy, algorithm="auto")

    def run(part: Problem, lhs: jax.Array, rhs: jax.Array) -> jax.Array:
        return run_problem(part.replace(free_borders=False), lhs, rhs, for_parts)

    if chosen != "xla" and problem.dtype in LOW_PRECISION:  # sums are taken in float32
        wide = problem.replace(dtype="float32")
        return ALGORITHMS[chosen].apply(wide, lhs.astype("float32"), rhs.astype("float32"), run).astype(problem.dtype)
    return ALGORITHMS[chosen].apply(problem, lhs, rhs, run)
