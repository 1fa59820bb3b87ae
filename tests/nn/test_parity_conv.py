"""Conv against `flax.nnx.Conv`, and against PyTorch's layers with PyTorch's paddings."""

import random
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv.nn import Conv
from tests.nn import parity

WORDS = ["SAME", "SAME_LOWER", "VALID", "CAUSAL", "CIRCULAR", "REFLECT"]


def flax_configurations():
    draw = random.Random(0)
    for i in range(48):
        rank = (2, 1, 3, 2)[i % 4]
        word = WORDS[i % len(WORDS)]
        sizes = partial(parity.per_axis, draw, rank)
        options = {
            "kernel_size": sizes(4 if rank < 3 else 3),
            "strides": draw.choice([1, None, sizes(3)]),
            "kernel_dilation": draw.choice([1, sizes(2)]),
            "feature_group_count": draw.choice([1, 1, 2, 4]),
            "use_bias": draw.random() < 0.7,
            "padding": word,
        }
        if (word == "CAUSAL" and rank > 1) or i % 3 == 2:
            options["padding"] = draw.choice([2, (1,) * rank, tuple((draw.randint(0, 2), 3) for _ in range(rank))])
            if draw.random() < 0.5:
                options["input_dilation"] = sizes(2)
        batch = ((2,), (), (2, 3))[i % 3]
        yield options, (*batch, *(draw.randint(7, 9) for _ in range(rank))), ("float32", "float64")[i % 2]


@pytest.mark.parametrize("configuration", parity.configurations(list(flax_configurations())))
def test_flax(configuration):
    options, shape, dtype = configuration
    options = {**options, "param_dtype": dtype}
    names = ["kernel", "bias"] if options["use_bias"] else ["kernel"]
    if options["feature_group_count"] == 2:
        mask = np.random.default_rng(0).integers(0, 2, (*options["kernel_size"], 2, 8))
        options["mask"] = jnp.asarray(mask, dtype)
    layers = [kind(4, 8, rngs=nnx.Rngs(0), bias_init=nnx.initializers.normal(), **options) for kind in (Conv, nnx.Conv)]
    x = parity.normal((*shape, 4), dtype=dtype)
    parameters = [parity.parameters(layer, names) for layer in layers]
    for a, b in zip(*parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    got, wanted = (parity.ours(parity.with_parameters(layer, names), x, *parameters[0]) for layer in layers)
    assert got[0].dtype == wanted[0].dtype
    parity.assert_same(got, wanted)


def torch_configurations():
    draw = random.Random(1)
    modes = ["zeros", "reflect", "replicate", "circular"]
    for i in range(40):
        rank = (2, 1, 3)[i % 3]
        sizes = partial(parity.per_axis, draw, rank)
        taps, dilation, strides = sizes(4), sizes(2), sizes(3)
        same = i % 5 == 4
        if same:
            strides = (1,) * rank
        padding = "same" if same else draw.choice([1, tuple(draw.randint(0, 2) for _ in range(rank))])
        yield (
            {
                "kernel_size": taps,
                "strides": strides,
                "kernel_dilation": dilation,
                "padding": padding,
                "padding_mode": modes[i % 4],
                "feature_group_count": draw.choice([1, 2, 4]),
                "use_bias": i % 2 == 0,
            },
            (2, *(draw.randint(8, 10) for _ in range(rank)), 4),
        )


@pytest.mark.parametrize("configuration", parity.configurations(list(torch_configurations())))
def test_torch(configuration):
    torch = parity.torch()
    options, shape = configuration
    names = ["kernel", "bias"] if options["use_bias"] else ["kernel"]
    layer = parity.build(lambda rngs: Conv(4, 8, param_dtype=jnp.float64, **options, rngs=rngs))
    arrays = [parity.normal(shape), *parity.parameters(layer, names)]
    rank = len(shape) - 2
    theirs = getattr(torch.nn, f"Conv{rank}d")(
        4,
        8,
        options["kernel_size"],
        stride=options["strides"],
        padding=options["padding"],
        padding_mode=options["padding_mode"],
        dilation=options["kernel_dilation"],
        groups=options["feature_group_count"],
        bias=options["use_bias"],
        dtype=torch.float64,
    )

    def reference(x, kernel, bias=None):
        weights = {"weight": kernel.permute(-1, -2, *range(rank))} | ({} if bias is None else {"bias": bias})
        y = torch.func.functional_call(theirs, weights, (parity.channels_first(x, rank),))
        return parity.channels_last(y, rank)

    parity.assert_same(parity.ours(parity.with_parameters(layer, names), *arrays), parity.torchs(reference, *arrays))


def test_words_for_each_axis():
    layer = Conv(2, 3, (3, 2), padding=("CAUSAL", "REPLICATE"), kernel_dilation=(2, 3), rngs=nnx.Rngs(0))
    x = parity.normal((1, 6, 7, 2), dtype=np.float32)
    padded = np.pad(np.pad(x, ((0, 0), (4, 0), (0, 0), (0, 0))), ((0, 0), (0, 0), (1, 2), (0, 0)), "edge")
    plain = Conv(2, 3, (3, 2), padding="VALID", kernel_dilation=(2, 3), rngs=nnx.Rngs(0))
    parity.assert_same(layer(x), plain(padded))


def test_options_that_flax_has():
    seen = []

    def convolve(*arguments, **options):
        seen.append(options)
        return jax.lax.conv_general_dilated(*arguments, **options)

    x = jnp.ones((1, 5, 2), jnp.float32)
    layer = Conv(2, 3, 3, conv_general_dilated=convolve, kernel_metadata={"role": "filter"}, rngs=nnx.Rngs(0))
    parity.assert_same(layer(x), Conv(2, 3, 3, rngs=nnx.Rngs(0))(x))
    assert len(seen) == 1
    assert layer.kernel.role == "filter"
    mesh = jax.make_mesh((1,), ("x",), axis_types=(jax.sharding.AxisType.Explicit,))
    with jax.set_mesh(mesh):
        sharded = jax.jit(lambda x: layer(x, out_sharding=jax.P("x")))(x)
    assert seen[1]["out_sharding"] == jax.P("x")
    assert sharded.sharding.spec[0] == "x"
    half = Conv(2, 3, 3, dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    assert half(x).dtype == jnp.bfloat16
    wide = Conv(2, 3, 3, preferred_element_type=jnp.float64, rngs=nnx.Rngs(0))
    assert wide(x).dtype == nnx.Conv(2, 3, 3, preferred_element_type=jnp.float64, rngs=nnx.Rngs(0))(x).dtype


def test_transformations():
    layer = Conv(2, 3, (3, 3), padding="CIRCULAR", rngs=nnx.Rngs(0))
    x = parity.normal((4, 5, 6, 2), dtype=np.float32)
    whole = nnx.jit(lambda layer, x: layer(x))(layer, x)
    parity.assert_same(whole, jnp.stack([layer(one) for one in x]))
    parity.assert_same(nnx.vmap(lambda layer, x: layer(x), in_axes=(None, 0))(layer, x), whole)
