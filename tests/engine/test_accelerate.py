"""accelerate() changes how convolutions are computed, and nothing else."""

import os
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jconv
from tests.engine.helpers import normwise
from tests.engine.problems import CASES


def depthwise(x, w):
    return lax.conv_general_dilated(
        x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=x.shape[-1]
    )


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal(s).astype(np.float32) for s in ((4, 28, 28, 64), (7, 7, 1, 64)))


def compiled(function, *arrays):
    return jax.jit(function).lower(*arrays).as_text()


@pytest.mark.core
def test_it_holds_at_once_and_is_undone(arrays):
    jitted = jax.jit(depthwise)
    before = jitted(*arrays)
    assert "stablehlo.convolution" in jitted.lower(*arrays).as_text()
    with jconv.accelerate():
        during = jitted(*arrays)
        assert "stablehlo.convolution" not in jitted.lower(*arrays).as_text()
    after = jitted(*arrays)
    assert "stablehlo.convolution" in jitted.lower(*arrays).as_text()
    assert normwise(during, before) < 1e-6
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("precision", [None, "highest"])
def test_compiled_programs_name_the_convolution_and_its_precision(arrays, precision):
    options = {"feature_group_count": 64, "precision": precision, "algorithm": "direct"}
    layout = ("NHWC", "HWIO", "NHWC")
    function = lambda x, w: jconv.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=layout, **options)
    lines = jax.jit(function).lower(*arrays).compile().as_text().splitlines()
    line = next(line for line in lines if "convolution(" in line)
    assert "convolution(direct" in line
    assert ("operand_precision={highest,highest}" in line) == (precision == "highest")


def test_twice_is_once(arrays):
    jconv.accelerate()
    jconv.accelerate()
    jconv.decelerate()
    assert "stablehlo.convolution" in compiled(depthwise, *arrays)
    jconv.decelerate()


def test_a_depthwise_kernel_gradient_moves_no_large_axes(arrays):
    x, w = arrays
    with jconv.accelerate():
        gradient = jax.jit(lambda x, w, ct: jax.vjp(lambda w: depthwise(x, w), w)[1](ct)[0])
        program = gradient.lower(x, w, x).compile().as_text()
    moved = re.findall(r"= f32\[([\d,]+)\]\S* (?:transpose|copy)\(", program)
    assert max((np.prod([int(n) for n in shape.split(",")]) for shape in moved), default=0) < x.size / 2


def test_gradients_scans_and_vmaps(arrays):
    x, w = arrays

    def loss(w):
        def body(x, _):
            return jnp.tanh(depthwise(x, w)), None

        return (lax.scan(body, x, length=2)[0] ** 2).sum()

    per_kernel = jax.vmap(lambda w: depthwise(x, w))
    ws = jnp.stack([w, 2 * w])
    want = jax.jit(jax.grad(loss))(w), per_kernel(ws)
    with jconv.accelerate():
        got = jax.jit(jax.grad(loss))(w), jax.jit(per_kernel)(ws)
    for a, b in zip(got, want):
        assert normwise(a, b) < 1e-5


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_problem(case):
    x, w = case.data("float32")

    def f(x, w):
        y, pull = jax.vjp(lambda x, w: lax.conv_general_dilated(x, w, **case.lax), x, w)
        return y, *pull(jnp.cos(y))

    want = jax.jit(f)(x, w)
    with jconv.accelerate():
        got = jax.jit(f)(x, w)
    for a, b in zip(got, want):
        assert normwise(a, b) < 2e-5


def test_a_flax_model_is_unchanged_but_for_rounding():
    from flax import nnx

    model = nnx.Sequential(
        nnx.Conv(3, 8, (3, 3), rngs=nnx.Rngs(0)),
        jax.nn.relu,
        nnx.Conv(8, 8, (5, 5), strides=2, feature_group_count=8, rngs=nnx.Rngs(1)),
    )
    x = np.random.default_rng(0).standard_normal((2, 20, 20, 3)).astype(np.float32)
    graph, state = nnx.split(model)

    def loss(state):
        return (nnx.merge(graph, state)(x) ** 2).mean()

    want = jax.jit(jax.value_and_grad(loss))(state)
    with jconv.accelerate():
        got = jax.jit(jax.value_and_grad(loss))(state)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want)):
        assert normwise(a, b) < 1e-5


def test_a_program_that_xla_partitions_stays_portable():
    """Two devices, sharded by XLA itself: no custom call, and the right result."""
    code = """
import jax, numpy as np, jax.numpy as jnp, jconv
from jax import lax
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
mesh = jax.make_mesh((2,), ("b",), axis_types=(AxisType.Auto,))
x = np.random.default_rng(0).standard_normal((4, 28, 28, 64)).astype("float32")
x = jax.device_put(x, NamedSharding(mesh, P("b")))
w = jnp.asarray(np.random.default_rng(1).standard_normal((3, 3, 1, 64)).astype("float32"))
numbers = ("NHWC", "HWIO", "NHWC")
f = lambda x, w: lax.conv_general_dilated(
    x, w, (1, 1), "SAME", dimension_numbers=numbers, feature_group_count=64)
want = jax.jit(f)(x, w)
jconv.accelerate()
assert "custom_call @__onednn" not in jax.jit(f).lower(x, w).as_text()
assert "onednn" not in jax.jit(f).lower(x, w).compile().as_text()
print(float(abs(jax.jit(f)(x, w) - want).max()))
"""
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-4


def test_the_environment_variable():
    code = "import jconv\nfrom jconv.engine._api.accelerate import _is_on\nprint(_is_on())"
    env = {**os.environ, "JCONV_ACCELERATE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_without_onednn_everything_is_complete():
    code = """
import jax, numpy as np, jconv
from tests.engine.problems import CASES
from tests.engine.helpers import NAMES, check
from jconv.engine import _onednn_probe as onednn_probe
assert onednn_probe.refusal() == "switched off by JCONV_ONEDNN"
for case in CASES[::4]:
    tried = [name for name in NAMES if check(case, name, "float32")]
    assert "onednn" not in tried and "auto" in tried
print("complete")
"""
    env = {**os.environ, "JCONV_ONEDNN": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "complete", done.stderr


def test_an_inner_context_leaves_the_outer_one_on():
    f = jax.jit(lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "SAME", feature_group_count=32))
    x, w = np.ones((1, 32, 20, 20), np.float32), np.ones((32, 1, 3, 3), np.float32)
    plain = f.lower(x, w).as_text()
    with jconv.accelerate():
        ours = f.lower(x, w).as_text()
        assert ours != plain
        with jconv.accelerate():
            pass
        assert f.lower(x, w).as_text() == ours
    assert f.lower(x, w).as_text() == plain


@pytest.mark.parametrize("way", ["argument", "layer", "default", "accelerated"])
def test_precision_reaches_a_gpu(way):
    """lax says HIGH for these programs; a program that is lowered for CUDA must ask for as much."""
    from flax import nnx

    x, w = np.ones((1, 8, 8, 4), np.float32), np.ones((3, 3, 4, 4), np.float32)
    numbers = ("NHWC", "HWIO", "NHWC")
    if way == "argument":
        f = lambda x, w: jconv.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=numbers, precision="high")
    elif way == "layer":
        layer = jconv.nn.Conv(4, 4, (3, 3), precision="high", use_bias=False, rngs=nnx.Rngs(0))
        f = lambda x, w: layer(x)
    else:
        function = jconv.conv_general_dilated if way == "default" else lax.conv_general_dilated
        f = lambda x, w: function(x, w, (1, 1), "SAME", dimension_numbers=numbers)

    def lowered():
        with jax.default_matmul_precision("high" if way in ("default", "accelerated") else "default"):
            traced = jax.jit(jax.grad(lambda x, w: f(x, w).sum())).trace(x, w)
            return traced.lower(lowering_platforms=("cuda",)).as_text()

    if way == "accelerated":
        with jconv.accelerate():
            text = lowered()
    else:
        text = lowered()
    asked = [line for line in text.splitlines() if "stablehlo.convolution" in line]
    assert asked
    assert all("DEFAULT" not in line and re.search(r"precision_config = \[[^]]*HIGH", line) for line in asked), asked


def test_the_old_name_of_decelerate_warns():
    with pytest.warns(DeprecationWarning, match="jconv.decelerate"):
        assert jconv.restore is jconv.decelerate
