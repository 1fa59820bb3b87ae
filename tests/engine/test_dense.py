"""Kernel gradients of dense layers under accelerate(): oneDNN's products, and the same numbers."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jconv
from jconv.engine import _onednn_probe as onednn_probe
from tests.engine.helpers import normwise

needs_onednn = pytest.mark.skipif(onednn_probe.refusal() is not None, reason=f"oneDNN: {onednn_probe.refusal()}")
POSITIONS, INPUTS, OUTPUTS = (4, 16, 32), 48, 160


def arrays(*shapes, dtype="float32"):
    rng = np.random.default_rng(0)
    return tuple(jnp.asarray(rng.standard_normal(shape), dtype) for shape in shapes)


def sum_over_positions(x, y):
    return lax.dot_general(x, y, (((0,), (0,)), ((), ())))


def kernel_gradient(x, w, ct):
    return jax.vjp(lambda w: x @ w, w)[1](ct)[0]


def lowered(function, *operands):
    return jax.jit(function).lower(*operands).as_text()


def goes_to_onednn(function, *operands):
    with jconv.accelerate():
        return "onednn$matmul" in lowered(function, *operands)


@pytest.mark.core
@needs_onednn
@pytest.mark.parametrize("sides", [(INPUTS, OUTPUTS), (OUTPUTS, INPUTS)])
def test_the_gradient_is_the_same_sum(sides):
    x, w, ct = operands = arrays((*POSITIONS, sides[0]), sides, (*POSITIONS, sides[1]))
    want = np.einsum("abci,abcj->ij", np.float64(x), np.float64(ct))
    before = jax.jit(kernel_gradient)(*operands)
    with jconv.accelerate():
        assert "onednn$matmul" in lowered(kernel_gradient, *operands)
        got = jax.jit(kernel_gradient)(*operands)
    assert got.shape == w.shape
    assert normwise(got, want) <= max(8 * normwise(before, want), 1e-6)
    assert "onednn" not in lowered(kernel_gradient, *operands)


@needs_onednn
def test_heads_are_channels_of_several_axes():
    x, ct = arrays((8, 256, 64), (8, 256, 4, 24))
    product = lambda x, ct: lax.dot_general(x, ct, (((0, 1), (0, 1)), ((), ())))
    assert goes_to_onednn(product, x, ct)
    with jconv.accelerate():
        got = jax.jit(product)(x, ct)
    assert got.shape == (64, 4, 24)
    assert normwise(got, np.einsum("bti,bthj->ihj", np.float64(x), np.float64(ct))) < 1e-5


@needs_onednn
def test_derivatives_scans_and_maps_of_it():
    x, w, ct = arrays((3, 1024, 64), (64, 160), (1024, 160))

    def loss(w):
        def body(total, x):
            return total + (jnp.tanh(x @ w) * ct).sum(), None

        return lax.scan(body, 0.0, x)[0]

    def all_of_it(w):
        hessian_product = jax.jvp(jax.grad(loss), (w,), (w,))[1]
        per_kernel = jax.vmap(jax.grad(loss))(jnp.stack([w, 2 * w]))
        return jax.grad(loss)(w), hessian_product, per_kernel

    want = jax.jit(all_of_it)(w)
    assert goes_to_onednn(jax.grad(loss), w)
    with jconv.accelerate():
        got = jax.jit(all_of_it)(w)
    for a, b in zip(got, want):
        assert normwise(a, b) < 1e-5


@pytest.mark.parametrize(
    ("why", "x", "y", "options"),
    [
        ("few positions", (64, 256), (64, 512), {}),
        ("small", (1024, 16), (1024, 16), {}),
        ("a narrow side", (1 << 16, 10), (1 << 16, 64), {}),
        ("another dtype", (1024, 128), (1024, 128), {"dtype": "float64"}),
        ("half precision", (1024, 128), (1024, 128), {"dtype": "bfloat16"}),
        ("another result", (1024, 128), (1024, 128), {"preferred_element_type": np.float64}),
        ("products as prescribed", (1024, 128), (1024, 128), {"precision": lax.DotAlgorithmPreset.F32_F32_F32}),
        ("batches", (1024, 4, 128), (1024, 4, 128), {"dimension_numbers": (((0,), (0,)), ((1,), (1,)))}),
        ("axes across", (64, 64, 64), (64, 64, 64), {"dimension_numbers": (((0, 1), (1, 0)), ((), ()))}),
        ("the last axis", (512, 1024), (512, 1024), {"dimension_numbers": (((1,), (1,)), ((), ()))}),
        ("nothing to sum", (0, 128), (0, 128), {}),
    ],
)
def test_all_else_stays_with_xla(why, x, y, options):
    operands = arrays(x, y, dtype=options.pop("dtype", "float32"))
    options = {"dimension_numbers": (((0,), (0,)), ((), ())), **options}
    product = lambda x, y: lax.dot_general(x, y, **options)
    before = lowered(product, *operands)
    with jconv.accelerate():
        assert lowered(product, *operands) == before, why


def test_a_symbolic_size_stays_with_xla():
    from jax import export

    (size,) = export.symbolic_shape("n")
    operands = (jax.ShapeDtypeStruct((size, 128), jnp.float32),) * 2
    with jconv.accelerate():
        exported = export.export(jax.jit(sum_over_positions))(*operands)
    x, y = arrays((3, 128), (3, 128))
    assert normwise(exported.call(x, y), np.float64(x).T @ np.float64(y)) < 1e-6


@needs_onednn
def test_only_programs_of_one_device_hold_the_call():
    """Gradients inside `shard_map` do, exported programs and those that XLA partitions do not."""
    code = """
import jax, numpy as np, jax.numpy as jnp, jconv
from jax import export
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
x, y = (np.random.default_rng(n).standard_normal((4096, 64 + n)).astype("float32") for n in (0, 64))
f = lambda x, y: jnp.einsum("pi,pj->ij", x, y)
want = np.float64(x).T @ np.float64(y)
jconv.accelerate()
assert "onednn" in jax.jit(f).lower(x, y).as_text()
assert "onednn" not in str(export.export(jax.jit(f))(x, y).mlir_module())
mesh = jax.make_mesh((2,), ("b",), axis_types=(AxisType.Auto,))
x, y = (jax.device_put(a, NamedSharding(mesh, P("b"))) for a in (x, y))
assert "onednn" not in jax.jit(f).lower(x, y).as_text()
def gradient(x, y):
    w = jax.lax.pcast(jnp.zeros((x.shape[1], y.shape[1])), "b", to="varying")
    return jax.lax.psum(jax.grad(lambda w: (x @ w * y).sum())(w), "b")
local = jax.jit(jax.shard_map(gradient, mesh=mesh, in_specs=P("b"), out_specs=P()))
assert "onednn" in local.lower(x, y).as_text()
for g in (jax.jit(f), local):
    print(float(abs(g(x, y) - want).max() / abs(want).max()))
"""
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert max(float(line) for line in done.stdout.split()) < 1e-5
