"""Deformable convolution against PyTorch's sampling, and against loops in NumPy in other dimensions."""

import itertools
import math
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv import nn
from tests.nn import parity


def configurations():
    draw = random.Random(12)
    for i in range(32):
        groups, offset_groups = draw.choice([1, 2, 4]), draw.choice([1, 2, 4])
        sizes = lambda high, low=1: parity.per_axis(draw, 2, high, low)
        yield (
            {"strides": sizes(2), "padding": sizes(2, 0), "dilation": sizes(2)},
            sizes(3),
            groups,
            offset_groups,
            i % 2,
        )


@pytest.mark.parametrize("configuration", parity.configurations(list(configurations()), quick=3))
def test_torch(configuration):
    """Against PyTorch's `grid_sample`, tap by tap: torchvision's semantics, its order of offsets and zeros outside."""
    torch = parity.torch()
    options, taps, groups, parts, modulated = configuration
    height, width = 7, 6
    x, kernel = parity.normal((2, height, width, 4)), parity.normal((*taps, 4 // groups, 8))
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip((height, width), taps, options["strides"], options["padding"], options["dilation"])
    ]
    offset = 2 * parity.normal((2, *out, parts, math.prod(taps), 2))
    mask = parity.normal((2, *out, parts, math.prod(taps)))
    arrays = (x, kernel, offset, mask) if modulated else (x, kernel, offset)

    def ours(x, kernel, offset, mask=None):
        return nn.deform_conv(x, offset, kernel, mask=mask, **options)

    def reference(x, kernel, offset, mask=None):
        steps = [torch.arange(n, dtype=x.dtype) * s - p for n, s, p in zip(out, options["strides"], options["padding"])]
        y = torch.zeros(2, *out, 8, dtype=x.dtype)
        for t, u in enumerate(np.ndindex(*taps)):
            seen = []
            for part in range(parts):
                rows = steps[0][:, None] + u[0] * options["dilation"][0] + offset[..., part, t, 0]
                columns = steps[1] + u[1] * options["dilation"][1] + offset[..., part, t, 1]
                grid = torch.stack([2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1], -1)
                channels = x[..., part * 4 // parts : (part + 1) * 4 // parts].movedim(-1, 1)
                sample = torch.nn.functional.grid_sample(channels, grid, align_corners=True).movedim(1, -1)
                seen.append(sample if mask is None else sample * mask[..., part, t, None])
            seen = torch.cat(seen, -1).unflatten(-1, (groups, -1))
            y = y + torch.einsum("nhwgi,igo->nhwgo", seen, kernel[u].unflatten(-1, (groups, -1))).flatten(-2)
        return y

    parity.assert_same(parity.ours(ours, *arrays), parity.torchs(reference, *arrays))


def interpolated(x, where):
    """x (*space, C) at a position, zeros outside: a loop over the corners."""
    total = np.zeros(x.shape[-1])
    for corner in itertools.product((0, 1), repeat=len(where)):
        index = [math.floor(w) + c for w, c in zip(where, corner)]
        if all(0 <= i < n for i, n in zip(index, x.shape)):
            total += x[tuple(index)] * math.prod(1 - abs(w - i) for w, i in zip(where, index))
    return total


def looped(x, offset, kernel, mask, stride, padding, dilation):
    *taps, share, features = kernel.shape
    rank, groups, parts = len(taps), x.shape[-1] // share, offset.shape[-3]
    y = np.zeros((*offset.shape[:rank], features))
    for n in np.ndindex(y.shape[:-1]):
        for t, u in enumerate(np.ndindex(*taps)):
            seen = np.zeros(x.shape[-1])
            for part in range(parts):
                where = [stride * i + dilation * j - padding + d for i, j, d in zip(n, u, offset[n][part, t])]
                width = x.shape[-1] // parts
                channels = slice(part * width, (part + 1) * width)
                seen[channels] = mask[n][part, t] * interpolated(x, where)[channels]
            for g in range(groups):
                out = slice(g * features // groups, (g + 1) * features // groups)
                y[n][out] += seen[g * share : (g + 1) * share] @ kernel[u][:, out]
    return y


@pytest.mark.parametrize(
    ("space", "taps", "stride", "padding", "dilation", "groups", "parts"),
    [((9,), (3,), 2, 1, 2, 2, 2), ((4, 3, 4), (2, 1, 2), 1, 1, 1, 1, 2), ((5, 4), (3, 2), 2, 2, 1, 2, 1)],
)
def test_loops(space, taps, stride, padding, dilation, groups, parts):
    out = [(n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(space, taps)]
    count = math.prod(taps)
    x, kernel = parity.normal((*space, 4)), parity.normal((*taps, 4 // groups, 4))
    offset, mask = 2 * parity.normal((*out, parts, count, len(space))), parity.normal((*out, parts, count))
    run = jax.jit(nn.deform_conv, static_argnames=("strides", "padding", "dilation"))
    got = run(x, offset, kernel, mask=mask, strides=stride, padding=padding, dilation=dilation)
    parity.assert_same(got, looped(x, offset, kernel, mask, stride, padding, dilation))


@pytest.mark.parametrize("modulated", [pytest.param(False, marks=pytest.mark.slow), True])
def test_layer(modulated):
    """It starts as the plain convolution, and then follows its offsets."""
    options = {"strides": 2, "padding": "SAME", "kernel_dilation": 1, "feature_group_count": 2, "rngs": nnx.Rngs(0)}
    layer = nn.DeformableConv(4, 6, (3, 2), offset_groups=2, modulated=modulated, param_dtype=jnp.float64, **options)
    plain = nn.Conv(4, 6, (3, 2), param_dtype=jnp.float64, **options)
    plain.kernel[...], plain.bias[...] = layer.kernel[...], layer.bias[...]
    x = parity.normal((3, 2, 7, 8, 4))
    parity.assert_same(*jax.jit(lambda x: (layer(x), plain(x)))(x))
    layer.offsets.kernel[...] = 0.3 * parity.normal(layer.offsets.kernel.shape)
    found = layer.offsets(x)
    offset = found[..., :24].reshape(3, 2, 4, 4, 2, 6, 2)
    mask = 2 * jax.nn.sigmoid(found[..., 24:].reshape(3, 2, 4, 4, 2, 6)) if modulated else None
    # SAME at stride 2 pads (7, 8) by ((1, 1), (0, 0)).
    wanted = nn.deform_conv(x, offset, layer.kernel[...], mask=mask, strides=2, padding=((1, 1), (0, 0)))
    parity.assert_same(layer(x), wanted + layer.bias[...])


@pytest.mark.parametrize(
    "name",
    [
        "mask",
        "padding_mode",
        "input_dilation",
        "precision",
        "preferred_element_type",
        "conv_general_dilated",
        "algorithm",
    ],
)
def test_options_that_nothing_would_heed_are_refused(name):
    with pytest.raises(TypeError, match=f"`{name}` has no use here"):
        nn.DeformableConv(4, 6, 3, **{name: None}, rngs=nnx.Rngs(0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, o, k: nn.deform_conv(x, o[:, :-1], k), r"`offset` must have shape \(2, 5, 5, G, 9, 2\)"),
        (lambda x, o, k: nn.deform_conv(x, o, k[:, :, :3]), "cannot split into groups"),
        (lambda x, o, k: nn.deform_conv(x, o, k, mask=o), "`mask` must have the shape of `offset` without"),
        (lambda x, o, k: nn.deform_conv(x, o, k, padding="REFLECT"), "`padding` must be one of 'SAME'"),
        (lambda x, o, k: nn.DeformableConv(4, 6, 3, offset_groups=3, rngs=nnx.Rngs(0)), "must divide `in_features`"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((2, 7, 7, 4)), np.ones((2, 5, 5, 1, 9, 2)), np.ones((3, 3, 4, 8)))
