"""The planner: which algorithm solves a problem fastest, among those accurate and small enough.

It looks at static facts only, so that it runs while a program is traced or lowered and costs nothing afterwards. The
time of an algorithm is estimated as Σ cᵢ fᵢ: the algorithm names its features fᵢ (floating-point operations, bytes,
calls), and a cost table holds the cᵢ, fitted to measurements.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core import check
from jconv.engine._accuracy import CLASSES, DEFAULT_AMPLIFICATION, ErrorClass
from jconv.engine._costs import CostTable
from jconv.engine._plan import Candidate, Plan
from jconv.engine._policy import AUTO, Policy
from jconv.engine._problem import LOW_PRECISION, Problem
from jconv.engine._target import Machine, Target, this_machine
from jconv.engine._wisdom import Wisdom
from jconv.engine.algorithms import ALGORITHMS

MEMORY_FACTOR = 4
"""Extra memory that `auto` may use without being told, in units of input plus kernel plus output."""

SMALL = 16 << 20
"""Bytes of extra memory that `auto` may always use, whatever the size of the arrays."""

GUARD_BYTES = 1e-10
"""Seconds for each byte of the operands that are searched for a NaN or inf (two Zen cores, November 2026)."""

WRITTEN_OUT = 1e-6
"""Seconds for each term that is written out, on a CPU: 8 ms of compiling, paid off by 8,000 calls.

The compile time is a measurement (256 taps took two seconds; two Zen cores, November 2026), the number of calls a
choice: an algorithm that saves microseconds shall not cost seconds.
"""


class Planner:
    """Chooses algorithms by a cost table, by what was measured (`wisdom`), and for one machine.

    A process has one, `default_planner()`; others are for measuring, fitting and testing, see `use_planner`.
    """

    def __init__(
        self, costs: CostTable | None = None, wisdom: Wisdom | None = None, machine: Machine | None = None
    ) -> None:
        self.costs = costs or CostTable.load()
        self.wisdom = wisdom or Wisdom()
        self.machine = machine or this_machine()
        self._plan = functools.lru_cache(maxsize=16384)(self._choose)

    def target(self, platform: str, portable: bool = False, partitioned: bool = False) -> Target:
        """Return what a program for a platform is compiled for on this planner's machine."""
        return Target(platform, portable or partitioned, partitioned, self.machine)

    def plan(self, problem: Problem, policy: Policy = AUTO) -> Plan:
        """Choose an algorithm for a problem; raise if a named one cannot do it."""
        return self._plan(problem, policy)

    def solve(self, problem: Problem, lhs: jax.Array, rhs: jax.Array, policy: Policy = AUTO) -> jax.Array:
        """Solve a canonical problem by the planned algorithm; traced while a program is lowered."""
        if problem.is_empty:
            return jnp.zeros(problem.out_shape, problem.dtype)
        policy = policy.resolved(problem.lhs_shape[-1], problem.out_channels)
        plan = self.plan(problem, policy)
        if policy.algorithm != "auto" or not _needs_guard(CLASSES[plan.chosen.accuracy], policy):
            return self.apply(plan.algorithm, problem, lhs, rhs, policy)
        # Products by zero spread a NaN or inf. Where there is one, the fastest algorithm without them computes.
        rows = (c for c in plan.candidates if c.refused is None and CLASSES[c.accuracy].spreads == "nothing")
        exact = min(rows, key=lambda c: c.seconds)
        return lax.cond(
            jnp.isfinite(lhs).all() & jnp.isfinite(rhs).all(),
            lambda lhs, rhs: self.apply(plan.algorithm, problem, lhs, rhs, policy),
            lambda lhs, rhs: self.apply(exact.algorithm, problem, lhs, rhs, policy),
            lhs,
            rhs,
        )

    def apply(self, name: str, problem: Problem, lhs: jax.Array, rhs: jax.Array, policy: Policy = AUTO) -> jax.Array:
        """Solve a canonical problem by a named algorithm, which leaves its parts to the planner."""
        for_parts = policy.for_parts()

        def solve(part: Problem, lhs: jax.Array, rhs: jax.Array) -> jax.Array:
            return self.solve(dataclasses.replace(part, free_borders=False), lhs, rhs, for_parts)

        with jax.named_scope(_scope(name, problem.precision)):
            if name != "xla" and problem.dtype in LOW_PRECISION:  # sums are taken in float32
                wide = problem.replace(dtype="float32")
                out = ALGORITHMS[name].apply(wide, lhs.astype("float32"), rhs.astype("float32"), solve)
                return out.astype(problem.dtype)
            return ALGORITHMS[name].apply(problem, lhs, rhs, solve)

    def candidates(self, problem: Problem, policy: Policy = AUTO) -> tuple[Candidate, ...]:
        """All algorithms for a problem, with what each would cost or why it is refused."""
        return tuple(self._candidate(problem, name, policy) for name in ALGORITHMS)

    def remember(self, problem: Problem, algorithm: str) -> None:
        """Keep a measured choice."""
        self.wisdom.remember(problem, algorithm)
        self.forget_plans()

    def forget_plans(self) -> None:
        """Plan every problem again: what the choice depends on has changed."""
        self._plan.cache_clear()

    def _choose(self, problem: Problem, policy: Policy) -> Plan:
        policy = policy.resolved(problem.lhs_shape[-1], problem.out_channels)
        if problem.is_empty:
            return Plan(problem, "direct", (Candidate("direct", 0.0, 0.0, 0, "direct"),))
        if policy.algorithm != "auto":
            name = check.choice("algorithm", policy.algorithm, ["auto", *ALGORITHMS])
            reason = ALGORITHMS[name].refusal(problem)
            if reason is not None:
                raise ValueError(
                    f"`algorithm` {name!r} cannot do this problem: {reason}; pass algorithm='auto', or another name"
                )
            return Plan(problem, name, (self._candidate(problem, name, policy, judge=False),))
        rows = self.candidates(problem, policy)
        admitted = [c for c in rows if c.refused is None]
        known = self.wisdom.lookup(problem)
        if known is not None and any(c.algorithm == known for c in admitted):
            return Plan(problem, known, rows)
        xla = next(c for c in rows if c.algorithm == "xla")
        if math.isinf(xla.seconds):  # no estimate on this platform, or a dtype that XLA does not convolve
            name = "xla" if xla.refused is None else "complex_split" if problem.is_complex else "direct"
            return Plan(problem, name, tuple(_left_to_measurement(c, name) for c in rows))
        # Estimates err: XLA's own convolution is left only for a clear gain.
        clear = [
            c for c in admitted if c.seconds < self.costs.margin(c.algorithm, problem.target.platform) * xla.seconds
        ]
        spreading = self.costs.spreading
        best = min(clear, key=lambda c: c.seconds + spreading * (CLASSES[c.accuracy].spreads != "nothing"), default=xla)
        return Plan(problem, best.algorithm, rows)

    def _candidate(self, problem: Problem, name: str, policy: Policy, judge: bool = True) -> Candidate:
        """One row of the table. With `judge` false only what an algorithm cannot do refuses it."""
        refused = ALGORITHMS[name].refusal(problem)
        if refused is not None:
            return Candidate(name, math.inf, 0.0, 0, "direct", refused)
        estimate = ALGORITHMS[name].estimate(problem)
        if judge:
            refused = _refusal_by_partition(problem, name)
            refused = refused or _refusal_by_accuracy(problem, CLASSES[estimate.accuracy], policy)
            if refused is not None:
                return Candidate(name, math.inf, 0.0, 0, estimate.accuracy, refused)
        parts = [self.plan(part, policy.for_parts()).chosen for part in estimate.parts]
        work = dict(estimate.work)
        if parts:
            # XLA fuses depthwise parts, so that they take less time together than each on its own.
            word = "depthwise_parts" if problem.in_channels == 1 else "parts"
            work[word] = sum(part.seconds for part in parts)
        seconds = self.costs.seconds(name, work, problem.target.platform)
        if _needs_guard(CLASSES[estimate.accuracy], policy):
            seconds += GUARD_BYTES * problem.io_bytes
        if problem.target.platform == "cpu":
            seconds += WRITTEN_OUT * estimate.written_out
        memory = estimate.memory + max((part.memory for part in parts), default=0)  # one after the other
        if judge and name != "xla":
            refused = _refusal_by_memory(problem, memory, policy)
        flops = estimate.flops + sum(part.flops for part in parts)
        return Candidate(name, seconds, flops, memory, estimate.accuracy, refused)


def _scope(algorithm: str, precision: str) -> str:
    """Return what profiles call a convolution: searches for XLA's own operation find the others too."""
    asked = "" if precision == "default" else f", operand_precision={{{precision},{precision}}}"
    return f"convolution({algorithm}{asked})"


def _left_to_measurement(row: Candidate, chosen: str) -> Candidate:
    """Return a row of a table in which nothing is estimated."""
    if row.algorithm == chosen or row.refused is not None:
        return row
    reason = f"no estimate on this platform, where {chosen!r} is the default; effort='measure' times it"
    return dataclasses.replace(row, refused=reason)


def _refusal_by_accuracy(problem: Problem, error: ErrorClass, policy: Policy) -> str | None:
    if problem.precision == "highest" and error.amplification > 1:
        return "less accurate than the direct sum, and precision='highest' was asked for"
    if error.amplification > DEFAULT_AMPLIFICATION:
        return "less accurate than the default admits"
    if error.spreads == "rounding" and not policy.finite_only:
        return "spreads rounding, NaN and inf over other outputs; finite_only=True admits that"
    return None


def _needs_guard(error: ErrorClass, policy: Policy) -> bool:
    """Whether operands are searched for a NaN or inf first."""
    return error.spreads == "non-finite" and not policy.finite_only


def _refusal_by_partition(problem: Problem, name: str) -> str | None:
    """In a program that XLA partitions, only its own convolution is partitioned without gathering more than it must.

    Transforms and blocks gather whole arrays, and the sum of shifted slices exchanges borders once for each tap
    (`tests/engine/test_partitioned.py` counts). Inside `shard_map` each device runs a program of its own.
    """
    if not problem.target.partitioned or name == "xla" or ALGORITHMS["xla"].refusal(problem) is not None:
        return None
    return "XLA partitions this program over devices, and partitions only its own convolution well"


def _refusal_by_memory(problem: Problem, memory: int, policy: Policy) -> str | None:
    budget = policy.memory_budget
    limit = budget if budget is not None else max(SMALL, MEMORY_FACTOR * problem.io_bytes)
    if memory <= limit:
        return None
    word = "default limit" if budget is None else "budget"
    return f"needs {memory >> 20} MiB of extra memory, over the {word} of {limit >> 20} MiB"


_default: Planner | None = None


def default_planner() -> Planner:
    """Return the planner of this process, made when it is first asked for."""
    global _default
    if _default is None:
        _default = Planner(wisdom=Wisdom.from_environment())
    return _default


@contextlib.contextmanager
def use_planner(planner: Planner) -> Iterator[Planner]:
    """Let another planner choose for the programs that are lowered inside the context.

    Programs that were compiled before keep their algorithms.
    """
    global _default
    before, _default = _default, planner
    try:
        yield planner
    finally:
        _default = before
