"""Algorithms drawn by lot, so that tests reach those which the planner would choose for large arrays only."""

import collections
import functools
import zlib

from jconv.engine import _planner as planner
from jconv.engine import _wisdom as wisdom
from jconv.engine._problem import Problem
from jconv.engine.algorithms import ALGORITHMS

# A wrong sum is wrong at any level of optimisation; the lower, the faster it is compiled.
FAST_TO_COMPILE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


class Lottery:
    """Stands in for measured wisdom: for each problem the algorithm that was drawn least of those that support it."""

    def __init__(self):
        self.drawn: dict[Problem, str] = {}
        self.ran = collections.Counter()

    def lookup(self, problem: Problem) -> str:
        """The name of an algorithm that supports the problem, always the same for the same problem."""
        if problem not in self.drawn:
            able = [name for name in ALGORITHMS if ALGORITHMS[name].supports(problem) is None]
            self.drawn[problem] = min(able, key=lambda n: (self.ran[n], zlib.crc32(f"{n} {problem}".encode())))
        return self.drawn[problem]

    def install(self, setattr=setattr) -> None:
        """Put it under the planner; `setattr` may be that of a `monkeypatch`."""
        for name, module in ALGORITHMS.items():
            setattr(module, "apply", self._counted(name, module.apply))
        setattr(wisdom, "lookup", self.lookup)
        planner.plan.cache_clear()

    def _counted(self, name, apply):
        @functools.wraps(apply)
        def counted(*args):
            self.ran[name] += 1
            return apply(*args)

        return counted
