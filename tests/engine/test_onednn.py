"""Which code oneDNN takes for the problems that it is given, in its own words."""

import os
import random
import re
import subprocess
import sys

import jax
import numpy as np
import pytest

import jconv
from jconv.engine import _onednn_probe as onednn_probe
from jconv.engine._problem import Problem
from jconv.engine.algorithms import onednn
from tests.engine.helpers import problem_of

pytestmark = pytest.mark.skipif(onednn_probe.refusal() is not None, reason=f"no oneDNN: {onednn_probe.refusal()}")


def draw(rng: random.Random) -> Problem:
    rank, groups = rng.choice((1, 2, 2, 3)), rng.choice((1, 1, 2, 3, 8, 16, 17))
    inputs, outputs = (rng.choice((1, 2, 3, 5, 8, 16, 17, 32)) for _ in range(2))
    if groups > 1 and rng.random() < 0.5:
        inputs = outputs = 1

    def each(choices):
        return tuple(rng.choice(choices) for _ in range(rank))

    space = each((1, 2, 3, 5, 8, 14, 20, 31) if rank < 3 else (1, 2, 4, 7))
    taps = each((1, 2, 3, 3, 4, 5, 7, 11, 21, 31) if rank < 3 else (1, 2, 3))
    strides, dilation = each((1, 1, 2, 3)), each((1, 1, 2, 3))
    reach = [(k - 1) * d for k, d in zip(taps, dilation)]
    padding = tuple(
        (r // 2, r - r // 2) if rng.random() < 0.5 else (rng.randint(0, r), rng.randint(0, r)) for r in reach
    )
    lhs, rhs = (rng.choice((1, 2, 3, 8)), *space, groups * inputs), (*taps, inputs, groups * outputs)
    return problem_of(lhs, rhs, strides, padding, 1, dilation, groups)


def report(seed: int, count: int) -> None:
    """Convolve that many problems of its home ground, each after its name."""
    rng = random.Random(seed)
    while count:
        problem = draw(rng)
        if problem.is_empty or problem.flops > 1e8 or onednn.refusal(problem) is not None:
            continue
        print(problem, flush=True)
        arrays = [np.zeros(shape, np.float32) for shape in (problem.lhs_shape, problem.rhs_shape)]
        jax.jit(lambda x, w, p=problem: onednn.apply(p, x, w, None))(*arrays).block_until_ready()
        count -= 1


def code_taken(isa: str, seed: int, count: int) -> list[tuple[str, str]]:
    """(problem, the name of oneDNN's code for it) for generated problems of its home ground."""
    env = {**os.environ, "JAX_PLATFORMS": "cpu", "JCONV_ONEDNN": "1", "ONEDNN_VERBOSE": "1", "ONEDNN_MAX_CPU_ISA": isa}
    env["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    # On one core no loop is parallel, so that nothing can wait for ever and spoil the report.
    code = f"import os; os.sched_setaffinity(0, {{0}}); from {__name__} import report; report({seed}, {count})"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    problem, taken = "", []
    for line in done.stdout.splitlines():
        if line.startswith("Problem("):
            problem = line
        elif match := re.match(r"onednn_verbose,.*exec,cpu,convolution,([^,]*),", line):
            taken.append((problem, match[1]))
    return taken


def check(isa: str, seed: int, count: int) -> None:
    taken = code_taken(isa, seed, count)
    assert len(taken) >= count
    wrong = [(name, problem) for problem, name in taken if re.search(r"(^|[:+])(ref|gemm)", name)]
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("isa", ["DEFAULT", "AVX2"])
def test_its_home_ground_is_mapped(isa):
    check(isa, 0, 120)


@pytest.mark.slow
@pytest.mark.parametrize("isa", ["DEFAULT", "AVX2", "AVX512_CORE"])
@pytest.mark.parametrize("seed", range(1, 4))
def test_its_home_ground_is_mapped_thoroughly(isa, seed):
    check(isa, seed, 1500)


@pytest.mark.parametrize("width", [*onednn.SLOW_WIDTHS, onednn.FAST_WIDTH])
@pytest.mark.parametrize("padding", ["SAME", "VALID", [(0, 2), (11, 1)]])
def test_widened_kernels_give_the_same_sums(width, padding):
    rng, channels = np.random.default_rng(0), onednn.WIDE_GROUPS
    x = rng.standard_normal((2, 9, 21, channels), np.float32)
    w = rng.standard_normal((3, width, 1, channels), np.float32)
    layout = {"dimension_numbers": ("NHWC", "HWIO", "NHWC"), "feature_group_count": channels}
    found = jconv.conv_general_dilated(x, w, (1, 1), padding, **layout, algorithm="onednn")
    expected = jax.lax.conv_general_dilated(x, w, (1, 1), padding, **layout)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_widened_kernels_spread_no_inf_where_that_is_asked_for():
    x, w = np.ones((1, 40, 40, 64), np.float32), np.ones((13, 13, 1, 64), np.float32)
    x[0, 20, 20] = np.inf
    layout = {"dimension_numbers": ("NHWC", "HWIO", "NHWC"), "feature_group_count": 64, "finite_only": False}
    assert jconv.plan(x, w, (1, 1), "SAME", **layout).algorithm == "onednn"
    run = jax.jit(lambda x, w: jconv.conv_general_dilated(x, w, (1, 1), "SAME", **layout))
    spoiled = ~np.isfinite(np.asarray(run(x, w)))
    assert spoiled.sum() == 13 * 13 * 64
    assert spoiled[0, 14:27, 14:27].all()


@pytest.mark.parametrize(
    ("code", "is_used"),
    [("brg_matmul:avx512_core", True), ("brg_matmul:avx2", True), ("gemm:jit:f32", False), ("ref:any", False)],
)
def test_products_that_may_wait_for_ever_are_not_used(code, is_used):
    """`gemm` on a batch starts parallel loops inside of parallel loops, which JAX 0.10 queues behind the outer ones."""
    report = (
        f"onednn_verbose,v1,primitive,exec,cpu,matmul,{code},undef,src:f32::blocked:abc::f0,,,3x5x17:3x17x6,0.1\nright"
    )
    assert (onednn_probe.judge_products(report) is None) == is_used
    assert onednn_probe.judge_products("right") is not None


def test_products_here_never_take_code_that_may_wait_for_ever():
    """What the probe allows is what oneDNN runs: checked on a kernel gradient whose blocks are a batch of products."""
    code = (
        "import jax, numpy as np, jconv\n"
        "x, w = np.ones((8, 16, 16, 32), np.float32), np.ones((3, 3, 32, 32), np.float32)\n"
        "f = lambda w: jconv.conv2d(x, w, algorithm='auto', padding='VALID').sum()\n"
        "jax.grad(f)(w).block_until_ready()"
    )
    env = {**os.environ, "JAX_PLATFORMS": "cpu", "ONEDNN_VERBOSE": "1"}
    env["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300, check=True
    )
    batched = re.findall(r"exec,cpu,matmul,(gemm|ref)[^,]*,.*::blocked:a[bc][bc]::", done.stdout)
    assert not batched
