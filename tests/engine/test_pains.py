"""Threads of users' pain with convolutions in JAX, each as a test that it is gone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import jconv
from jconv.engine import conv_general_dilated, conv_general_dilated_patches
from tests.engine import oracle
from tests.engine.problems import _case
from tests.engine.test_algorithms import normwise


def test_negative_padding_is_cropping():
    """xla#48713, xla#48715, jax#11517: negative padding gave wrong values without a word."""
    for padding in (((-2, -1), (-1, -3)), ((-4, 5), (3, -2)), ((-9, 0), (0, 0))):
        for lhs_dilation in ((1, 1), (2, 3)):
            case = _case("negative", (2, 9, 8, 3), (2, 3, 3, 4), 1, padding, lhs_dilation)
            x, w = case.data("float32")
            want = oracle.convolution(x, w, **case.geometry)
            assert normwise(conv_general_dilated(x, w, **case.lax), want) < 1e-6
            with jconv.accelerate():
                got = jax.jit(functools.partial(conv_general_dilated, **case.lax))(x, w)
                assert normwise(got, want) < 1e-6


def test_patches_keep_inf():
    """jax#9972: one inf turned all patches near it into nan."""
    x = np.zeros((1, 1, 6), np.float32)
    x[0, 0, 2] = np.inf
    patches = np.asarray(conv_general_dilated_patches(x, (3,), (1,), "VALID"))
    assert np.isinf(patches).sum() == 3
    assert not np.isnan(patches).any()


def test_channels_first_inside_a_loop():
    """jax#12868: an NCW convolution inside fori_loop took 16 s where outside it took 3 ms."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((4, 16, 256)).astype("float32"), rng.standard_normal((16, 16, 5)).astype("float32") / 9
    outside = functools.partial(conv_general_dilated, window_strides=(1,), padding="SAME")
    inside = jax.jit(lambda x: lax.fori_loop(0, 3, lambda _, x: outside(x, w), x))
    want = x
    for _ in range(3):
        want = lax.conv_general_dilated(want, w, (1,), "SAME")
    assert normwise(inside(x), want) < 1e-5


def test_a_large_kernel_goes_by_fft_and_a_small_one_does_not():
    """jax#5227, jax#6343: `auto` always chose the direct sum."""
    image = jax.ShapeDtypeStruct((1, 1, 300, 300), jnp.float64)

    def chosen(k):
        kernel = jax.ShapeDtypeStruct((1, 1, k, k), jnp.float64)
        return jconv.engine.plan(image, kernel, (1, 1), [(k - 1, k - 1)] * 2).algorithm

    assert chosen(300) == "fft"
    assert chosen(3) != "fft"


def test_per_sample_kernels_do_not_become_a_slow_grouped_convolution():
    """jax#3428, jax#1606: the planner sees the groups, and XLA's grouped loop is not what it takes."""
    x, w = np.ones((8, 1, 28, 28, 16), np.float32), np.ones((8, 3, 3, 16, 16), np.float32)
    f = jax.vmap(
        functools.partial(
            conv_general_dilated, window_strides=(1, 1), padding="SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    )
    assert "stablehlo.convolution" not in jax.jit(f).lower(x, w).as_text()
    assert float(f(x, w)[0, 0, 5, 5, 0]) == 9 * 16


def test_transposed_and_strided_gradients_multiply_no_zeros():
    """jax#31662, xla#34273, equinox#1259: no dilated input reaches XLA."""
    x = np.ones((4, 28, 28, 32), np.float32)
    w = np.ones((2, 2, 32, 32), np.float32)

    def loss(x, w):
        return (jconv.conv_transpose(x, w, (2, 2), "SAME") ** 2).sum()

    text = jax.jit(jax.grad(loss, (0, 1))).lower(x, w).as_text()
    assert "lhs_dilate" not in text or "lhs_dilate = [2, 2]" not in text


def test_nan_stays_where_the_sum_has_it():
    x = np.ones((1, 256, 256, 1), np.float32)
    x[0, 3, 4] = np.nan
    w = np.ones((31, 31, 1, 1), np.float32)
    y = conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), finite_only=False)
    assert 0 < np.isnan(np.asarray(y)).sum() == 19 * 20


def test_an_input_cropped_away_has_a_gradient_of_its_own_shape():
    """A stride beyond the only sample: the adjoint crops all of a dilated input, and is zeros of the input's shape."""
    case = _case("cropped away", (2, 1, 6, 2), (1, 3, 2, 4), (3, 1), ((2, 0), (0, 0)))
    x, w = case.data("float64")
    y, pull = jax.vjp(functools.partial(conv_general_dilated, **case.lax), x, w)
    wanted = oracle.gradients(x, w, np.ones(y.shape), **case.geometry)
    for got, want in zip(pull(jnp.ones(y.shape)), wanted):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
