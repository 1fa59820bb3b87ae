"""Per-sample kernels against PyTorch's grouped convolution, and the attention over kernels against its paper."""

import random
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv.nn import Conv, DynamicConv, conv_per_sample
from tests.nn import parity


def configurations():
    draw = random.Random(13)
    for i in range(32):
        rank = (2, 1)[i % 2]
        sizes = partial(parity.per_axis, draw, rank)
        yield (
            {
                "strides": sizes(2),
                "padding": sizes(2, 0),
                "feature_group_count": draw.choice([1, 2]),
            },
            sizes(3),
            sizes(2),
            {"kernels": draw.randint(1, 4), "temperature": draw.choice([1.0, 30.0])},
            sizes(7, 6),
        )


def grouped(torch, x, kernels, options, dilation):
    """Samples as groups of channels: (N, *space, C) and (N, *taps, C // g, O)."""
    rank, n = x.ndim - 2, len(x)
    lhs = parity.channels_first(x, rank).reshape(1, -1, *x.shape[1:-1])
    rhs = kernels.permute(0, -1, -2, *range(1, rank + 1)).flatten(0, 1)
    y = getattr(torch.nn.functional, f"conv{rank}d")(
        lhs, rhs, None, options["strides"], options["padding"], dilation, n * options["feature_group_count"]
    )
    return parity.channels_last(y.reshape(n, -1, *y.shape[2:]), rank)


@pytest.mark.parametrize("configuration", parity.configurations(list(configurations()), quick=2))
def test_per_sample(configuration):
    torch = parity.torch()
    options, taps, dilation, _, space = configuration
    x, kernels = parity.normal((3, *space, 4)), parity.normal((3, *taps, 4 // options["feature_group_count"], 6))
    got = parity.ours(lambda x, k: conv_per_sample(x, k, dilation=dilation, **options), x, kernels)
    parity.assert_same(got, parity.torchs(lambda x, k: grouped(torch, x, k, options, dilation), x, kernels))


@pytest.mark.parametrize("configuration", parity.configurations(list(configurations()), quick=2))
def test_dynamic(configuration):
    torch = parity.torch()
    options, taps, dilation, mixture, space = configuration
    shared = {"kernel_dilation": dilation, "param_dtype": jnp.float64}
    layer = parity.build(lambda rngs: DynamicConv(4, 6, taps, **shared, **options, **mixture, rngs=rngs))

    def reference(p, x):
        mean = x.flatten(1, -2).mean(1)
        hidden = torch.relu(mean @ p["squeeze.kernel"])
        shares = torch.softmax((hidden @ p["excite.kernel"] + p["excite.bias"]) / mixture["temperature"], -1)
        kernels = torch.einsum("nk,k...->n...", shares, p["kernel"])
        bias = (shares @ p["bias"]).reshape(len(x), *(1,) * len(taps), -1)
        return grouped(torch, x, kernels, options, dilation) + bias

    parity.check_layer(layer, reference, parity.normal((3, *space, 4)))


def test_any_batch():
    layer = parity.build(lambda rngs: DynamicConv(4, 6, (3, 3), padding="CIRCULAR", rngs=rngs))
    x = parity.normal((2, 3, 5, 6, 4), dtype=np.float32)
    parity.assert_same(*jax.jit(lambda x: (layer(x)[1, 2], layer(x[1, 2])))(x))


def test_one_kernel_is_a_plain_convolution():
    layer = parity.build(lambda rngs: DynamicConv(4, 6, 3, kernels=1, rngs=rngs))
    plain = parity.build(lambda rngs: Conv(4, 6, 3, rngs=rngs))
    plain.kernel[...], plain.bias[...] = layer.kernel[...][0], layer.bias[...][0]
    x = parity.normal((2, 9, 4), dtype=np.float32)
    parity.assert_same(*jax.jit(lambda x: (layer(x), plain(x)))(x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: conv_per_sample(np.ones((2, 5, 3)), np.ones((3, 3, 3, 4))),
            r"must have shape \(N, \*space, C\)",
        ),
        (lambda: conv_per_sample(np.ones((2, 5, 3)), np.ones((2, 3, 2, 4))), "`inputs` has 3 channels"),
        (lambda: DynamicConv(3, 4, 3, temperature=0, rngs=nnx.Rngs(0)), "`temperature` must be positive"),
        (lambda: DynamicConv(3, 4, 3, kernels=0, rngs=nnx.Rngs(0)), "`kernels` must be at least 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
