"""Size alone makes an algorithm dearer, not impossible: what a limit forbids is nowhere much faster than the choice."""

import random

import jax
import numpy as np
import pytest

from jconv.engine import _planner
from jconv.engine._planner import Planner, default_planner
from jconv.engine._primitive import input_gradient_problem, kernel_gradient_problem
from jconv.engine._problem import Problem
from jconv.engine.algorithms import ALGORITHMS, columns, fft, kernel_gradient, phase_sum, polyphase
from tests.engine import oracle
from tests.engine.helpers import normwise, problem_of
from tests.engine.machines import machines
from tests.tolerances import tolerance

LIMITS = ((columns, "MAX_TAPS"), (phase_sum, "MAX_TERMS"), (polyphase, "MAX_PHASES"))
MOST = 5.0
KINDS = ("dense", "dense", "strided", "patches", "transposed", "dilated", "grouped", "depthwise", "single")
SPACES = {1: (700, 5766, 88456), 2: (14, 37, 112, 224), 3: (6, 14, 28)}
TAPS = {1: (3, 9, 25, 100, 256, 400), 2: (1, 3, 5, 7, 16), 3: (1, 3, 5)}


def draw(rng: random.Random) -> Problem:
    """A layer as networks and signal processing have them: dense, grouped, depthwise, of one channel; any axes."""
    rank = rng.choice((1, 1, 2, 2, 2, 3))
    kind = rng.choice(KINDS)
    space = tuple(rng.choice(SPACES[rank]) for _ in range(rank))
    taps = tuple(rng.choice(TAPS[rank]) for _ in range(rank))
    groups, inputs, multiplier = 1, rng.choice((1, 3, 4, 16, 48, 128)), rng.choice((1, 3, 8, 64, 192))
    strides = lhs_dilation = rhs_dilation = (1,) * rank
    if kind == "strided":
        strides = tuple(rng.choice((2, 3, 4)) for _ in range(rank))
    elif kind == "patches":
        strides = taps
    elif kind == "transposed":
        lhs_dilation = tuple(rng.choice((2, 4, 8)) for _ in range(rank))
        space = tuple(max(4, n // 8) for n in space)
    elif kind == "dilated":
        rhs_dilation = tuple(rng.choice((2, 3)) for _ in range(rank))
    elif kind == "grouped":
        groups, inputs, multiplier = rng.choice((4, 32)), rng.choice((4, 16)), rng.choice((4, 16))
    elif kind == "depthwise":
        groups, inputs, multiplier = rng.choice((8, 96, 384)), 1, 1
    elif kind == "single":
        inputs = multiplier = 1
    space = tuple(max(n, k * d) for n, k, d in zip(space, taps, rhs_dilation))
    padding = tuple((d * (k - 1) // 2,) * 2 for k, d in zip(taps, rhs_dilation))
    lhs = (rng.choice((1, 2, 8, 16)), *space, groups * inputs)
    rhs = (*taps, inputs, groups * multiplier)
    return problem_of(lhs, rhs, strides, padding, lhs_dilation, rhs_dilation, groups)


@pytest.fixture(scope="module")
def problems():
    rng = random.Random(0)
    forward = [problem for problem in (draw(rng) for _ in range(150)) if problem.io_bytes < 1 << 28]
    return [p for q in forward for p in (q, input_gradient_problem(q), kernel_gradient_problem(q)) if not p.is_empty]


@pytest.mark.parametrize("number", range(4))
def test_what_a_limit_forbids_is_nowhere_much_faster(problems, monkeypatch, number):
    machine = [*machines()][number]
    chosen = Planner(machine=machine)
    problems = [p.replace(target=chosen.target("cpu")) for p in problems]
    plans = [chosen.plan(p) for p in problems]
    for module, name in LIMITS:
        monkeypatch.setattr(module, name, 4 * getattr(module, name))
    monkeypatch.setattr(_planner, "SMALL", 1 << 40)
    unlimited = Planner(machine=machine)
    for problem, plan in zip(problems, plans):
        best = unlimited.plan(problem).chosen
        assert plan.chosen.seconds <= MOST * best.seconds, f"{plan}\nwithout limits: {best}"


LARGE = {
    "strided windows of many taps": ("im2col", problem_of((1, 40, 70, 1), (20, 20, 1, 2), (5, 10))),
    "kernel gradient, many outputs": ("kernel_gradient", problem_of((2, 26, 26, 3), (15, 15, 3, 4))),
    "kernel gradient of a flat volume": (
        "kernel_gradient",
        problem_of((3, 5, 14, 13, 4), (3, 14, 6, 2, 10), (1, 1, 2), ((0, 0), (1, 1), (0, 2)), groups=2),
    ),
    "long kernel on a signal": ("toeplitz", problem_of((1, 3000, 1), (1500, 1, 1), padding=((700, 799),))),
    "long kernel on an image's axis": ("banded", problem_of((1, 1400, 3, 1), (1100, 1, 1, 1), padding=((1099, 0), 0))),
    "many taps and several outputs": ("direct", problem_of((2, 700, 2), (130, 1, 6), 7, groups=2)),
    "images in pieces": ("fft", problem_of((6, 40, 2), (9, 2, 3), padding=4)),
}


@pytest.mark.parametrize("name", LARGE)
def test_values_of_large_kernels(name, monkeypatch):
    monkeypatch.setattr(fft, "BLOCK_BYTES", 4 << 10)  # two images at a time
    monkeypatch.setattr(kernel_gradient, "LONG_ROW_BYTES", 8 << 10)
    algorithm, problem = LARGE[name]
    assert ALGORITHMS[algorithm].refusal(problem) is None
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in (problem.lhs_shape, problem.rhs_shape)]
    got = jax.jit(lambda lhs, rhs: default_planner().apply(algorithm, problem, lhs, rhs))(*arrays)
    fields = ("strides", "padding", "lhs_dilation", "rhs_dilation", "groups")
    want = oracle.convolution(*arrays, **{field: getattr(problem, field) for field in fields})
    terms = problem.tap_count * problem.in_channels
    assert normwise(got, want) <= tolerance("float32", terms, ALGORITHMS[algorithm].estimate(problem).accuracy)


def test_images_of_a_large_batch_are_transformed_in_pieces():
    problem = problem_of((128, 5766, 16), (5766, 16, 64), 2, 399)
    assert fft.estimate(problem).memory < 128 << 20


@pytest.mark.parametrize(
    "forward",
    [
        problem_of((2, 8, 28, 28, 64), (3, 3, 3, 64, 64), padding=1),
        problem_of((2, 16, 112, 112, 3), (3, 7, 7, 3, 64), 2, (1, 3, 3)),
        problem_of((1, 4, 56, 56, 64), (3, 3, 3, 64, 64), padding=1),
    ],
    ids=["dense volume", "strided stem of a volume", "flat volume"],
)
def test_kernel_gradients_of_volumes_are_products(forward):
    for machine in machines():
        planner = Planner(machine=machine)
        problem = kernel_gradient_problem(forward.replace(target=planner.target("cpu")))
        row = next(c for c in planner.plan(problem).candidates if c.algorithm == "kernel_gradient")
        assert row.refused is None
