"""The convolution under JAX's transformations: batching, both modes of differentiation, control flow, partitioning."""

import functools
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import AxisType, PartitionSpec
from jax.test_util import check_grads

from jconv.engine import conv_general_dilated
from tests.engine.helpers import normwise
from tests.engine.problems import CASES
from tests.tolerances import tolerance

SOME = [c for c in CASES if c.name in ("dense 3×3", "all at once", "groups", "depthwise, strided", "1-D", "transposed")]


def function(case, **options):
    return functools.partial(conv_general_dilated, **case.lax, **options)


def close(got, want, terms):
    assert normwise(got, want) <= tolerance("float64", terms, "winograd4")


@pytest.mark.parametrize("case", SOME, ids=lambda c: c.name)
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (2, 1), (None, -1)], ids=str)
def test_vmap_is_a_loop(case, axes):
    x, w = case.data("float64")
    count = 3
    arrays, stacked = [], []
    for array, axis in zip((x, w), axes):
        copies = [array * (i + 1) + i for i in range(count)]
        arrays.append(copies if axis is not None else [array] * count)
        stacked.append(np.stack(copies, axis) if axis is not None else array)
    got = jax.jit(jax.vmap(function(case), axes))(*stacked)
    want = np.stack([function(case)(a, b) for a, b in zip(*arrays)])
    close(got, want, case.terms)


@pytest.mark.parametrize("case", SOME, ids=lambda c: c.name)
def test_vmap_of_gradients(case):
    x, w = case.data("float64")

    def loss(x, w):
        return (function(case)(x, w) ** 2).sum()

    xs, ws = np.stack([x, 2 * x, -x]), np.stack([w, w + 1, 3 * w])
    got = jax.jit(jax.vmap(jax.grad(loss, (0, 1))))(xs, ws)
    for i in range(3):
        for one, all_ in zip(jax.grad(loss, (0, 1))(xs[i], ws[i]), got):
            close(all_[i], one, 50 * case.terms)


@pytest.mark.core
@pytest.mark.parametrize("case", SOME, ids=lambda c: c.name)
def test_both_modes_and_second_order(case):
    x, w = case.data("float64")
    check_grads(function(case), (x, w), order=2, modes=["fwd", "rev"], rtol=1e-6, atol=1e-6)


def test_linearize_checkpoint_and_scan():
    case = SOME[0]
    x, w = case.data("float64")
    w = w[..., :5]
    f = function(case)
    y, push = jax.linearize(lambda w: f(x, w), w)
    close(push(w), y, case.terms)

    def deep(w, step):
        return lax.scan(lambda x, _: (jnp.tanh(step(x, w)), None), x, length=3)[0].sum()

    plain = jax.grad(functools.partial(deep, step=f))(w)
    saved = jax.grad(functools.partial(deep, step=jax.checkpoint(f)))(w)
    reference = jax.grad(functools.partial(deep, step=functools.partial(lax.conv_general_dilated, **case.lax)))(w)
    close(plain, reference, 1000 * case.terms)
    close(saved, reference, 1000 * case.terms)


def test_shard_map_varies_over_the_mesh():
    mesh = jax.make_mesh((1,), ("batch",), axis_types=(AxisType.Auto,))
    case = SOME[0]
    x, w = case.data("float64")

    def loss(x, w):
        return lax.psum((function(case)(x, w) ** 2).sum(), "batch")

    spec = PartitionSpec("batch")
    sharded = jax.shard_map(loss, mesh=mesh, in_specs=(spec, PartitionSpec()), out_specs=PartitionSpec())
    got = jax.jit(jax.grad(sharded, (0, 1)))(x, w)
    want = jax.grad(lambda x, w: (function(case)(x, w) ** 2).sum(), (0, 1))(x, w)
    for a, b in zip(got, want):
        close(a, b, 100 * case.terms)


def test_shard_map_over_two_devices():
    """Each device plans and runs its own share; the gradient of what both share is summed over them."""
    code = """
import numpy as np, jax, jax.numpy as jnp, jconv
from jax import lax
from jax.sharding import AxisType, PartitionSpec as P
mesh = jax.make_mesh((2,), ("batch",), axis_types=(AxisType.Auto,))
x = np.random.default_rng(0).standard_normal((4, 28, 28, 64)).astype("float32")
w = np.random.default_rng(1).standard_normal((3, 3, 1, 64)).astype("float32")
numbers = ("NHWC", "HWIO", "NHWC")
def loss(convolve, x, w):
    y = convolve(x, w, (2, 2), "SAME", dimension_numbers=numbers, feature_group_count=64)
    return (y ** 2).sum()
want = jax.grad(lambda x, w: loss(lax.conv_general_dilated, x, w), (0, 1))(x, w)
jconv.accelerate()
for convolve in (jconv.conv_general_dilated, lax.conv_general_dilated):
    share = lambda x, w: lax.psum(loss(convolve, x, w), "batch")
    sharded = jax.shard_map(share, mesh=mesh, in_specs=(P("batch"), P()), out_specs=P())
    for got, expected in zip(jax.jit(jax.grad(sharded, (0, 1)))(x, w), want):
        print(float(jnp.linalg.norm((got - expected).ravel()) / jnp.linalg.norm(expected.ravel())))
"""
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    errors = [float(line) for line in done.stdout.split()]
    assert len(errors) == 4
    assert max(errors) < tolerance("float32", 4 * 28 * 28)


def test_explicit_sharding_keeps_its_types():
    """Where types name mesh axes, results and gradients have the types that lax's have."""
    code = """
import numpy as np, jax, jax.numpy as jnp, jconv
from jax import lax
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
mesh = jax.make_mesh((2,), ("b",), axis_types=(AxisType.Explicit,))
jax.set_mesh(mesh)
x = jax.device_put(np.random.default_rng(0).standard_normal((4, 8, 8, 16)), NamedSharding(mesh, P("b")))
w = jnp.asarray(np.random.default_rng(1).standard_normal((3, 3, 1, 16)))
options = dict(window_strides=(1, 1), padding="SAME", feature_group_count=16)
options["dimension_numbers"] = ("NHWC", "HWIO", "NHWC")
def both(f):
    loss = lambda x, w: (f(x, w) ** 2).sum()
    return f(x, w), *jax.grad(loss, (0, 1))(x, w)
faces = {
    "conv_general_dilated": lambda x, w: jconv.conv_general_dilated(x, w, **options),
    "conv2d": lambda x, w: jconv.conv2d(x, w, groups=16),
}
want = jax.jit(lambda: both(lambda x, w: lax.conv_general_dilated(x, w, **options)))()
for f in faces.values():
    got = jax.jit(lambda: both(f))()
    assert [jax.typeof(a) for a in got] == [jax.typeof(a) for a in want], [jax.typeof(a) for a in got]
    for a, b in zip(got, want):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4)
"""
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_low_precision_accumulates_in_float32():
    x = jnp.full((1, 4096, 1), 1.0, jnp.bfloat16)
    w = jnp.full((4096, 1, 1), 1.0, jnp.bfloat16)
    y = conv_general_dilated(x, w, (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC"))
    assert y.dtype == jnp.bfloat16
    assert float(y.squeeze()) == 4096.0
    wide = conv_general_dilated(
        x, w, (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC"), preferred_element_type=jnp.float32
    )
    assert wide.dtype == jnp.float32
    gradient = jax.grad(lambda w: conv_general_dilated(
        x, w, (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC"), preferred_element_type=jnp.float32
    ).sum())(w)  # fmt: skip
    assert gradient.dtype == jnp.bfloat16
