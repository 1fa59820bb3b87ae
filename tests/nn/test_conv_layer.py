"""Conv against Flax's layer, and the small network."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv.nn import CNN, Conv, ConvLocal, ConvTranspose, DynamicConv
from jconv.nn.layers._conv_layer import ConvLayer, ConvOptions
from tests.nn import parity

CASES = [
    {},
    {"strides": 2, "padding": "VALID", "use_bias": False},
    {"kernel_dilation": (1, 2), "padding": ((1, 0), (2, 3))},
    {"feature_group_count": 2, "strides": (2, 1)},
]


@pytest.mark.core
@pytest.mark.parametrize("options", CASES)
def test_same_parameters_and_outputs_as_flax(options):
    ours, theirs = (kind(4, 6, (3, 2), rngs=nnx.Rngs(0), **options) for kind in (Conv, nnx.Conv))
    chex.assert_trees_all_equal(nnx.to_pure_dict(nnx.state(ours)), nnx.to_pure_dict(nnx.state(theirs)))
    x = jax.random.normal(jax.random.key(1), (2, 3, 9, 8, 4), jnp.float32)

    @nnx.jit
    def value_and_gradients(model):
        loss = lambda model, x: jnp.sum(model(x) ** 2)
        return model(x), nnx.to_pure_dict(nnx.grad(loss)(model, x)), jax.grad(lambda x: loss(model, x))(x)

    chex.assert_trees_all_close(value_and_gradients(ours), value_and_gradients(theirs), rtol=1e-4, atol=1e-4)


def test_the_typed_options_are_those_of_the_constructor():
    parameters = inspect.signature(ConvLayer.__init__).parameters.values()
    names = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "rngs"]
    assert sorted(ConvOptions.__annotations__) == sorted(names)


UNUSED = [(kind, name) for kind in (ConvTranspose, ConvLocal, DynamicConv) for name in kind.UNUSED]


@pytest.mark.parametrize(("kind", "name"), UNUSED)
def test_an_option_that_would_be_ignored_is_refused(kind, name):
    own = {"space": 5} if kind is ConvLocal else {}
    with pytest.raises(TypeError, match=f"`{name}` has no use here in {kind.__name__}"):
        parity.trace(lambda rngs: kind(2, 4, 3, **own, **{name: None}, rngs=rngs))


def test_dtype_is_that_of_the_computation():
    layer = parity.build(lambda rngs: Conv(1, 2, (3, 3), dtype=jnp.bfloat16, rngs=rngs))
    assert jax.eval_shape(lambda x: layer(x), jnp.ones((4, 4, 1))).dtype == jnp.bfloat16
    assert layer.kernel[...].dtype == jnp.float32


def test_dropout_works_only_with_a_key():
    model = parity.build(lambda rngs: CNN(1, 10, (8, 8), widths=(4,), dropout=0.5, rngs=rngs))
    x = jnp.ones((2, 8, 8, 1), jnp.float32)
    plain, drop = jax.jit(lambda x: model(x)), jax.jit(lambda x, key: model(x, key=key))
    np.testing.assert_array_equal(plain(x), plain(x))
    assert not np.array_equal(drop(x, jax.random.key(0)), plain(x))
    assert not np.array_equal(drop(x, jax.random.key(0)), drop(x, jax.random.key(1)))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda r: Conv(3, 4, (3, 3), strides=(1, 2, 3), rngs=r), ValueError, "`strides` must be one integer or 2"),
        (lambda r: Conv(3, 4, (), rngs=r), ValueError, "`kernel_size` must have at least one axis"),
        (lambda r: Conv(3, 4, (3, 3), padding="SAMEE", rngs=r), ValueError, "did you mean 'SAME'"),
        (lambda r: Conv(3, 4, (3, 3), padding="CAUSAL", rngs=r), ValueError, "say which is causal"),
        (lambda r: Conv(3, 4, (3, 3), padding=((1, 1),), rngs=r), ValueError, "one entry for each of 2 axes"),
        (lambda r: Conv(3, 4, (3, 3), padding=1.5, rngs=r), TypeError, "`padding` was 1.5; pass one of 'SAME'"),
        (lambda r: Conv(3, 4, (3, 3), padding_mode="mirror", rngs=r), ValueError, "`padding_mode` must be one of"),
        (lambda r: Conv(3, 4, 3, padding="REFLECT", padding_mode="circular", rngs=r), ValueError, "contradicts"),
        (lambda r: Conv(3, 4, (3, 3), algorithm="winogradd", rngs=r), ValueError, "`algorithm` must be one of"),
        (lambda r: Conv(3, 4, (3, 3), mask=jnp.ones((3, 3)), rngs=r), ValueError, "`mask` must have the shape"),
        (lambda r: Conv(3, 4, 7, padding="VALID", rngs=r)(jnp.ones((5, 3))), ValueError, "reaches over the padded"),
        (lambda r: Conv(0, 4, (3, 3), rngs=r), ValueError, "`in_features` must be at least 1"),
        (lambda r: Conv(3, 4, (3, 3), feature_group_count=2, rngs=r), ValueError, "must divide `in_features`"),
        (
            lambda r: Conv(3, 4, (3, 3), rngs=r)(jnp.ones((5, 5, 2))),
            ValueError,
            r"`inputs` must have shape.*got \(5, 5, 2\)",
        ),
        (lambda r: CNN(1, 10, (2, 8), widths=(4, 4), rngs=r), ValueError, r"`size` \(2, 8\) is too small"),
    ],
)
def test_bad_input(build, error, message):
    with pytest.raises(error, match=message):
        parity.trace(build)
