"""Plans, policies, wisdom."""

import dataclasses
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv.engine import WisdomError, conv_general_dilated, forget_wisdom, load_wisdom, plan, save_wisdom
from jconv.engine._accuracy import CLASSES
from jconv.engine._costs import CostTable
from jconv.engine._planner import MEMORY_FACTOR, SMALL, Planner, default_planner
from jconv.engine._policy import Policy
from jconv.engine._primitive import kernel_gradient_problem
from jconv.engine._target import this_machine
from jconv.engine.algorithms import ALGORITHMS
from tests.engine.helpers import case_problem, problem_of
from tests.engine.problems import CASES

X = jax.ShapeDtypeStruct((2, 8, 64, 64), jnp.float32)
W = jax.ShapeDtypeStruct((8, 8, 3, 3), jnp.float32)


@pytest.fixture(autouse=True)
def _without_wisdom():
    yield
    forget_wisdom()


def test_a_plan_prints_every_candidate_or_why_not():
    text = str(plan(X, W, (1, 1), "SAME"))
    assert all(name in text for name in ALGORITHMS)
    assert "no input dilation" in text or "for dilated inputs" in text
    assert "ms" in text
    assert "GFLOP" in text


def test_each_pass_is_planned_on_its_own():
    plans = {of: plan(X, W, (1, 1), "SAME", of=of) for of in ("forward", "input_gradient", "kernel_gradient")}
    assert plans["kernel_gradient"].problem.taps == (64, 64)
    assert plans["forward"].problem.taps == (3, 3)


def test_a_plan_can_be_obeyed():
    x, w = np.ones(X.shape, "float32"), np.ones(W.shape, "float32")
    answer = plan(x, w, (1, 1), "SAME")
    by_plan = conv_general_dilated(x, w, (1, 1), "SAME", algorithm=answer)
    np.testing.assert_allclose(by_plan, conv_general_dilated(x, w, (1, 1), "SAME", algorithm="direct"), rtol=1e-5)


def test_a_named_algorithm_that_cannot_says_why():
    with pytest.raises(ValueError, match="'toeplitz' cannot do this problem: for signals of several rows"):
        conv_general_dilated(np.ones((1, 1, 9, 9)), np.ones((1, 1, 3, 3)), (1, 1), "SAME", algorithm="toeplitz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "fftt"}, "did you mean 'fft'"),
        ({"memory_budget": -1}, "`memory_budget` must not be negative"),
        ({"memory_budget": 1.5}, "`memory_budget` must be an integer"),
    ],
)
def test_wrong_options_name_themselves(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        conv_general_dilated(np.ones((1, 1, 9, 9)), np.ones((1, 1, 3, 3)), (1, 1), "SAME", **options)


def test_wrong_plan_options():
    with pytest.raises(ValueError, match="did you mean 'measure'"):
        plan(X, W, (1, 1), "SAME", effort="measured")
    with pytest.raises(ValueError, match="`of` must be one of"):
        plan(X, W, (1, 1), "SAME", of="dw")


def test_precision_highest_admits_only_the_direct_sum_s_accuracy():
    answer = plan(X, W, (1, 1), "SAME", precision="highest")
    assert {c.accuracy for c in answer.candidates if c.refused is None} <= {"direct", "toeplitz"}


def test_finite_only_false_admits_nothing_that_spreads():
    big = jax.ShapeDtypeStruct((1, 1, 63, 63), jnp.float32)
    image = jax.ShapeDtypeStruct((1, 1, 1024, 1024), jnp.float32)
    assert plan(image, big, (1, 1), "SAME", finite_only=True).chosen.accuracy == "fft"
    kept = plan(image, big, (1, 1), "SAME", finite_only=False)
    assert {CLASSES[c.accuracy].spreads for c in kept.candidates if c.refused is None} == {"nothing", "non-finite"}
    assert plan(image, big, (1, 1), "SAME").algorithm == kept.algorithm  # by default for one channel


def test_taps_laid_on_the_cotangent_spread_what_the_direct_sum_keeps():
    x = np.ones((8, 16, 16, 8), np.float32)
    x[0, 0, 3, 0] = np.inf
    ct = np.ones((8, 14, 14, 8), np.float32)
    dims = ("NHWC", "HWIO", "NHWC")

    def gradient(**options):
        f = lambda w: conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=dims, **options)
        return np.asarray(jax.jit(lambda: jax.linear_transpose(f, np.zeros((3, 3, 8, 8), np.float32))(ct)[0])())

    kept = gradient(finite_only=False)[:, :, 0, 0]
    assert np.isposinf(kept[0]).all()
    np.testing.assert_allclose(kept[1:], 8 * 14 * 14)
    shapes = jax.ShapeDtypeStruct(x.shape, "float32"), jax.ShapeDtypeStruct((3, 3, 8, 8), "float32")
    table = plan(*shapes, (1, 1), "VALID", dimension_numbers=dims, of="kernel_gradient", finite_only=False)
    row = next(c for c in table.candidates if c.algorithm == "kernel_gradient")
    assert CLASSES[row.accuracy].spreads == "non-finite"  # so that the operands are searched first


def test_phases_in_one_sum_spread_what_the_direct_sum_keeps():
    x, w = np.ones((2, 40, 40, 32), np.float32), np.ones((3, 3, 1, 32), np.float32)
    x[0, 5, 5] = np.inf
    geometry = {"lhs_dilation": (2, 2), "dimension_numbers": ("NHWC", "HWIO", "NHWC"), "feature_group_count": 32}
    options = {"padding": [(1, 1)] * 2, **geometry}
    kept = np.asarray(conv_general_dilated(x, w, (1, 1), finite_only=False, **options))[0, :, :, 0]
    assert np.isinf(kept).sum() == 9
    assert np.isinf(kept[9:12, 9:12]).all()
    assert not np.isnan(kept).any()
    shapes = (jax.ShapeDtypeStruct(a.shape, "float32") for a in (x, w))
    table = plan(*shapes, (1, 1), finite_only=False, **options)
    row = next(c for c in table.candidates if c.algorithm == "phase_sum")
    assert CLASSES[row.accuracy].spreads == "non-finite"


@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("name", ["winograd", "winograd_gradient"])
def test_memory_of_transforms_is_what_they_take(name, dilation):
    for space, inputs, outputs, batch in ((56, 64, 64, 8), (14, 128, 256, 8), (28, 96, 32, 4)):
        shape, each = (batch, space, space, inputs), (dilation, dilation)
        problem = problem_of(shape, (3, 3, inputs, outputs), 1, (each, each), 1, each)
        arrays, orders = [problem.lhs_shape, problem.rhs_shape], [(0, 1, 2, 3), (0, 1, 2, 3), (0, 1, 2, 3)]
        if name == "winograd_gradient":  # with arrays as they lie in a training step
            arrays, orders = [problem.lhs_shape, problem.out_shape], [(3, 1, 2, 0), (1, 2, 0, 3), (1, 2, 0, 3)]
            problem = kernel_gradient_problem(problem)

        def run(*arrays, problem=problem, orders=orders):
            lhs, rhs = map(jnp.transpose, arrays, orders[:2])
            return jnp.transpose(ALGORITHMS[name].apply(problem, lhs, rhs, None), orders[2])

        arrays = [jax.ShapeDtypeStruct(s, np.float32) for s in arrays]
        taken = jax.jit(run).lower(*arrays).compile().memory_analysis().temp_size_in_bytes
        assert taken <= 1.1 * ALGORITHMS[name].estimate(problem).memory, (space, inputs, outputs)


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_memory_of_kernel_gradients_is_what_they_take(cores):
    target = Planner(machine=dataclasses.replace(this_machine(), cores=cores)).target("cpu", portable=False)
    for space, channels, batch in ((7, 256, 64), (14, 64, 16), (32, 16, 16)):
        shape, taps = (batch, space, space, channels), (3, 3, channels, channels)
        problem = kernel_gradient_problem(problem_of(shape, taps, padding=1)).replace(target=target)
        run = lambda a, b, p=problem: ALGORITHMS["kernel_gradient"].apply(p, a, b, None)
        arrays = [jax.ShapeDtypeStruct(s, np.float32) for s in (problem.lhs_shape, problem.rhs_shape)]
        taken = jax.jit(run).lower(*arrays).compile().memory_analysis().temp_size_in_bytes
        assert taken <= 1.1 * ALGORITHMS["kernel_gradient"].estimate(problem).memory, (space, channels, batch)


def test_a_sum_for_many_outputs_does_not_repeat_its_input():
    problem = problem_of((1, 8192, 1), (128, 1, 16), 64)
    run = lambda a, b: ALGORITHMS["direct"].apply(problem, a, b, None)
    arrays = [jax.ShapeDtypeStruct(s, np.float32) for s in (problem.lhs_shape, problem.rhs_shape)]
    taken = jax.jit(run).lower(*arrays).compile().memory_analysis().temp_size_in_bytes
    assert taken <= 4 * problem.io_bytes < 16 * problem.space[0] * problem.itemsize


def test_the_memory_budget_is_kept():
    image = jax.ShapeDtypeStruct((1, 1, 1024, 1024), jnp.float32)
    big = jax.ShapeDtypeStruct((1, 1, 63, 63), jnp.float32)
    answer = plan(image, big, (1, 1), "SAME", memory_budget=6 << 20)
    assert answer.algorithm != "fft"
    assert answer.chosen.memory <= 6 << 20
    assert "over the budget of 6 MiB" in str(answer)


@pytest.mark.parametrize("case", [c for c in CASES if min(map(min, c.padding)) >= 0], ids=lambda c: c.name)
def test_auto_stays_within_the_default_memory(case):
    problem = case_problem(case)
    chosen = default_planner().plan(problem).chosen
    assert chosen.memory <= max(SMALL, MEMORY_FACTOR * problem.io_bytes)


def test_a_problem_is_estimated_once():
    """Planning costs nothing at run time, and one look at every algorithm the first time."""
    asked = []

    class Counting(CostTable):
        def seconds(self, algorithm, work, platform):
            asked.append(algorithm)
            return super().seconds(algorithm, work, platform)

    planner = Planner(costs=Counting.load())
    first = planner.plan(case_problem(CASES[0]))
    able = [name for name in ALGORITHMS if ALGORITHMS[name].refusal(first.problem) is None]
    assert sorted(asked) == sorted(able)  # this problem leaves no parts
    assert planner.plan(case_problem(CASES[0])) is first
    assert sorted(asked) == sorted(able)


def test_measuring_remembers():
    answer = plan(X, W, (1, 1), "SAME", effort="measure")
    assert answer.effort == "measure"
    assert "measured" in str(answer)
    assert plan(X, W, (1, 1), "SAME").algorithm == answer.algorithm
    assert default_planner().wisdom.lookup(answer.problem) == answer.algorithm


def test_wisdom_survives_a_file(tmp_path):
    problem = plan(X, W, (1, 1), "SAME").problem
    estimated = plan(X, W, (1, 1), "SAME").algorithm
    assert estimated != "direct"
    default_planner().remember(problem, "direct")
    path = tmp_path / "wisdom.json"
    save_wisdom(path)
    forget_wisdom()
    assert plan(X, W, (1, 1), "SAME").algorithm == estimated
    assert load_wisdom(path) == 1
    assert plan(X, W, (1, 1), "SAME").algorithm == "direct"
    assert os.listdir(tmp_path) == ["wisdom.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "is not a wisdom file, or is truncated"),
        (lambda text: "", "is not a wisdom file, or is truncated"),
        (lambda text: "[1, 2]", "is not a wisdom file, or is truncated"),
        (lambda text: json.dumps({**json.loads(text), "format": 99}), "of format 99, not 2"),
        (lambda text: json.dumps({**json.loads(text), "jax": "0.1"}), "measured elsewhere: jax '0.1'"),
        (lambda text: json.dumps({**json.loads(text), "choices": {"a": 1}}), "is damaged"),
    ],
)
def test_bad_wisdom_is_refused_and_changes_nothing(tmp_path, change, message):
    path = tmp_path / "wisdom.json"
    save_wisdom(path)
    path.write_text(change(path.read_text()))
    before = dict(default_planner().wisdom.choices)
    with pytest.raises(WisdomError, match=message):
        load_wisdom(path)
    assert default_planner().wisdom.choices == before


def test_missing_wisdom_and_an_unwritable_folder(tmp_path):
    with pytest.raises(WisdomError, match="cannot read wisdom"):
        load_wisdom(tmp_path / "none.json")
    with pytest.raises(OSError):
        save_wisdom(tmp_path / "none" / "wisdom.json")


def test_wisdom_for_an_algorithm_that_no_longer_fits_is_ignored():
    problem = plan(X, W, (1, 1), "SAME").problem
    default_planner().remember(problem, "toeplitz")
    assert default_planner().plan(problem, Policy()).algorithm != "toeplitz"
