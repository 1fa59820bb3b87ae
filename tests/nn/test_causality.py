"""Causal layers are causal to the last bit: what comes later, be it huge or NaN, changes no output before it."""

import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv import nn
from tests.nn import parity
from tests.nn.layer_table import Entry, function_of, layer, stream

LENGTH, CHANNELS = 4096, 4
LATE = 3000
"""The sample that is replaced."""


def causal(kind, *sizes, **options):
    """An entry of a causal layer of one axis."""
    return layer(kind, *sizes, padding="CAUSAL", x=((1, LENGTH, CHANNELS),), **options)


def per_sample(taps):
    return Entry(
        lambda: lambda x, k: nn.conv_per_sample(x, k, padding="CAUSAL"),
        ((1, LENGTH, CHANNELS), (1, taps, CHANNELS, 2)),
        is_module=False,
    )


LAYERS = {
    "Conv": lambda taps: causal(nn.Conv, CHANNELS, 2, taps),
    "Conv, dilated": lambda taps: causal(nn.Conv, CHANNELS, 2, -(-taps // 3), kernel_dilation=3),
    "Conv, groups": lambda taps: causal(nn.Conv, CHANNELS, 4, taps, feature_group_count=2),
    "Conv, a stream": lambda taps: causal(nn.Conv, CHANNELS, 2, taps)._replace(method=stream),
    "DepthwiseConv": lambda taps: causal(nn.DepthwiseConv, CHANNELS, taps),
    "SeparableConv": lambda taps: causal(nn.SeparableConv, CHANNELS, 2, taps),
    "ContinuousConv": lambda taps: causal(nn.ContinuousConv, CHANNELS, 2, taps),
    "WeightStandardizedConv": lambda taps: causal(nn.WeightStandardizedConv, CHANNELS, 2, taps),
    "LipschitzConv": lambda taps: causal(nn.LipschitzConv, CHANNELS, 2, taps, iterations=2),
    "ConvTranspose": lambda taps: causal(nn.ConvTranspose, CHANNELS, 2, taps, 2),
    "conv_per_sample": per_sample,
}


def cases():
    """(name, taps, value) of every layer, two of them in every run."""
    draw = random.Random(7)
    for name in LAYERS:
        values = ((draw.choice([255, 511]), 1e30), (2, np.nan), (33, np.inf), (128, 1e20), (1023, np.nan), (2048, 1e30))
        for i, (taps, value) in enumerate(values):
            yield pytest.param(name, taps, value, marks=() if i % 4 == 0 else pytest.mark.slow)


@pytest.mark.parametrize(("name", "taps", "value"), list(cases()))
def test_nothing_later_changes_what_came_before(name, taps, value):
    entry = LAYERS[name](taps)
    function, parameters = function_of(entry, "float32")
    x, *others = [jnp.asarray(parity.normal(shape, i), jnp.float32) for i, shape in enumerate(entry.shapes)]
    run = jax.jit(function)
    before, after = (run(parameters, y, *others) for y in (x, x.at[:, LATE].set(value)))
    outputs = before.shape[1]
    first = LATE - (LENGTH - outputs) if outputs < LENGTH else LATE * (outputs // LENGTH)
    np.testing.assert_array_equal(before[:, :first], after[:, :first])
    assert not np.array_equal(before[:, first:], after[:, first:])


def test_a_named_algorithm_is_taken():
    """Who wants the FFT names it, and knows that it spreads errors over the sequence."""
    layer = parity.build(lambda rngs: nn.Conv(1, 1, 1023, padding="CAUSAL", algorithm="fft", rngs=rngs))
    x = parity.normal((LENGTH, 1), dtype=np.float32)
    y = layer(x)
    x[LATE] = 1e20
    assert not np.array_equal(layer(x)[:LATE], y[:LATE])
