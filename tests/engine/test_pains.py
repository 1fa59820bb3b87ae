"""Threads of users' pain with convolutions in JAX, each as a test that it is gone."""

import functools
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jconv
from jconv.engine import conv_general_dilated, conv_general_dilated_patches
from jconv.engine._target import this_machine
from tests.engine import oracle
from tests.engine.helpers import normwise
from tests.engine.problems import make_case


def test_negative_padding_is_cropping():
    """xla#48713, xla#48715, jax#11517: negative padding gave wrong values without a word."""
    for padding in (((-2, -1), (-1, -3)), ((-4, 5), (3, -2)), ((-9, 0), (0, 0))):
        for lhs_dilation in ((1, 1), (2, 3)):
            case = make_case("negative", (2, 9, 8, 3), (2, 3, 3, 4), 1, padding, lhs_dilation)
            x, w = case.data("float32")
            want = oracle.convolution(x, w, **case.geometry)
            assert normwise(conv_general_dilated(x, w, **case.lax), want) < 1e-6
            with jconv.accelerate():
                for f in (conv_general_dilated, lax.conv_general_dilated):
                    got = jax.jit(functools.partial(f, **case.lax))(x, w)
                    assert normwise(got, want) < 1e-6


def test_accelerated_programs_read_no_memory_of_others():
    """xla#48713: a low padding of −5 and a high one of 1 read the next row, where a zero should have been."""
    x = np.arange(15 * 6 * 8, dtype=np.float32).reshape(1, 15, 6, 8)
    w = np.eye(8, dtype=np.float32).reshape(1, 1, 8, 8)
    f = functools.partial(
        lax.conv_general_dilated,
        window_strides=(1, 1),
        padding=((0, 0), (-5, 1)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    with jconv.accelerate():
        np.testing.assert_array_equal(jax.jit(f)(x, w)[:, :, 1], 0)


# As many taps as the input is dilated, a stride of one less, no padding: XLA's simplifier takes that for a batch axis.
ABORTS = """
import sys
import jax, jax.numpy as jnp, jconv
from jax import lax
convolution = {"lax": lax.conv_general_dilated, "jconv": jconv.conv_general_dilated}[sys.argv[1]]
if sys.argv[2] == "accelerated":
    jconv.accelerate()
options = dict(algorithm="xla") if sys.argv[1] == "jconv" else {}
for k in (2, 3):
    f = lambda x, w: convolution(x, w, (1, k - 1), ((2, 2), (0, 0)), (1, k), dimension_numbers=("NHWC", "HWIO", "NHWC"),
                                 **options)
    print(float(jax.jit(f)(jnp.ones((2, 2, 6, 1)), jnp.ones((4, k, 1, 1))).sum()))
"""


@pytest.mark.parametrize("call", [("jconv", ""), ("lax", "accelerated"), ("lax", "")], ids=" ".join)
def test_a_form_that_aborts_xla_is_never_emitted(call):
    """In a process of its own, for XLA calls abort(): the check that fails is in its algebraic simplifier."""
    env = {**os.environ, "JAX_ENABLE_X64": "1"}
    done = subprocess.run([sys.executable, "-c", ABORTS, *call], env=env, capture_output=True, text=True)
    if call == ("lax", ""):
        if done.returncode == 0:
            pytest.skip(f"XLA in JAX {jax.__version__} no longer aborts: algorithms/xla.py need not avoid the form")
        assert "Window dimensions do not match RHS shape" in done.stderr
        return
    assert done.returncode == 0, done.stderr[:2000]
    assert done.stdout.split() == ["120.0", "84.0"]


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
        return jconv.engine.plan(image, kernel, (1, 1), [(k - 1, k - 1)] * 2, finite_only=True).algorithm

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


@pytest.mark.skipif(
    this_machine().library == "ynn", reason="YNNPACK itself skips the zeros of a dilated input, and may be chosen"
)
def test_transposed_and_strided_gradients_multiply_no_zeros():
    """jax#31662, xla#34273, equinox#1259: no dilated input reaches XLA."""
    x = np.ones((4, 28, 28, 32), np.float32)
    w = np.ones((2, 2, 32, 32), np.float32)

    def loss(x, w):
        return (jconv.conv_transpose(x, w, (2, 2), "SAME") ** 2).sum()

    text = jax.jit(jax.grad(loss, (0, 1))).lower(x, w).as_text()
    assert "lhs_dilate" not in text or "lhs_dilate = [2, 2]" not in text

    def strided(x, w):
        numbers = ("NHWC", "HWIO", "NHWC")
        return conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=numbers)

    for f in (strided, lambda x, w: jconv.conv_transpose(x, w, (2, 2), "SAME")):
        y = jax.eval_shape(f, x, w)
        in_x = jax.jit(jax.linear_transpose(lambda x, f=f: f(x, w), x)).lower(y).as_text()
        in_w = jax.jit(jax.linear_transpose(lambda w, f=f: f(x, w), w)).lower(y).as_text()
        assert "lhs_dilate = [2, 2]" not in in_x
        assert "lhs_dilate = [2, 2]" not in in_w


def test_nan_stays_where_the_sum_has_it():
    x = np.ones((1, 256, 256, 1), np.float32)
    x[0, 3, 4] = np.nan
    w = np.ones((31, 31, 1, 1), np.float32)
    y = conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), finite_only=False)
    assert 0 < np.isnan(np.asarray(y)).sum() == 19 * 20


def test_an_input_cropped_away_has_a_gradient_of_its_own_shape():
    """A stride beyond the only sample: the adjoint crops all of a dilated input, and is zeros of the input's shape."""
    case = make_case("cropped away", (2, 1, 6, 2), (1, 3, 2, 4), (3, 1), ((2, 0), (0, 0)))
    x, w = case.data("float64")
    y, pull = jax.vjp(functools.partial(conv_general_dilated, **case.lax), x, w)
    wanted = oracle.gradients(x, w, np.ones(y.shape), **case.geometry)
    for got, want in zip(pull(jnp.ones(y.shape)), wanted):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
