"""The U-Net: its size, its symmetry, what it is told wrongly."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv.nn import ConvBlock, UNet
from tests.nn import parity


def paper(inputs, outputs, widths, rank):
    """The parameters of the paper's layers, added up."""
    taps = 3**rank
    pairs = sum(
        (before * taps + 1) * width + (width * taps + 1) * width
        for before, width in [*itertools.pairwise((inputs, *widths)), *((2 * w, w) for w in widths[:-1])]
    )
    ups = sum((below * 2**rank + 1) * width for width, below in itertools.pairwise(widths))
    return pairs + ups + (widths[0] + 1) * outputs


def test_as_many_parameters_as_in_the_paper():
    assert paper(1, 2, (64, 128, 256, 512, 1024), 2) == 31_030_658
    assert parity.count_parameters(lambda rngs: UNet(1, 2, norm="none", rngs=rngs)) == 31_030_658
    small = {"widths": (4, 8, 12), "rank": 3, "norm": "none"}
    assert parity.count_parameters(lambda rngs: UNet(2, 3, **small, rngs=rngs)) == paper(2, 3, (4, 8, 12), 3)


@pytest.mark.parametrize(
    ("rank", "norm"), [(1, "none"), (2, "group"), (2, "batch"), pytest.param(3, "none", marks=pytest.mark.slow)]
)
def test_sees_far_and_moves_with_its_input(rank, norm):
    model = UNet(1, 2, widths=(4, 6), rank=rank, norm=norm, rngs=nnx.Rngs(1))
    apply = jax.jit(lambda x: model(x))
    size = (24,) * rank
    dot = jnp.zeros((1, *size, 1), jnp.float32).at[(0, *(n // 2 for n in size), 0)].set(1)
    found = apply(dot)
    assert found.shape == (1, *size, 2)
    seen = np.argwhere(np.abs(np.asarray(found - apply(0 * dot))).max(axis=(0, -1)) > 1e-6)
    assert np.ptp(seen, axis=0).min() >= 14
    moved = apply(jnp.roll(dot, 2, axis=1))  # by a whole cell of the coarsest level, away from the border
    if norm != "group":  # which looks at the whole picture, border included
        inner = (0, *(slice(n // 2 - 2, n // 2 + 2) for n in size))
        np.testing.assert_allclose(jnp.roll(moved, -2, axis=1)[inner], found[inner], atol=1e-5)


def test_batch_statistics_are_kept_only_in_training():
    model = parity.build(lambda rngs: UNet(1, 1, widths=(4, 8), norm="batch", rngs=rngs))
    x = jnp.asarray(parity.normal((3, 8, 8, 1), dtype=np.float32)) + 2
    mean = lambda: np.asarray(model.down[0][0].norm.mean[...])
    before = mean()
    tested = nnx.jit(lambda model, x: model(x))(model, x)
    np.testing.assert_array_equal(mean(), before)
    trained = nnx.jit(lambda model, x: model(x, train=True))(model, x)
    assert np.abs(mean() - before).max() > 1e-3
    assert np.abs(trained - tested).max() > 1e-3


def test_a_block_is_flaxs_layers_in_a_row():
    for norm in ("group", "batch", "none"):
        block = parity.build(lambda rngs, norm=norm: ConvBlock(3, 8, (3, 3), 2, norm=norm, rngs=rngs))
        if norm != "none":
            block.norm.scale[...], block.norm.bias[...] = jnp.ones(8, jnp.float32), jnp.zeros(8, jnp.float32)
        conv = parity.build(lambda rngs, norm=norm: nnx.Conv(3, 8, (3, 3), 2, use_bias=norm == "none", rngs=rngs))
        nnx.update(conv, nnx.state(block.conv))
        x = jnp.asarray(parity.normal((2, 9, 8, 3), dtype=np.float32))
        y = conv(x)
        if norm != "none":
            axes = (1, 2, 3) if norm == "group" else (0, 1, 2)  # one group of eight channels
            y = (y - y.mean(axes, keepdims=True)) / jnp.sqrt(y.var(axes, keepdims=True) + 1e-6)
        np.testing.assert_allclose(block(x, train=True), jnp.maximum(y, 0), atol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: UNet(1, 1, widths=(), rngs=r), "`widths` must name at least one level"),
        (lambda r: UNet(1, 1, widths=(4,), norm="layer", rngs=r), "`norm` must be one of 'group', 'batch', 'none'"),
        (lambda r: UNet(1, 1, widths=(4, 4, 4), rngs=r)(jnp.ones((1, 8, 6, 1))), r"divide by 4, .*got \(1, 8, 6, 1\)"),
        (lambda r: UNet(1, 1, widths=(4, 4), rngs=r)(jnp.ones((8, 8, 1))), r"2 spatial axes .*got \(8, 8, 1\)"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        parity.trace(call)
