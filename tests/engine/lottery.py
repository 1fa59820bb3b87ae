"""Algorithms drawn by lot, so that tests reach those which the planner would choose for large arrays only."""

import collections
import zlib

from jconv.engine._planner import Planner
from jconv.engine._problem import Problem
from jconv.engine._wisdom import Wisdom
from jconv.engine.algorithms import ALGORITHMS

# A wrong sum is wrong at any level of optimisation; the lower, the faster it is compiled.
FAST_TO_COMPILE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


class Draws(Wisdom):
    """Stands in for measured wisdom: for each problem the algorithm that ran least of those that support it."""

    def __init__(self, without=()):
        super().__init__()
        self.without = without
        self.drawn: dict[Problem, str] = {}
        self.ran = collections.Counter()

    def lookup(self, problem: Problem) -> str:
        """The name of an algorithm that supports the problem, always the same for the same problem."""
        if problem not in self.drawn:
            able = [name for name in ALGORITHMS if ALGORITHMS[name].refusal(problem) is None]
            able = [name for name in able if name not in self.without] or able
            self.drawn[problem] = min(able, key=lambda n: (self.ran[n], zlib.crc32(f"{n} {problem}".encode())))
        return self.drawn[problem]


class Lottery(Planner):
    """A planner that draws, and counts which algorithms ran."""

    def __init__(self, without=()):
        self.draws = Draws(without)
        super().__init__(wisdom=self.draws)

    @property
    def ran(self):
        return self.draws.ran

    def apply(self, name, *args, **kwargs):
        self.ran[name] += 1
        return super().apply(name, *args, **kwargs)
