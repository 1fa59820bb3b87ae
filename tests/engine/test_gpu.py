"""What concerns GPUs: the benchmark's command everywhere, the algorithms themselves where there is one."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from jconv import ndimage, signal
from jconv.engine import accelerate, forget_wisdom, plan
from jconv.engine._planner import default_planner
from jconv.engine._primitive import kernel_gradient_problem
from jconv.engine.algorithms import xla
from tests.engine.helpers import NAMES, check, problem_of
from tests.engine.problems import CASES

ROOT = Path(__file__).parents[2]
GROUPED = [(4, 1, 1, 1, 1), (4, 2, 3, 2, 1), (2, 3, 2, 1, 2)]


def gpu():
    try:
        return jax.devices("gpu")[0]
    except RuntimeError:
        return None


def on_a_gpu(test):
    """Marks a test that runs on a GPU, and is skipped with a notice elsewhere."""
    reason = "no GPU here: what runs on one is not tested"
    return pytest.mark.gpu(pytest.mark.skipif(gpu() is None, reason=reason)(test))


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
    shapes = (3, 11, 9, groups * inputs), (3, 2, inputs, groups * outputs)
    forward = problem_of(*shapes, stride, ((1, 1), (0, 1)), 1, dilation, groups, "float64")
    problem = kernel_gradient_problem(forward)
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape) for shape in (problem.lhs_shape, problem.rhs_shape))

    def lowered(platform):
        asked = problem.replace(target=default_planner().target(platform, portable=False))
        return jax.jit(lambda x, w: xla.apply(asked, x, w, None)).lower(x, w)

    assert f"batch_group_count = {groups} " in lowered("cuda").as_text()
    assert f"feature_group_count = {groups} " in lowered("cpu").as_text()
    here, there = (lowered(platform).compile()(x, w) for platform in ("cpu", "cuda"))
    np.testing.assert_allclose(there, here, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["int32", "complex64"])
def test_what_no_gpu_convolves_is_summed(dtype):
    x, w = jax.ShapeDtypeStruct((1, 8, 8, 2), dtype), (3, 3, 2, 4)
    answer = default_planner().plan(problem_of(x.shape, w, dtype=dtype, platform="cuda"))
    assert answer.algorithm != "xla"
    assert f"no {dtype} on cuda" in str(answer)


def depthwise_gradients(x, w):
    """The value and both gradients of a depthwise layer, by lax."""

    def layer(x, w):
        numbers = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(
            x, w, (1, 1), "SAME", dimension_numbers=numbers, feature_group_count=x.shape[-1]
        )
        return (y * y).sum(), y

    (_, y), gradients = jax.value_and_grad(layer, (0, 1), has_aux=True)(x, w)
    return y, *gradients


LARGE = jax.ShapeDtypeStruct((4, 56, 56, 64), "float32"), jax.ShapeDtypeStruct((31, 31, 1, 64), "float32")


def test_large_depthwise_kernels_are_transformed_on_a_gpu():
    def programs(*arrays):
        return jax.jit(depthwise_gradients).trace(*arrays).lower(lowering_platforms=("cuda",)).as_text()

    small = LARGE[0], jax.ShapeDtypeStruct((3, 3, 1, 64), "float32")
    assert "stablehlo.fft" not in programs(*LARGE)
    with accelerate():
        assert programs(*LARGE).count("stablehlo.convolution") == 0
        assert "stablehlo.fft" in programs(*LARGE)
        assert "stablehlo.fft" not in programs(*small)
        half = (jax.ShapeDtypeStruct(a.shape, "bfloat16") for a in LARGE)
        assert programs(*half).count("stablehlo.convolution") == 3
    assert "stablehlo.fft" not in programs(*LARGE)


@on_a_gpu
def test_accelerate_on_a_gpu():
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(a.shape).astype(a.dtype) for a in LARGE)
    plain = depthwise_gradients(*(a.astype(np.float64) for a in (x, w)))
    with accelerate():
        ours = jax.jit(depthwise_gradients)(x, w)
    for got, want in zip(ours, plain, strict=True):
        assert np.linalg.norm(got - want) < 1e-5 * np.linalg.norm(want)


@on_a_gpu
def test_signals_and_images_keep_their_precision_on_a_gpu():
    rng = np.random.default_rng(0)
    x, h, image = (rng.standard_normal(shape) for shape in (5000, 40, (300, 200)))
    got = signal.convolve(x.astype(np.float32), h.astype(np.float32))
    assert np.linalg.norm(got - np.convolve(x, h)) < 1e-6 * np.linalg.norm(got)
    smooth, exact = (ndimage.gaussian_filter(image.astype(dtype), 2.0) for dtype in (np.float32, np.float64))
    assert np.linalg.norm(smooth - exact) < 1e-6 * np.linalg.norm(exact)


@on_a_gpu
def test_a_measured_plan_on_a_gpu():
    try:
        answer = plan(*LARGE, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=64,
                      effort="measure")  # fmt: skip
        assert len([row for row in answer.candidates if row.refused is None]) >= 3
    finally:
        forget_wisdom()


@on_a_gpu
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
