"""Causal layers and stacks piece by piece: the whole sequence's result, values and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv.nn import (
    CausalStack,
    ContinuousConv,
    Conv,
    DepthwiseConv,
    LongConv,
    SeparableConv,
    WeightStandardizedConv,
)
from tests.nn import parity

LAYERS = {
    "plain": lambda r: Conv(3, 4, 3, padding="CAUSAL", rngs=r),
    "dilated": lambda r: Conv(3, 4, 4, padding="CAUSAL", kernel_dilation=3, rngs=r),
    "groups": lambda r: Conv(3, 6, 2, padding="CAUSAL", feature_group_count=3, use_bias=False, rngs=r),
    "one tap": lambda r: Conv(3, 4, 1, padding="CAUSAL", rngs=r),
    "depthwise": lambda r: DepthwiseConv(3, 5, depth_multiplier=2, padding="CAUSAL", kernel_dilation=2, rngs=r),
    "separable": lambda r: SeparableConv(3, 4, 3, padding="CAUSAL", rngs=r),
    "standardized": lambda r: WeightStandardizedConv(3, 4, 3, padding="CAUSAL", rngs=r),
    "continuous": lambda r: ContinuousConv(3, 4, 7, padding="CAUSAL", rngs=r),
    "double": lambda r: Conv(3, 4, 3, padding="CAUSAL", param_dtype=jnp.float64, dtype=jnp.float64, rngs=r),
}


def in_pieces(layer, x, pieces, axis, **options):
    cache = layer.init_cache(x.shape[:axis], **options)
    outputs = []
    for piece in jnp.split(x, np.cumsum(pieces)[:-1], axis=axis):
        cache, y = layer.step(cache, piece)
        outputs.append(y)
    return jnp.concatenate(outputs, axis=axis)


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    layer = parity.build(LAYERS[name])
    x = jnp.asarray(parity.normal((2, 12, 3), dtype=np.float64 if name == "double" else np.float32))
    parity.assert_same(*jax.jit(lambda x: (in_pieces(layer, x, (4, 1, 7), 1), layer(x)))(x))


def test_video():
    """Causal along the first of three axes, whole along the others, one of them strided."""
    options = {"padding": ("CAUSAL", "SAME", "CIRCULAR"), "kernel_dilation": (2, 1, 1)}
    layer = parity.build(lambda rngs: Conv(2, 3, (3, 3, 3), (1, 2, 1), **options, rngs=rngs))
    x = jnp.asarray(parity.normal((2, 6, 5, 4, 2), dtype=np.float32))
    parity.assert_same(*jax.jit(lambda x: (in_pieces(layer, x, (1, 2, 3), 1, space=(5, 4)), layer(x)))(x))


def stack(rngs):
    return CausalStack(
        Conv(3, 8, 3, padding="CAUSAL", rngs=rngs),
        nnx.LayerNorm(8, rngs=rngs),
        nnx.gelu,
        CausalStack(DepthwiseConv(8, 4, padding="CAUSAL", kernel_dilation=2, rngs=rngs), nnx.Linear(8, 4, rngs=rngs)),
        nnx.relu,
        Conv(4, 2, 2, padding="CAUSAL", kernel_dilation=4, rngs=rngs),
    )


def test_stack_sample_by_sample_in_a_scan():
    model = parity.build(stack)
    x = jnp.asarray(parity.normal((2, 20, 3), dtype=np.float32))
    graph, state = nnx.split(model)

    def streamed(state, x):
        model = nnx.merge(graph, state)
        body = lambda cache, sample: model.step(cache, sample[:, None])
        _, y = jax.lax.scan(body, model.init_cache((2,)), jnp.swapaxes(x, 0, 1))
        return jnp.swapaxes(y[:, :, 0], 0, 1)

    def whole(state, x):
        return nnx.merge(graph, state)(x)

    ct = parity.normal((2, 20, 2))
    results = []
    for function in (streamed, whole):
        loss = lambda state, x, f=function: jnp.sum(f(state, x) * ct)
        results.append(jax.jit(lambda s, x, f=function, g=loss: (f(s, x), jax.grad(g, (0, 1))(s, x)))(state, x))
    parity.assert_same(*results, length=20 * 20 * 8)


def test_nothing_later_is_seen():
    model = parity.build(stack)
    run = jax.jit(lambda x: model(x))
    x = parity.normal((1, 12, 3), dtype=np.float32)
    y = run(x)
    x[:, 7:] += 1
    np.testing.assert_array_equal(run(x)[:, :7], y[:, :7])
    assert not np.allclose(run(x)[:, 7:], y[:, 7:])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda r: Conv(3, 4, 3, rngs=r).init_cache(), ValueError, "only a layer with padding='CAUSAL'"),
        (lambda r: Conv(3, 4, 3, 2, padding="CAUSAL", rngs=r).init_cache(), ValueError, "stride 1 along its first"),
        (
            lambda r: Conv(3, 4, (3, 3), padding=("CAUSAL", "SAME"), rngs=r).init_cache(),
            ValueError,
            "`space` must hold the sizes of 1 axes",
        ),
        (
            lambda r: Conv(3, 4, 3, padding="CAUSAL", rngs=r).step(jnp.zeros((2, 2, 3)), jnp.zeros((1, 5, 3))),
            ValueError,
            r"`inputs` must have shape \(2, samples, 3\), got \(1, 5, 3\)",
        ),
        (lambda r: CausalStack(nnx.GroupNorm(4, 2, rngs=r)), TypeError, "`layers.0.` mixes samples .* GroupNorm"),
        (lambda r: CausalStack(nnx.relu, LongConv(4, 8, rngs=r)), TypeError, "`layers.1.` mixes samples .* LongConv"),
        (lambda r: CausalStack(nnx.Conv(3, 4, 3, rngs=r)), TypeError, "use jconv.nn.Conv with padding='CAUSAL'"),
        (lambda r: CausalStack(3), TypeError, "`layers.0.` must be callable"),
        (lambda r: CausalStack(nnx.relu).step((None, None), jnp.ones((1, 1))), ValueError, "one entry for each of 1"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        parity.trace(call)
