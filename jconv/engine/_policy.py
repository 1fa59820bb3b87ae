"""What the caller asks of the planner."""

from __future__ import annotations

import dataclasses

from jconv._core import check
from jconv.engine._plan import Plan
from jconv.engine._problem import Geometry
from jconv.engine.algorithms import ALGORITHMS

UNIVERSAL = ("xla", "direct")
"""Algorithms that support every problem, so that a caller who names one gets it for the gradients too."""


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the caller asks of the planner.

    `algorithm` is "auto" or a name; `memory_budget` bounds the extra memory in bytes. `finite_only` says whether an
    algorithm may spread rounding, and a NaN or inf, over outputs whose sum does not contain the sample; None admits
    that where channels are mixed, and `by_default` notes that it was None. `free_borders` is that of `Problem`. `plan`
    is the `Plan` that the caller passed in place of a name.
    """

    algorithm: str = "auto"
    memory_budget: int | None = None
    finite_only: bool | None = None
    by_default: bool = False
    free_borders: bool = False
    plan: Plan | None = dataclasses.field(default=None, compare=False)

    def for_gradient(self) -> Policy:
        """Return the policy of the adjoint problems: a named algorithm is kept only if it supports every problem."""
        name = self.algorithm if self.algorithm in ("auto", *UNIVERSAL) else "auto"
        return dataclasses.replace(self, algorithm=name, free_borders=False, plan=None)

    def for_kernel_gradient(self) -> Policy:
        """Return the policy for the adjoint in the kernel, each of whose sums contains nearly every sample anyway."""
        policy = self.for_gradient()
        return dataclasses.replace(policy, finite_only=True) if self.by_default else policy

    def for_parts(self) -> Policy:
        """Return the policy of the smaller problems that an algorithm leaves to the planner."""
        return dataclasses.replace(self, algorithm="auto", free_borders=False, plan=None)

    def resolved(self, lhs_channels: int, out_channels: int) -> Policy:
        """Return the policy for this many channels: signals and images of one channel are summed componentwise."""
        if self.finite_only is not None:
            return self
        return dataclasses.replace(self, finite_only=lhs_channels * out_channels > 1, by_default=True)

    def require_lax(self) -> None:
        """Raise where another algorithm than XLA's was named for arrays that only lax's own convolution can take."""
        if self.algorithm not in ("auto", "xla"):
            raise ValueError(
                f"`algorithm` {self.algorithm!r} takes shapes in numbers and no explicit sharding; pass 'auto' or "
                "'xla', or call it inside shard_map"
            )

    def checked(self, geometry: Geometry, lhs_shape: tuple[int, ...], rhs_shape: tuple[int, ...]) -> Policy:
        """Return the policy without its plan; raise where the plan was made for another problem than this one."""
        if self.plan is None:
            return self
        problem = self.plan.problem
        planned = (problem.geometry, problem.lhs_shape, problem.rhs_shape)
        if planned != (geometry, lhs_shape, rhs_shape):
            raise ValueError(
                f"`algorithm` is a plan for {problem.lhs_shape} * {problem.rhs_shape} with {problem.geometry}, but the "
                f"arrays are {lhs_shape} * {rhs_shape} with {geometry}; make a plan for these arrays with jconv.plan, "
                f"or pass the name {self.algorithm!r}"
            )
        return dataclasses.replace(self, plan=None)


AUTO = Policy()


def policy_of(algorithm: str | Plan, memory_budget: int | None = None, finite_only: bool | None = None) -> Policy:
    """Return the policy that a public function's keyword arguments describe."""
    plan = algorithm if isinstance(algorithm, Plan) else None
    name = check.choice("algorithm", plan.algorithm if plan else algorithm, ["auto", *ALGORITHMS])
    if memory_budget is not None and check.integer("memory_budget", memory_budget) < 0:
        raise ValueError(f"`memory_budget` must not be negative, got {memory_budget}; pass bytes, or None")
    return Policy(name, memory_budget, None if finite_only is None else bool(finite_only), plan=plan)


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
