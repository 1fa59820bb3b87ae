"""What concerns GPUs: the benchmark's command everywhere, the algorithms themselves where there is one."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from jconv.engine import planner
from jconv.engine.algorithms import xla
from jconv.engine.convolution import kernel_gradient_problem
from jconv.engine.problem import Problem
from tests.engine.problems import CASES
from tests.engine.test_algorithms import NAMES, check

ROOT = Path(__file__).parents[2]
GROUPED = [(4, 1, 1, 1, 1), (4, 2, 3, 2, 1), (2, 3, 2, 1, 2)]


def gpu():
    try:
        return jax.devices("gpu")[0]
    except RuntimeError:
        return None


def benchmark(*options):
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    command = [sys.executable, "-m", "benchmarks.gpu", *options]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.skipif(gpu() is not None, reason="there is a GPU")
def test_the_benchmark_says_that_there_is_no_gpu():
    done = benchmark()
    assert done.returncode == 2
    assert "no GPU" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_benchmark_writes_its_table(tmp_path):
    out = tmp_path / "table.md"
    done = benchmark("--platform", "cpu", "--cases", "1", "--seconds", "1", "--out", str(out))
    assert done.returncode == 0, done.stderr[-2000:]
    text = out.read_text()
    assert "of 3 passes were timed" in text
    assert "| 3×3, 8×56×56×64→64 | forward |" in text


@pytest.mark.parametrize(("groups", "inputs", "outputs", "stride", "dilation"), GROUPED)
def test_grouped_kernel_gradients_have_batch_groups_on_a_gpu(groups, inputs, outputs, stride, dilation):
    window = {
        "strides": (stride,) * 2,
        "padding": ((1, 1), (0, 1)),
        "lhs_dilation": (1, 1),
        "rhs_dilation": (dilation,) * 2,
    }
    forward = Problem(
        (3, 11, 9, groups * inputs), (3, 2, inputs, groups * outputs), **window, groups=groups, dtype="float64"
    )
    problem = kernel_gradient_problem(forward)
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape) for shape in (problem.lhs_shape, problem.rhs_shape))

    def lowered(platform):
        asked = problem.replace(platform=platform)
        return jax.jit(lambda x, w: xla.apply(asked, x, w, None)).lower(x, w)

    assert f"batch_group_count = {groups} " in lowered("cuda").as_text()
    assert f"feature_group_count = {groups} " in lowered("cpu").as_text()
    here, there = (lowered(platform).compile()(x, w) for platform in ("cpu", "cuda"))
    np.testing.assert_allclose(there, here, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["int32", "complex64"])
def test_what_no_gpu_convolves_is_summed(dtype):
    x, w = jax.ShapeDtypeStruct((1, 8, 8, 2), dtype), (3, 3, 2, 4)
    problem = Problem(x.shape, w, (1, 1), ((0, 0),) * 2, (1, 1), (1, 1), 1, dtype, platform="cuda")
    answer = planner.plan(problem)
    assert answer.algorithm != "xla"
    assert f"no {dtype} on cuda" in str(answer)


@pytest.mark.gpu
@pytest.mark.skipif(gpu() is None, reason="no GPU here: what runs on one is not tested")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_algorithm_on_a_gpu(case):
    with jax.default_device(gpu()):
        tried = [name for name in NAMES if check(case, name, "float64")]
    assert {"auto", "xla", "direct"} <= set(tried)
    assert "onednn" not in tried


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.skipif(gpu() is None, reason="no GPU here: its benchmark is not run")
def test_the_benchmark_on_a_gpu(tmp_path):
    out = tmp_path / "table.md"
    done = benchmark("--seconds", "60", "--out", str(out))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "passes were timed" in out.read_text()
