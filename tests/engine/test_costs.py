"""The cost table: every feature has a constant, and every override changes a choice."""

import math

import pytest

from jconv.engine._costs import CostTable, read_constants, read_overrides
from jconv.engine._planner import Planner, default_planner
from jconv.engine.algorithms import ALGORITHMS
from tests.engine.helpers import case_problem
from tests.engine.machines import benchmark_problems, machines
from tests.engine.problems import CASES, generated


@pytest.fixture(scope="module")
def problems():
    """The benchmark's problems and generated ones, for every machine."""
    cases = [c for c in (*CASES, *map(generated, range(1500))) if min(map(min, c.padding)) >= 0]
    every = []
    for machine in machines():
        target = Planner(machine=machine).target("cpu", portable=False)
        every += benchmark_problems(target)
        for number, case in enumerate(cases):
            dtype = ("float32", "float64", "complex64", "int32", "float16")[number % 5]
            every.append(case_problem(case, dtype=dtype).replace(target=target))
    return [p for p in every if not p.is_empty]


@pytest.mark.core
def test_every_feature_has_a_constant(problems):
    costs = CostTable.load()
    for problem in problems:
        for name, algorithm in ALGORITHMS.items():
            if algorithm.refusal(problem) is None:
                estimate = algorithm.estimate(problem)
                assert costs.seconds(name, estimate.work, "cpu") >= 0
                assert estimate.memory >= 0
                assert all(math.isfinite(amount) and amount >= 0 for amount in estimate.work.values())


def test_an_unknown_feature_is_an_error_on_a_cpu_and_no_estimate_elsewhere():
    costs = CostTable.load()
    with pytest.raises(KeyError, match="dense_flopz"):
        costs.seconds("onednn", {"dense_flopz": 1e12}, "cpu")
    assert costs.seconds("xla", {"calls": 1.0, "mixed_flops": 1.0}, "cuda") == math.inf
    assert costs.seconds("polyphase", {"calls": 1.0}, "cuda") == math.inf
    assert costs.seconds("xla", {"calls": 1.0}, "tpu") == math.inf


def test_overrides_replace_generated_constants():
    generated_constants, loaded = read_constants("cpu"), CostTable.load().platforms["cpu"]
    overrides = read_overrides()
    assert overrides
    for override in overrides:
        assert override.feature in generated_constants[override.algorithm], override
        assert loaded[override.algorithm][override.feature] == override.value
        assert generated_constants[override.algorithm][override.feature] != override.value, override
        assert override.reason
        assert override.row


def test_every_override_changes_a_choice():
    """An override without effect is to be deleted."""
    idle = set(read_overrides())
    for machine in machines():
        costs = CostTable.load()
        chosen = Planner(costs, machine=machine)
        benchmark = benchmark_problems(chosen.target("cpu", portable=False))
        for override in tuple(idle):
            others = tuple(o for o in read_overrides() if o != override)
            without = Planner(CostTable.load(others), machine=machine)
            constants = (table.costs.platforms["cpu"][override.algorithm] for table in (chosen, without))
            assert next(constants) != next(constants)
            if any(chosen.plan(p).algorithm != without.plan(p).algorithm for p in benchmark):
                idle.remove(override)
    assert not idle, "these overrides change no choice on the benchmark's problems"


def test_the_generated_tables_say_where_they_come_from():
    import json

    from jconv.engine._costs import FOLDER

    for name in ("cpu", "cuda"):
        provenance = json.loads((FOLDER / f"{name}.json").read_text())["provenance"]
        assert {"command", "machine", "jax", "dtype", "date"} <= provenance.keys()


def test_precision_of_the_caller_is_kept():
    """Nothing rewrites what was asked for; on a CPU "high" and "default" are planned alike."""
    planner = default_planner()
    for case in CASES[:4]:
        high = case_problem(case, precision="high")
        assert high.precision == "high"
        assert planner.plan(high).algorithm == planner.plan(case_problem(case)).algorithm
