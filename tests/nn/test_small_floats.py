"""Positions, counts and sums of many samples in half precision: the result is the rounded one of float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv import nn
from tests.nn import parity
from tests.tolerances import tolerance

HALVES = ("bfloat16", "float16")


def assert_rounded(function, *arrays, dtype):
    """`function` in half precision is the one in float32 of the same numbers, to a few roundings of the result."""
    small = [jnp.asarray(array, dtype) for array in arrays]
    found, wanted = jax.jit(function)(*small), jax.jit(function)(*(array.astype(jnp.float32) for array in small))
    assert np.isfinite(np.asarray(found, np.float32)).all()
    scale = float(jnp.abs(wanted).max())
    np.testing.assert_allclose(
        np.asarray(found, np.float32) / scale, np.asarray(wanted) / scale, rtol=0, atol=tolerance(dtype, 4)
    )


@pytest.mark.parametrize(("dtype", "size"), [("bfloat16", 600), ("float16", 4500)])
def test_taps_stand_at_every_position_of_a_long_axis(dtype, size):
    """The integers beyond 256 and 2048 are positions like all others."""
    x = jnp.asarray(np.arange(size) % 7, dtype)[:, None]
    kernel, offset = jnp.ones((1, 1, 1), dtype), jnp.zeros((size, 1, 1, 1), dtype)
    np.testing.assert_array_equal(jax.jit(nn.deform_conv)(x, offset, kernel), x)
    shifted = jax.jit(nn.deform_conv)(x, offset + 1, kernel)
    np.testing.assert_array_equal(shifted[:-1], x[1:])


def test_an_offset_beyond_the_integers_reads_zeros():
    x, kernel = jnp.ones((5, 1), jnp.float32), jnp.ones((1, 1, 1), jnp.float32)
    offset = jnp.zeros((5, 1, 1, 1), jnp.float32).at[1].set(1e12).at[3].set(-1e12)
    found = jax.jit(nn.deform_conv)(x, offset, kernel)
    np.testing.assert_array_equal(found[:, 0], [1, 0, 1, 0, 1])
    slope = jax.jit(jax.grad(lambda offset: nn.deform_conv(x, offset, kernel).sum()))(offset)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize(
    "pool",
    [
        lambda x: nn.avg_pool(x, (31, 31)),
        lambda x: nn.avg_pool(x, (31, 31), 4, "SAME", False),
        lambda x: nn.adaptive_avg_pool(x, (1, 3)),
        nn.global_avg_pool,
        lambda x: nn.lp_pool(x, (3, 3), 3),
        lambda x: nn.resize(x, (31, 39), "linear"),
        lambda x: nn.upsample(x, (3, 1), "linear"),
    ],
)
def test_pooling(pool, dtype):
    assert_rounded(pool, 300 + parity.normal((1, 32, 40, 2)), dtype=dtype)


def test_a_window_without_samples_has_the_mean_zero():
    found = nn.avg_pool(jnp.ones((3, 1), jnp.float32), (2,), padding=3, count_include_pad=False)
    np.testing.assert_array_equal(found[:, 0], [0, 0, 1, 1, 1, 1, 0, 0])


@pytest.mark.parametrize("dtype", HALVES)
def test_loud_sounds(dtype):
    assert_rounded(lambda x: nn.log_mel(x, rate=8000, window=64, mels=4), 200 * parity.normal((1, 400)), dtype=dtype)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize(
    ("make", "kernel"),
    [
        (lambda o, r: nn.ContinuousConv(1, 2, 1001, **o, rngs=r), lambda layer: layer.effective_kernel()),
        (lambda o, r: nn.LongConv(2, 3000, hidden=8, **o, rngs=r), lambda layer: layer.kernels(3000)),
        (lambda o, r: nn.WeightStandardizedConv(40, 2, (9, 9), **o, rngs=r), lambda layer: layer.effective_kernel()),
        (lambda o, r: nn.LipschitzConv(40, 2, (9, 9), **o, rngs=r), lambda layer: layer.effective_kernel()),
    ],
)
def test_kernels(make, kernel, dtype):
    small = parity.build(lambda rngs: make({"param_dtype": dtype}, rngs))
    wide = parity.build(lambda rngs: make({"param_dtype": "float32"}, rngs))
    convert = lambda leaf: leaf.astype(jnp.float32)
    nnx.update(wide, jax.tree.map(convert, nnx.state(small, nnx.Param)))
    found, wanted = jax.jit(lambda: (kernel(small), kernel(wide)))()
    scale = float(jnp.abs(wanted).max())
    np.testing.assert_allclose(np.asarray(found, np.float32) / scale, wanted / scale, atol=tolerance(dtype, 4))


def test_areas_of_large_boxes():
    box = jnp.array([0, 0, 300, 300], jnp.float16)
    assert nn.box_area(box) == 90_000
    assert nn.box_iou(box, box) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.log_mel(jnp.ones(999), rate=0), "`rate` must be positive, got 0"),
        (lambda: nn.log_mel(jnp.ones(999), rate=8000, floor=-1), "`floor` must not be negative, got -1"),
        (
            lambda: nn.non_max_suppression(jnp.ones((2, 4)), jnp.ones(2), threshold=60),
            r"`threshold` must lie in \[0, 1\], got 60",
        ),
        (
            lambda: nn.detections(nn.DetectorOutput(jnp.ones((1, 1, 1)), jnp.ones((1, 1, 4))), most=0),
            "`most` must be at least 1, got 0",
        ),
    ],
)
def test_values_that_make_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call()
