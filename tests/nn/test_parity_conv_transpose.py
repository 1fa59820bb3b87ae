"""ConvTranspose against `flax.nnx.ConvTranspose`, and against PyTorch's layers."""

import random
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv.nn import ConvTranspose
from tests.nn import parity

NAMES = ["kernel", "bias"]


def flax_configurations():
    draw = random.Random(2)
    for i in range(40):
        rank = (2, 1, 3, 2)[i % 4]
        sizes = partial(parity.per_axis, draw, rank)
        padding = ["SAME", "VALID", "CIRCULAR", 1, tuple((draw.randint(0, 2), 2) for _ in range(rank))][i % 5]
        yield (
            {
                "kernel_size": sizes(5 if rank < 3 else 3),
                "strides": draw.choice([None, 2, sizes(3)]),
                "padding": padding,
                "kernel_dilation": draw.choice([None, sizes(2)]),
                "transpose_kernel": i % 2 == 0,
            },
            (*((2,), (), (2, 2))[i % 3], *(draw.randint(5, 7) for _ in range(rank)), 3),
            ("float32", "float64")[i % 2],
        )


@pytest.mark.parametrize("configuration", parity.configurations(list(flax_configurations())))
def test_flax(configuration):
    options, shape, dtype = configuration
    layers = [
        kind(3, 4, rngs=nnx.Rngs(0), bias_init=nnx.initializers.normal(), param_dtype=dtype, **options)
        for kind in (ConvTranspose, nnx.ConvTranspose)
    ]
    x, parameters = parity.normal(shape, dtype=dtype), [parity.parameters(layer, NAMES) for layer in layers]
    for a, b in zip(*parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    got, wanted = (parity.ours(parity.with_parameters(layer, NAMES), x, *parameters[0]) for layer in layers)
    parity.assert_same(got, wanted)


def torch_configurations():
    draw = random.Random(3)
    for i in range(40):
        rank = (2, 1, 3)[i % 3]
        sizes = partial(parity.per_axis, draw, rank)
        strides, dilation = sizes(3), sizes(2)
        yield (
            {
                "kernel_size": sizes(4),
                "strides": strides,
                "kernel_dilation": dilation,
                "torch_padding": draw.choice([0, 1, sizes(2, 0)]),
                "output_padding": tuple(draw.randint(0, max(s, d) - 1) for s, d in zip(strides, dilation)),
                "feature_group_count": draw.choice([1, 2, 4]),
            },
            (2, *(draw.randint(4, 6) for _ in range(rank)), 4),
        )


@pytest.mark.parametrize("configuration", parity.configurations(list(torch_configurations())))
def test_torch(configuration):
    torch = parity.torch()
    options, shape = configuration
    rank = len(shape) - 2
    more = {"transpose_kernel": True, "param_dtype": jnp.float64}
    layer = parity.build(lambda rngs: ConvTranspose(4, 8, **more, **options, rngs=rngs))
    arrays = [parity.normal(shape), *parity.parameters(layer, NAMES)]

    def reference(x, kernel, bias):
        y = getattr(torch.nn.functional, f"conv_transpose{rank}d")(
            parity.channels_first(x, rank),
            kernel.permute(-1, -2, *range(rank)),
            bias,
            stride=options["strides"],
            padding=options["torch_padding"],
            output_padding=options["output_padding"],
            groups=options["feature_group_count"],
            dilation=options["kernel_dilation"],
        )
        return parity.channels_last(y, rank)

    parity.assert_same(parity.ours(parity.with_parameters(layer, NAMES), *arrays), parity.torchs(reference, *arrays))


def test_groups_without_a_transposed_kernel_are_layers_side_by_side():
    layer = ConvTranspose(4, 6, (3, 2), 2, feature_group_count=2, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
    x = parity.normal((1, 4, 5, 4))
    parts = []
    for group in range(2):
        part = ConvTranspose(2, 3, (3, 2), 2, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
        part.kernel[...] = layer.kernel[..., 3 * group : 3 * group + 3]
        parts.append(part(x[..., 2 * group : 2 * group + 2]))
    parity.assert_same(layer(x), jnp.concatenate(parts, axis=-1))


def test_causal_sees_nothing_later():
    layer = parity.build(lambda rngs: ConvTranspose(1, 1, 5, 3, padding="CAUSAL", rngs=rngs))
    layer = jax.jit(lambda x, layer=layer: layer(x))
    x = parity.normal((8, 1), dtype=np.float32)
    y = layer(x)
    assert y.shape == (24, 1)
    x[5:] += 1
    changed = np.flatnonzero(np.asarray(y != layer(x)).any(-1))
    assert changed.min() == 15


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"padding": "REFLECT"}, ValueError, "`padding` must be one of 'SAME', 'VALID', 'CAUSAL', 'CIRCULAR'"),
        ({"output_padding": 1}, ValueError, "needs `torch_padding`"),
        ({"torch_padding": 1, "padding": "VALID"}, ValueError, "exclude each other"),
        ({"torch_padding": 1, "output_padding": 2, "strides": 2}, ValueError, "smaller than the stride"),
        ({"torch_padding": -1}, ValueError, "must not be negative"),
        ({"feature_group_count": 2}, ValueError, "must divide `in_features`"),
        ({"padding": ("SAME", 1)}, ValueError, "one word for all axes"),
        ({"mask": jnp.ones((3, 3, 3, 3))}, ValueError, "`mask` must have the shape of the kernel"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        ConvTranspose(3, 4, (3, 3), rngs=nnx.Rngs(0), **options)
