"""Every algorithm of the engine is the planner's choice somewhere: what wins nowhere is to be deleted."""

import numpy as np

from jconv.engine._planner import Planner, default_planner
from jconv.engine._policy import Policy
from jconv.engine._separable_kernel import decompose
from jconv.engine.algorithms import ALGORITHMS
from tests.engine.helpers import problem_of
from tests.engine.machines import benchmark_problems, machines

# Whoever adds or deletes an algorithm does so here too.
NAMES = {
    "xla", "onednn", "direct", "im2col", "winograd", "winograd_gradient", "fft", "overlap_add", "overlap_save",
    "toeplitz", "banded", "columns", "separable", "space_to_depth", "polyphase", "phase_sum", "exchange",
    "kernel_gradient", "channel_sum", "complex_split",
}  # fmt: skip


def test_the_table_names_them_all():
    assert set(ALGORITHMS) == NAMES


def test_every_algorithm_is_chosen_somewhere():
    chosen = set()
    for machine in machines():
        planner = Planner(machine=machine)
        for problem in benchmark_problems(planner.target("cpu")):
            chosen |= {planner.plan(problem, policy).algorithm for policy in (Policy(), Policy(finite_only=True))}
    # Kernels of known numbers and complex layers are in no benchmark of layers.
    factor = np.exp(-((np.arange(21) - 10) ** 2) / 20)
    image = problem_of((1, 1000, 1000, 1), (21, 21, 1, 1)).replace(
        separable=decompose(np.outer(factor, factor), "float32")
    )
    layer = problem_of((4, 32, 32, 64), (3, 3, 64, 64), padding=1, dtype="complex64")
    chosen |= {default_planner().plan(problem).algorithm for problem in (image, layer)}
    assert chosen == NAMES
