"""Weight standardisation and the Lipschitz bound against PyTorch, dense matrices and `ConvolutionOperator`."""

import math
import random
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv.nn import LipschitzConv, WeightStandardizedConv, conv_norm_bound
from jconv.signal import ConvolutionOperator
from tests.nn import parity


def configurations(seed):
    draw = random.Random(seed)
    for i in range(32):
        rank = (2, 1, 3)[i % 3]
        sizes = partial(parity.per_axis, draw, rank)
        yield (
            {
                "kernel_size": sizes(3, 2),
                "strides": sizes(2),
                "kernel_dilation": sizes(2),
                "padding": sizes(2, 0),
                "feature_group_count": draw.choice([1, 2]),
            },
            i,
            sizes(7, 5),
        )


@pytest.mark.parametrize("configuration", parity.configurations(list(configurations(18)), quick=3))
def test_standardized(configuration):
    torch = parity.torch()
    options, i, space = configuration
    epsilon = (1e-5, 1e-10)[i % 2]
    options |= {"epsilon": epsilon, "use_gain": i % 3 == 0, "param_dtype": jnp.float64}
    layer = parity.build(lambda rngs: WeightStandardizedConv(2, 4, **options, rngs=rngs))

    def reference(p, x):
        axes = tuple(range(p["kernel"].ndim - 1))
        variance, mean = torch.var_mean(p["kernel"], dim=axes, keepdim=True, unbiased=False)
        kernel = (p["kernel"] - mean) / torch.sqrt(variance + epsilon) * p.get("gain", 1.0)
        return parity.torch_conv(x, kernel, p["bias"], options)

    parity.check_layer(layer, reference, parity.normal((2, *space, 2)))


def torch_bound(torch, kernel, groups, iterations):
    """The bound of Delattre et al. with the transform written as a matrix, and no scaling."""
    *taps, inputs, outputs = kernel.shape
    slack = 1.0
    for axis, k in enumerate(taps):
        n = 1 if k == 1 else 6 * k
        slack *= math.cos(math.pi * (k - 1) / n)
        turns = torch.outer(*(torch.arange(m, dtype=torch.float64) for m in (n, k))) / n
        waves = torch.exp(-2j * math.pi * turns)
        kernel = torch.tensordot(waves, kernel.to(torch.complex128), dims=([1], [axis])).movedim(0, axis)
    matrices = kernel.reshape(-1, inputs, groups, outputs // groups).movedim(2, 1)
    for _ in range(iterations):
        matrices = matrices.mH @ matrices
    norms = (matrices.abs() ** 2).sum((-1, -2)) ** (1 / 2 ** (iterations + 1))
    return norms.max() / math.sqrt(slack)


@pytest.mark.parametrize("configuration", parity.configurations(list(configurations(19)), quick=3))
def test_lipschitz(configuration):
    torch = parity.torch()
    options, i, space = configuration
    lipschitz = (1.0, 0.5, 20.0)[i % 3]
    layer = LipschitzConv(2, 4, lipschitz=lipschitz, iterations=3, param_dtype=jnp.float64, rngs=nnx.Rngs(0), **options)

    def reference(p, x):
        bound = torch_bound(torch, p["kernel"], options["feature_group_count"], 3)
        return parity.torch_conv(x, p["kernel"] / torch.clamp(bound / lipschitz, min=1.0), p["bias"], options)

    parity.check_layer(layer, reference, parity.normal((2, *space, 2)))


@pytest.mark.parametrize(
    ("padding", "groups"),
    [
        ("SAME", 1),
        ("CIRCULAR", 2),
        *(pytest.param(*case, marks=pytest.mark.slow)
          for case in (("SAME", 2), ("CIRCULAR", 1), ("VALID", 1), ("VALID", 2))),
    ],
)  # fmt: skip
def test_norm_of_the_dense_matrix(padding, groups):
    """What the layer does, as a matrix: its norm is below the bound, and not far below where nothing is cut off."""
    layer = LipschitzConv(
        2, 4, (3, 2), padding=padding, feature_group_count=groups, use_bias=False, param_dtype=jnp.float64,
        lipschitz=0.7, rngs=nnx.Rngs(0),
    )  # fmt: skip
    matrix = jax.jit(jax.jacobian(lambda x: layer(x)))(jnp.zeros((12, 12, 2)))
    norm = np.linalg.svd(matrix.reshape(-1, 288), compute_uv=False)[0]
    assert norm <= 0.7 * (1 + 1e-12)
    assert norm >= 0.7 * 0.85


def test_bounds_hold_for_many_kernels():
    """Against the largest singular value on a fine grid of frequencies."""
    bound = jax.jit(conv_norm_bound)
    ratios = []
    for seed in range(40):
        kernel = parity.normal((3, 2, 5, 3), seed)
        spectrum = np.fft.fft2(kernel, (128, 128), axes=(0, 1))
        exact = np.linalg.svd(spectrum, compute_uv=False).max()
        ratios.append(float(bound(kernel)) / exact)
    assert min(ratios) >= 1
    assert max(ratios) < 1.07


def test_one_channel_agrees_with_the_operator():
    kernel = parity.normal((5, 3))
    lower, upper = ConvolutionOperator(kernel[::-1, ::-1], (40, 40)).norm_bounds(iterations=200)
    bound = conv_norm_bound(kernel[..., None, None])
    assert lower <= bound
    np.testing.assert_allclose(bound, upper, rtol=0.12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: LipschitzConv(2, 4, 3, padding="REFLECT", rngs=r), "`padding` must hold zeros or be circular"),
        (
            lambda r: LipschitzConv(2, 4, 3, padding_mode="replicate", rngs=r),
            "`padding` must hold zeros or be circular",
        ),
        (lambda r: LipschitzConv(2, 4, 3, lipschitz=-1, rngs=r), "`lipschitz` must be positive"),
        (lambda r: WeightStandardizedConv(2, 4, 3, epsilon=0, rngs=r), "`epsilon` must be positive"),
        (lambda r: conv_norm_bound(np.ones((3, 3))), "`kernel` must have shape"),
        (lambda r: conv_norm_bound(np.ones((3, 2, 3)), feature_group_count=2), "must divide the 3 output channels"),
        (lambda r: conv_norm_bound(np.ones((3, 2, 3)), grid=2), "`grid` must be at least 3"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        parity.trace(call)
