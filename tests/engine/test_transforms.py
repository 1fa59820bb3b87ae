"""The convolution under JAX's transformations: batching, both modes of differentiation, control flow, partitioning."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import AxisType, PartitionSpec
from jax.test_util import check_grads

from jconv.engine import conv_general_dilated
from jconv.engine.accuracy import tolerance
from tests.engine.problems import CASES, generated
from tests.engine.test_algorithms import normwise

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


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_generated_second_order_and_vmap(block):
    for seed in range(10_000 + 10 * block, 10_010 + 10 * block):
        case = generated(seed)
        x, w = case.data("float64")
        y = function(case)(x, w)
        if y.size == 0:
            continue
        reference = functools.partial(lax.conv_general_dilated, **case.lax)
        rng = np.random.default_rng(seed)
        dx, dw = rng.standard_normal(x.shape), rng.standard_normal(w.shape)

        def second(f, x, w, dx=dx, dw=dw):
            gradient = jax.grad(lambda x, w: jnp.tanh(f(x, w)).sum(), (0, 1))
            return jax.jvp(gradient, (x, w), (dx, dw))

        for got, want in zip(jax.tree.leaves(second(function(case), x, w)), jax.tree.leaves(second(reference, x, w))):
            assert normwise(got, want) < 1e-10
        xs, ws = np.stack([x, x + 1]), np.stack([w, w - 1])
        for axes, arrays in (((0, None), (xs, w)), ((None, 0), (x, ws)), ((0, 0), (xs, ws))):
            close(jax.vmap(function(case), axes)(*arrays), jax.vmap(reference, axes)(*arrays), case.terms)
    jax.clear_caches()


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
