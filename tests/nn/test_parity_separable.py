"""Depthwise, separable and unshared convolution against PyTorch and Flax."""

import random
from functools import partial

import flax.linen
import jax.numpy as jnp
import numpy as np
import pytest

from jconv.nn import ConvLocal, DepthwiseConv, SeparableConv
from tests.nn import parity


def configurations(seed, count):
    draw = random.Random(seed)
    for i in range(count):
        rank = (2, 1, 3)[i % 3]
        sizes = partial(parity.per_axis, draw, rank)
        yield (
            {
                "kernel_size": sizes(3),
                "strides": sizes(3),
                "kernel_dilation": sizes(2),
                "padding": sizes(2, 0),
                "use_bias": i % 2 == 0,
            },
            draw.randint(1, 3),
            (2, *sizes(8, 6), 3),
        )


def torch_depthwise(x, kernel, bias, options):
    return parity.torch_conv(x, kernel, bias, {**options, "feature_group_count": x.shape[-1]})


@pytest.mark.parametrize("configuration", parity.configurations(list(configurations(9, 32)), quick=3))
def test_depthwise(configuration):
    parity.torch()
    options, multiplier, shape = configuration
    more = {"depth_multiplier": multiplier, "param_dtype": jnp.float64}
    layer = parity.build(lambda rngs: DepthwiseConv(3, **more, **options, rngs=rngs))
    reference = lambda p, x: torch_depthwise(x, p["kernel"], p.get("bias"), options)
    parity.check_layer(layer, reference, parity.normal(shape))


@pytest.mark.parametrize("configuration", parity.configurations(list(configurations(10, 32)), quick=2))
def test_separable(configuration):
    parity.torch()
    options, multiplier, shape = configuration
    more = {"depth_multiplier": multiplier, "param_dtype": jnp.float64}
    layer = parity.build(lambda rngs: SeparableConv(3, 4, **more, **options, rngs=rngs))

    def reference(p, x):
        middle = torch_depthwise(x, p["depthwise.kernel"], None, options)
        y = middle @ p["pointwise.kernel"].reshape(-1, 4)
        return y + p["pointwise.bias"] if "pointwise.bias" in p else y

    parity.check_layer(layer, reference, parity.normal(shape))


def local_configurations():
    draw = random.Random(11)
    for i in range(32):
        rank = (2, 1)[i % 2]
        sizes = partial(parity.per_axis, draw, rank)
        words = ["SAME", "VALID", "CIRCULAR", "REFLECT"] + (["CAUSAL"] if rank == 1 else [])
        padding = draw.choice([*words, tuple((draw.randint(0, 1), 2) for _ in range(rank))])
        options = {"kernel_size": sizes(3), "strides": sizes(2), "kernel_dilation": sizes(2), "padding": padding}
        if not isinstance(padding, str):
            options["input_dilation"] = sizes(2)
        yield options, ((2,), (), (2, 2))[i % 3], sizes(6, 5)


@pytest.mark.parametrize("configuration", parity.configurations(list(local_configurations()), quick=3))
def test_local(configuration):
    options, batch, space = configuration
    layer = parity.build(lambda rngs: ConvLocal(2, 3, space=space, param_dtype=jnp.float64, **options, rngs=rngs))
    theirs = flax.linen.ConvLocal(features=3, param_dtype=jnp.float64, **options)
    x = parity.normal((*batch, *space, 2))
    _, (bias, kernel) = parity.all_parameters(layer)
    bias = parity.normal(bias.shape)
    got = parity.ours(lambda x, b, k: parity.of_all(layer)([b, k], x), x, bias, kernel)
    wanted = parity.ours(lambda x, b, k: theirs.apply({"params": {"kernel": k, "bias": b}}, x), x, bias, kernel)
    parity.assert_same(got, wanted)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda r: DepthwiseConv(3, 3, feature_group_count=3, rngs=r), TypeError, "is the number of channels here"),
        (
            lambda r: DepthwiseConv(3, 3, depth_multiplier=0, rngs=r),
            ValueError,
            "`depth_multiplier` must be at",
        ),
        (lambda r: SeparableConv(3, 4, 3, padding="SAMME", rngs=r), ValueError, "did you mean 'SAME'"),
        (lambda r: ConvLocal(3, 4, 3, space=(2, 3), rngs=r), ValueError, "`space` must be one integer or 1 of them"),
        (lambda r: ConvLocal(3, 4, 5, padding="VALID", space=4, rngs=r), ValueError, "reaches over the padded input"),
        (lambda r: ConvLocal(3, 4, 3, space=4, rngs=r)(np.ones((5, 3))), ValueError, "that the layer was made for"),
    ],
)
def test_bad_input(build, error, message):
    with pytest.raises(error, match=message):
        parity.trace(build)
