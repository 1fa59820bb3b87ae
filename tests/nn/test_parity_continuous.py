"""ContinuousConv and LongConv against the same written in PyTorch; irregular samples against loops."""

import math
import random
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv.nn import ContinuousConv, Conv, LongConv, MAGNet, Siren
from tests.nn import parity


def siren(torch, p, x, depth, omega, prefix="network."):
    for i in range(depth):
        x = torch.sin(omega * (x @ p[f"{prefix}layers.{i}.kernel"] + p[f"{prefix}layers.{i}.bias"]))
    return x @ p[f"{prefix}last.kernel"] + p[f"{prefix}last.bias"]


def magnet(torch, p, x, depth, prefix="network."):
    def gabor(i):
        g = {name: p[f"{prefix}gabors.{i}.{name}"] for name in ("gamma", "mu", "kernel", "bias")}
        steps = g["gamma"] * (x.unsqueeze(-1) - g["mu"])
        return torch.exp(-(steps**2).sum(-2) / 2) * torch.sin(x @ g["kernel"] + g["bias"])

    h = gabor(0)
    for i in range(1, depth):
        h = (h @ p[f"{prefix}layers.{i - 1}.kernel"] + p[f"{prefix}layers.{i - 1}.bias"]) * gabor(i)
    return h @ p[f"{prefix}last.kernel"] + p[f"{prefix}last.bias"]


def torch_kernel(torch, p, positions, network, inputs, features):
    values = siren(torch, p, positions, 2, 10.0) if network == "siren" else magnet(torch, p, positions, 2)
    if "center" in p:
        steps = (positions - p["center"]) / torch.exp(p["log_size"])
        values = values * torch.exp(-(steps**2).sum(-1, keepdim=True) / 2)
    return values.reshape(*positions.shape[:-1], inputs, features)


def layer_of(network, *sizes, make=parity.build, **options):
    kind = {"siren": Siren, "magnet": MAGNet}[network]
    options |= {"network": partial(kind, hidden=6, depth=2, omega=10.0), "param_dtype": jnp.float64}
    return make(lambda rngs: ContinuousConv(*sizes, **options, rngs=rngs))


def grid_configurations():
    draw = random.Random(15)
    for i in range(32):
        rank = (1, 2, 3)[i % 3]
        yield (
            {
                "kernel_size": tuple(draw.randint(1, 9 if rank == 1 else 4) for _ in range(rank)),
                "strides": parity.per_axis(draw, rank, 2),
                "padding": parity.per_axis(draw, rank, 3, 1),
                "feature_group_count": draw.choice([1, 2]),
                "learn_size": i % 4 < 3,
                "use_bias": i % 3 == 0,
            },
            ("siren", "magnet")[i % 2],
            parity.per_axis(draw, rank, 8, 5),
        )


@pytest.mark.parametrize("configuration", parity.configurations(list(grid_configurations()), quick=3))
def test_grid(configuration):
    torch = parity.torch()
    options, network, space = configuration
    rank, groups = len(space), options["feature_group_count"]
    layer = layer_of(network, 2, 4, **options)
    if layer.learn_size:
        layer.center[...] = 0.1 * parity.normal((rank,))
        layer.log_size[...] = 0.3 * parity.normal((rank,))

    def reference(p, x):
        along = [torch.linspace(-1, 1, k, dtype=x.dtype) if k > 1 else torch.zeros(1, dtype=x.dtype)
                 for k in options["kernel_size"]]  # fmt: skip
        positions = torch.stack(torch.meshgrid(*along, indexing="ij"), dim=-1)
        kernel = torch_kernel(torch, p, positions, network, 2 // groups, 4)
        return parity.torch_conv(x, kernel, p.get("bias"), options)

    parity.check_layer(layer, reference, parity.normal((2, *space, 2)))


def irregular_configurations():
    draw = random.Random(16)
    for i in range(30):
        rank = (1, 2)[i % 2]
        yield (
            {
                "kernel_size": parity.per_axis(draw, rank, 5, 2),
                "kernel_dilation": parity.per_axis(draw, rank, 2),
                "padding": "CAUSAL" if rank == 1 and i % 4 == 0 else "SAME",
                "feature_group_count": draw.choice([1, 2]),
                "learn_size": i % 3 > 0,
            },
            ("siren", "magnet")[i // 2 % 2],
            draw.randint(3, 6),
            draw.randint(2, 5),
            i % 2 == 0,
        )


@pytest.mark.parametrize("configuration", parity.configurations(list(irregular_configurations()), quick=3))
def test_irregular(configuration):
    torch = parity.torch()
    options, network, points, wanted, weighted = configuration
    rank, groups = len(options["kernel_size"]), options["feature_group_count"]
    layer = layer_of(network, 2, 4, **options)
    x, positions = parity.normal((points, 2)), 2 * parity.normal((points, rank))
    queries, weights = 2 * parity.normal((wanted, rank), seed=1), np.abs(parity.normal((points,)))
    reaches = [(k - 1) * d + 1 for k, d in zip(options["kernel_size"], options["kernel_dilation"])]

    def reference(p, x, positions, queries, weights):
        rows = []
        for q in queries:
            y = p["bias"]
            for j, at in enumerate(positions):
                before = [r - 1 if options["padding"] == "CAUSAL" else (r - 1) // 2 for r in reaches]
                tap = [at[a] - q[a] + before[a] for a in range(rank)]
                if all(0 <= float(t.detach()) <= r - 1 for t, r in zip(tap, reaches)):
                    where = torch.stack([2 * t / (r - 1) - 1 for t, r in zip(tap, reaches)])
                    kernel = torch_kernel(torch, p, where, network, 2 // groups, 4)
                    seen = (x[j] * weights[j] if weighted else x[j]).reshape(groups, -1)
                    parts = kernel.reshape(-1, groups, 4 // groups)
                    y = y + torch.einsum("gi,igo->go", seen, parts).reshape(-1)
            rows.append(y)
        return torch.stack(rows) + 0 * weights.sum()

    def at(layer, x, positions, queries, weights):
        return layer.at(x, positions, queries, weights=weights if weighted else None)

    parity.check_layer(layer, reference, x, positions, queries, weights, method=at)


@pytest.mark.parametrize(("padding", "taps"), [("SAME", 5), ("SAME", 4), ("CAUSAL", 5)])
def test_samples_on_the_grid_are_the_grid(padding, taps):
    layer = layer_of("siren", 2, 4, kernel_size=taps, padding=padding)
    stretched = layer_of("siren", 2, 4, kernel_size=taps, padding=padding, kernel_dilation=2)
    x, positions = parity.normal((9, 2)), np.arange(9.0)[:, None]
    parity.assert_same(*jax.jit(lambda x: (layer.at(x, positions), layer(x)))(x))
    if taps % 2:  # the middle of an even kernel, between taps, falls on no tap when it is stretched
        parity.assert_same(*jax.jit(lambda x: (stretched.at(x, 2 * positions), layer(x)))(x))


def test_size_is_learned():
    """A target made by a narrow kernel narrows a wide one."""
    drawn = lambda make: make(nnx.Rngs(0))
    layer = layer_of("siren", 1, 1, kernel_size=33, padding=16, size=2.0, use_bias=False, make=drawn)
    assert layer.learned_size() == (33,)
    x = parity.normal((64, 1))
    target = np.convolve(x[:, 0], [0.25, 0.5, 0.25], "same")[:, None]

    @nnx.jit
    def step(layer):
        slopes = nnx.grad(lambda layer: jnp.mean((layer(x) - target) ** 2))(layer)
        state = jax.tree.map(lambda p, g: p - 0.02 * jnp.sign(g), nnx.state(layer, nnx.Param), slopes)
        nnx.update(layer, state)

    for _ in range(100):
        step(layer)
    assert layer.learned_size()[0] < 25


def long_configurations():
    draw = random.Random(17)
    for i in range(30):
        yield (
            {
                "order": draw.randint(1, 3),
                "short_size": draw.randint(1, 4),
                "bands": draw.randint(0, 3),
                "depth": draw.randint(1, 2),
            },
            draw.randint(1, 3),
            draw.randint(3, 9),
            ((2,), (), (2, 2))[i % 3],
        )


@pytest.mark.parametrize("configuration", parity.configurations(list(long_configurations()), quick=3))
def test_long(configuration):
    torch = parity.torch()
    options, features, length, batch = configuration
    shared = {"hidden": 5, "omega": 2.0, "param_dtype": jnp.float64}
    layer = parity.build(lambda rngs: LongConv(features, 10, **shared, **options, rngs=rngs))
    order = options["order"]

    def reference(p, x):
        parts = x @ p["project.kernel"] + p["project.bias"]
        k = options["short_size"]
        past = torch.nn.functional.pad(parts, (0, 0, k - 1, 0))
        short = sum(past[..., u : u + length, :] * p["short.kernel"][u, 0] for u in range(k)) + p["short.bias"]
        z, *gates = short.split(features, -1)
        t = torch.arange(length, dtype=x.dtype)[:, None] / 10
        angles = 2 * math.pi * t * torch.arange(1, options["bands"] + 1)
        seen = torch.cat([t, torch.cos(angles), torch.sin(angles)], 1)
        filters = siren(torch, p, seen, options["depth"], 2.0).reshape(length, order, features)
        filters = filters * torch.exp(-t[..., None] * torch.exp(p["log_decay"]))
        lag = torch.arange(length)[:, None] - torch.arange(length)
        for i in range(order):
            matrix = torch.where(lag[..., None] >= 0, filters[lag.clamp(min=0), i], 0.0)  # the sum, written as a matrix
            z = gates[i] * (torch.einsum("tsc,...sc->...tc", matrix, z) + p["skip"][i] * z)
        return z @ p["combine.kernel"] + p["combine.bias"]

    parity.check_layer(layer, reference, parity.normal((*batch, length, features)))


def test_long_is_causal():
    layer = parity.build(lambda rngs: LongConv(3, 32, rngs=rngs))
    x = parity.normal((2, 32, 3), dtype=np.float32)
    parity.assert_same(*jax.jit(lambda x: (layer(x)[:, :20], layer(x[:, :20])))(x))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda r: ContinuousConv(2, 4, 5, network="sirene", rngs=r), ValueError, "did you mean 'siren'"),
        (lambda r: ContinuousConv(2, 4, 5, size=0, rngs=r), ValueError, "`size` must be positive"),
        (lambda r: ContinuousConv(2, 4, 5, kernel_init=None, rngs=r), TypeError, "the kernel is no parameter"),
        (
            lambda r: ContinuousConv(2, 4, 5, rngs=r).at(np.ones((5, 2)), np.ones(5)),
            ValueError,
            r"`positions` must have shape \(points, 1\)",
        ),
        (
            lambda r: ContinuousConv(2, 4, 5, rngs=r).at(np.ones((5, 3)), np.ones((5, 1))),
            ValueError,
            r"`inputs` must have shape \(5, 2\)",
        ),
        (lambda r: LongConv(3, 8, rngs=r)(np.ones((9, 3))), ValueError, "at most `max_length` = 8 samples, got 9"),
        (lambda r: LongConv(3, 8, order=0, rngs=r), ValueError, "`order` must be at least 1"),
        (lambda r: LongConv(3, 8, bands=-1, rngs=r), ValueError, "`bands` must not be negative"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        parity.trace(call)


def test_a_sampled_kernel_is_a_plain_convolution():
    layer = layer_of("magnet", 2, 4, kernel_size=(3, 4))
    plain = parity.build(lambda rngs: Conv(2, 4, (3, 4), param_dtype=jnp.float64, rngs=rngs))
    plain.kernel[...], plain.bias[...] = layer.effective_kernel(), layer.bias[...]
    x = parity.normal((2, 6, 7, 2))
    parity.assert_same(*jax.jit(lambda x: (layer(x), plain(x)))(x))
