"""JAX's own tests of convolutions with `accelerate()` in force.

The wheel of JAX carries the problems that its exporters are tested with; its test suite it does not. Set
`JCONV_JAX_SOURCE` to the folder of a JAX source tree, and the convolution tests found there – values, gradients,
batching – are run too (see `jax_plugin.py`).
"""

import functools
import importlib
import json
import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jconv
from jconv.engine._planner import use_planner
from tests.engine.lottery import FAST_TO_COMPILE, Lottery
from tests.tolerances import tolerance

HERE = pathlib.Path(__file__).parent
FILES = ["lax_test.py", "lax_autodiff_test.py", "lax_vmap_test.py", "lax_vmap_op_test.py"]


def harnesses():
    try:
        module = importlib.import_module("jax._src.internal_test_util.test_harnesses")
        return [h for h in module.all_harnesses if h.group_name == "conv_general_dilated"]
    except (ImportError, AttributeError):
        return []


HARNESSES = harnesses()


def program(harness, x, w):
    """Value, both gradients, and values mapped over inputs, over kernels and over both."""
    f = harness.dyn_fun
    xs, ws = jnp.stack([x, x[::-1]]), jnp.stack([w, w[::-1]])
    ways = (((0, None), (xs, w)), ((None, 0), (x, ws)), ((0, 0), (xs, ws)))
    mapped = [jax.vmap(f, axes)(*arrays) for axes, arrays in ways]
    y = f(x, w)
    if not jnp.issubdtype(y.dtype, jnp.inexact) or y.dtype != x.dtype:
        return y, *mapped  # integers have no gradient, and lax's own fails where the result has another dtype
    return y, *jax.vjp(f, x, w)[1](jnp.ones_like(y)), *mapped


@pytest.mark.skipif(not HARNESSES, reason=f"JAX {jax.__version__} no longer carries its test harnesses")
@pytest.mark.parametrize(
    "harness",
    [pytest.param(h, id=h.name, marks=() if i % 22 == 0 else pytest.mark.slow) for i, h in enumerate(HARNESSES)],
)
def test_the_problems_in_the_wheel(harness):
    """Every convolution by an algorithm drawn among those that support it, beside XLA's own."""
    x, w = harness.dyn_args_maker(np.random.RandomState(0))
    run = functools.partial(program, harness)
    wanted = jax.jit(run, compiler_options=FAST_TO_COMPILE)(x, w)
    with use_planner(Lottery()), jconv.accelerate():
        found = jax.jit(run, compiler_options=FAST_TO_COMPILE)(x, w)
    for got, want in zip(found, wanted, strict=True):
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        if not jnp.issubdtype(want.dtype, jnp.inexact):
            np.testing.assert_array_equal(got, want)
            continue
        bound = tolerance(real(min(x.dtype, want.dtype, key=precision)), w.size + want.size, "winograd4")
        wide = np.complex128 if jnp.issubdtype(want.dtype, jnp.complexfloating) else np.float64
        got, want = np.asarray(got).astype(wide), np.asarray(want).astype(wide)
        assert np.linalg.norm((got - want).ravel()) <= bound * np.linalg.norm(want.ravel())


def precision(dtype):
    return -float(jnp.finfo(dtype).eps) if jnp.issubdtype(dtype, jnp.inexact) else 0.0


def real(dtype):
    return jnp.finfo(dtype).dtype


def run_jax_tests(source, tmp_path, algorithms="planned", faces=False):
    """The plugin's report of a run of JAX's convolution tests in a process of its own."""
    files = [str(source / "tests" / name) for name in FILES if (source / "tests" / name).exists()]
    assert files, f"JCONV_JAX_SOURCE={source} holds none of tests/{', tests/'.join(FILES)}"
    report = tmp_path / "report.json"
    env = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join([str(HERE), str(HERE.parents[1])]),
        JCONV_JAX_ALGORITHMS=algorithms,
        JCONV_JAX_FACES=str(int(faces)),
        JCONV_JAX_REPORT=str(report),
    )
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(source), "-p", "jax_plugin"]
    command += ["-p", "no:cacheprovider", "-q", "--tb=short", "-k", "Conv and not ConvertElement", *files]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    result = json.loads(report.read_text())
    failed = sorted(name for name, outcome in result["tests"].items() if outcome == "failed")
    print(f"\n{algorithms}, jconv's faces {faces}: {result['counts']}, drawn: {result['drawn']}, failed: {failed}")
    assert not failed, done.stdout[-6000:]
    return result


@pytest.mark.slow
@pytest.mark.parametrize(("algorithms", "faces"), [("planned", False), ("drawn", False), ("drawn", True)])
def test_the_tests_of_a_source_tree(algorithms, faces, tmp_path):
    source = os.environ.get("JCONV_JAX_SOURCE")
    if not source:
        pytest.skip("set JCONV_JAX_SOURCE to the folder of a JAX source tree to run its convolution tests")
    result = run_jax_tests(pathlib.Path(source), tmp_path, algorithms, faces)
    assert result["counts"]["passed"] > 0
    assert result["counts"]["computed by the engine"] > 0


@pytest.mark.slow
def test_a_source_tree_is_really_accelerated(tmp_path):
    """The plugin on a suite of two tests, one of which must fail; and what it reports of the other."""
    tests = tmp_path / "source" / "tests"
    tests.mkdir(parents=True)
    (tests / "lax_test.py").write_text(
        "import jax, numpy as np\n"
        "x, w = np.ones((1, 1, 64, 64), np.float32), np.ones((1, 1, 9, 9), np.float32)\n"
        "def testConv(): assert 'stablehlo.convolution' not in jax.jit(\n"
        "    lambda x, w: jax.lax.conv(x, w, (1, 1), 'SAME')).lower(x, w).as_text()\n"
        "def testConvWrong(): assert float(jax.lax.conv(x, w, (1, 1), 'VALID')[0, 0, 0, 0]) == 80\n"
    )
    with pytest.raises(AssertionError, match="testConvWrong"):
        run_jax_tests(tmp_path / "source", tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["counts"]["computed by the engine"] > 0
