"""Layers whose windows do not overlap, or little, and their gradients: a rearrangement and a plain convolution."""

import functools

import jax
import numpy as np
import pytest

from jconv.engine import conv_general_dilated
from jconv.engine._accuracy import CLASSES
from jconv.engine._planner import default_planner
from jconv.engine._primitive import input_gradient_problem, kernel_gradient_problem
from jconv.engine.algorithms import space_to_depth
from tests.engine import oracle
from tests.engine.helpers import case_problem, check, normwise, problem_of
from tests.engine.problems import make_case
from tests.tolerances import tolerance

CASES = [
    make_case("patches", (2, 12, 8, 3), (4, 4, 3, 5), strides=4),
    make_case("patches with a remainder", (2, 14, 11, 3), (4, 3, 3, 5), strides=(4, 3)),
    make_case("patches with padding", (1, 13, 9, 2), (4, 2, 2, 3), (4, 2), ((3, 2), (1, 0))),
    make_case("stride above the window", (2, 17, 10, 2), (2, 3, 2, 4), strides=(5, 4), padding=((1, 4), (0, 0))),
    make_case("windows in groups", (2, 8, 6, 6), (2, 2, 3, 4), strides=2, groups=2),
    make_case("depthwise windows", (2, 9, 6, 4), (3, 2, 1, 4), strides=(3, 2), groups=4),
    make_case("long windows that overlap by half", (2, 90, 1), (16, 1, 3), strides=8),
    make_case("overlap by less than half, padding", (2, 61, 3), (11, 3, 4), strides=7, padding=((4, 6),)),
    make_case("one axis in blocks", (2, 9, 7, 3), (3, 3, 3, 4), strides=(3, 1), padding=1),
    make_case("volume", (1, 4, 6, 5, 2), (2, 2, 2, 2, 3), strides=2),
    make_case("volume, transposed", (1, 2, 3, 2, 3), (2, 2, 2, 3, 2), 1, 1, 2),
    make_case("transposed, overlapping", (2, 5, 4, 3), (5, 4, 3, 2), 1, ((3, 2), (1, 3)), (2, 3)),
    make_case("transposed, more zeros than taps", (1, 3, 4, 4), (2, 2, 2, 6), 1, ((6, 5), (4, 1)), (3, 2), groups=2),
    make_case("dilated", (2, 9, 11, 3), (2, 3, 3, 2), 1, ((1, 2), (0, 3)), 1, (3, 2)),
]


@pytest.mark.core
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_values(case, dtype):
    assert check(case, "space_to_depth", dtype)


def problems_of_gradients(case):
    """{name: (problem, its two arrays, the canonical result)} for both gradients of a case in float64."""
    x, w = case.data("float64")
    problem = case_problem(case, dtype="float64")
    ct = np.random.default_rng(1).standard_normal(problem.out_shape)
    dx, dw = oracle.gradients(x, w, ct, **case.geometry)
    n, groups = problem.ndim, problem.groups
    *taps, inputs, outputs = w.shape
    kernel = np.swapaxes(w.reshape(*taps, inputs, groups, -1), -1, -3).reshape(*taps, outputs // groups, -1)
    kernel = np.flip(kernel, tuple(range(n)))
    images = np.moveaxis(x.reshape(*x.shape[:-1], groups, -1), -1, 0)  # (I, N, *space, G)
    images = np.moveaxis(images, 1, -1).reshape(inputs, *problem.space, -1)
    return {
        "input": (input_gradient_problem(problem), (ct, kernel), dx),
        "kernel": (kernel_gradient_problem(problem), (images, np.moveaxis(ct, 0, -2)), np.moveaxis(dw, -2, 0)),
    }


@pytest.mark.parametrize("of", ["input", "kernel"])
@pytest.mark.parametrize("case", [c for c in CASES if max(c.strides) > 1], ids=lambda c: c.name)
def test_gradients_of_strided_layers_are_problems_of_the_same_kind(case, of):
    problem, arrays, want = problems_of_gradients(case)[of]
    assert space_to_depth.refusal(problem) is None
    lhs, rhs = arrays
    # Samples that no window reads are no part of the kernel gradient's problem.
    lhs = lhs[(slice(None), *(slice(n) for n in problem.space), slice(None))]
    run = functools.partial(default_planner().apply, "space_to_depth", problem)
    assert normwise(jax.jit(run)(lhs, rhs), want) <= tolerance("float64", 500)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_windows_that_do_not_overlap_leave_one_tap(case):
    problem = case_problem(case)
    cut = [s if s > 1 else l for s, l in zip(problem.strides, problem.lhs_dilation)]
    if not all(k <= size for k, size in zip(problem.taps, cut)):
        pytest.skip("the windows overlap")
    (part,) = space_to_depth.estimate(problem).parts
    assert part.tap_count == 1


def test_patches_and_their_gradients_are_products_wherever_they_are_large():
    """A patch embedding, a down-sampling stem and an up-sampling by two."""
    embedding = problem_of((8, 224, 224, 3), (16, 16, 3, 192), 16)
    volume = problem_of((2, 16, 32, 32, 32), (2, 2, 2, 32, 64), 2)
    upsampling = problem_of((4, 28, 28, 128), (2, 2, 128, 64), 1, 1, 2)
    for forward in (embedding, volume, upsampling):
        for problem in (forward, input_gradient_problem(forward), kernel_gradient_problem(forward)):
            assert space_to_depth.refusal(problem) is None
            (part,) = space_to_depth.estimate(problem).parts
            assert part.tap_count == 1 or part.out_space == (1,) * part.ndim
    planner = default_planner()
    assert planner.plan(input_gradient_problem(embedding)).algorithm == "space_to_depth"


def test_what_the_zeros_of_a_filled_kernel_meet_is_searched_first():
    """Windows that do not overlap multiply by no zeros; others do, and their operands are searched for a NaN or inf."""
    disjoint = problem_of((2, 12, 12, 3), (3, 3, 3, 4), 4)
    ragged, even = (problem_of((2, 64, 3), (taps, 3, 4), 4) for taps in (6, 8))
    spreads = [CLASSES[space_to_depth.estimate(p).accuracy].spreads for p in (disjoint, ragged, even)]
    assert spreads == ["nothing", "non-finite", "nothing"]
    x, w = np.ones((1, 1, 24), np.float32), np.ones((1, 1, 6), np.float32)
    x[0, 0, 6] = np.inf
    got = np.asarray(conv_general_dilated(x, w, (4,), "VALID", finite_only=False))[0, 0]
    np.testing.assert_array_equal(np.isfinite(got), [True, False, True, True, True])


def test_what_it_cannot_do():
    assert "one of them" in space_to_depth.refusal(problem_of((1, 8, 8, 1), (3, 3, 1, 1)))
    both = problem_of((1, 20, 1), (3, 1, 1), 2, 0, 1, 2)
    assert "one of them" in space_to_depth.refusal(both)
