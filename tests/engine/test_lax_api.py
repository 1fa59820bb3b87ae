"""The dialects of `jax.lax`: same arguments, same results, same errors."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jconv
from jconv.engine import (
    conv_general_dilated,
    conv_general_dilated_local,
    conv_general_dilated_patches,
    conv_transpose,
    correlate,
    fold,
    unfold,
)
from tests.engine.helpers import normwise

rng = np.random.default_rng(0)


def draw(*shape, dtype="float32"):
    return rng.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize(
    "numbers",
    [None, ("NHWC", "HWIO", "NHWC"), ("NHWC", "OIHW", "NCHW"), ("CNHW", "HOWI", "HNWC"), ("HWNC", "IHWO", "WCHN")],
    ids=str,
)
def test_dimension_numbers_of_any_order(numbers):
    spec = lax.conv_dimension_numbers((1,) * 4, (1,) * 4, numbers)
    lhs, rhs = [0] * 4, [0] * 4
    for axis, size in zip(spec.lhs_spec, (2, 4, 9, 8)):
        lhs[axis] = size
    for axis, size in zip(spec.rhs_spec, (6, 2, 3, 2)):
        rhs[axis] = size
    x, w = draw(*lhs), draw(*rhs)
    options = {"window_strides": (2, 1), "padding": "SAME", "dimension_numbers": numbers, "feature_group_count": 2}
    want = lax.conv_general_dilated(x, w, **options)
    assert normwise(conv_general_dilated(x, w, **options), want) < 1e-6


@pytest.mark.parametrize("padding", ["SAME", "VALID", "SAME_LOWER", [(2, -1), (0, 3)]], ids=str)
def test_batch_groups_and_paddings(padding):
    x, w = draw(6, 4, 7, 8), draw(9, 4, 3, 2)
    options = {"window_strides": (1, 2), "padding": padding, "batch_group_count": 3}
    want = lax.conv_general_dilated(x, w, **options)
    got = conv_general_dilated(x, w, **options)
    assert normwise(got, want) < 1e-6
    for a, b in zip(
        *(
            jax.grad(lambda x, w, f=f: (f(x, w, **options) ** 2).sum(), (0, 1))(x, w)
            for f in (conv_general_dilated, lax.conv_general_dilated)
        )
    ):
        assert normwise(a, b) < 1e-5


@pytest.mark.parametrize("padding", ["SAME", "VALID", [(1, 2), (0, 1)]], ids=str)
@pytest.mark.parametrize("transpose_kernel", [False, True])
@pytest.mark.parametrize("strides", [(2, 2), (1, 3)])
def test_conv_transpose(padding, transpose_kernel, strides):
    x = draw(2, 5, 6, 4)
    w = draw(3, 2, 5, 4) if transpose_kernel else draw(3, 2, 4, 5)
    options = {"strides": strides, "padding": padding, "transpose_kernel": transpose_kernel, "rhs_dilation": (2, 1)}
    assert normwise(conv_transpose(x, w, **options), lax.conv_transpose(x, w, **options)) < 1e-6


@pytest.mark.parametrize("padding", ["SAME", "VALID", [(1, 2), (0, 1)]], ids=str)
def test_conv_transpose_with_consistent_padding(padding):
    x, w = draw(2, 5, 6, 4), draw(3, 4, 4, 5)
    options = {"strides": (2, 3), "padding": padding, "rhs_dilation": (2, 1), "use_consistent_padding": True}
    assert normwise(conv_transpose(x, w, **options), lax.conv_transpose(x, w, **options)) < 1e-6


def test_no_spatial_axes():
    x, w = draw(4, 3), draw(3, 5)
    want = lax.conv_general_dilated(x, w, (), (), dimension_numbers=("NC", "IO", "NC"))
    assert normwise(conv_general_dilated(x, w, (), (), dimension_numbers=("NC", "IO", "NC")), want) < 1e-6
    assert normwise(conv_transpose(x, w, (), "SAME"), want) < 1e-6
    f = functools.partial(
        lax.conv_general_dilated,
        window_strides=(),
        padding=(),
        dimension_numbers=("NC", "OI", "CN"),
        batch_group_count=2,
    )
    x, w = draw(6, 4), draw(8, 4)
    want = jax.jit(jax.grad(lambda x, w: (f(x, w) ** 2).sum(), (0, 1)))(x, w)
    with jconv.accelerate():
        got = jax.jit(jax.grad(lambda x, w: (f(x, w) ** 2).sum(), (0, 1)))(x, w)
    for a, b in zip(got, want):
        assert normwise(a, b) < 1e-6
    np.testing.assert_array_equal(conv_general_dilated_patches(x, (), (), "SAME"), x)


def test_every_argument_of_lax_is_taken():
    for name in (
        "conv_general_dilated",
        "conv_transpose",
        "conv_general_dilated_local",
        "conv_general_dilated_patches",
    ):
        theirs, ours = (list(inspect.signature(getattr(module, name)).parameters) for module in (lax, jconv))
        assert ours[: len(theirs)] == theirs, name


@pytest.mark.parametrize(
    "call",
    [
        lambda f: f(draw(1, 2, 5), draw(3, 3, 3), (1,), "SAME"),
        lambda f: f(draw(1, 2, 5), draw(3, 2, 3), (1, 1), "SAME"),
        lambda f: f(draw(1, 2, 5), draw(3, 2, 3), (1,), "SOME"),
        lambda f: f(draw(1, 2, 5), draw(3, 2, 3, 3), (1,), "SAME"),
        lambda f: f(draw(1, 2, 5), draw(3, 2, 3), (1,), "SAME", feature_group_count=2),
    ],
)
def test_the_errors_are_those_of_lax(call):
    with pytest.raises((TypeError, ValueError, RuntimeError)) as theirs:
        call(lax.conv_general_dilated)
    with pytest.raises(type(theirs.value)) as ours:
        call(conv_general_dilated)
    assert str(ours.value) == str(theirs.value)


def test_empty_arrays():
    for x, w in ((draw(0, 2, 5), draw(3, 2, 3)), (draw(1, 2, 2), draw(3, 2, 3)), (draw(1, 0, 5), draw(3, 0, 3))):
        want = lax.conv_general_dilated(x, w, (1,), "VALID")
        np.testing.assert_array_equal(conv_general_dilated(x, w, (1,), "VALID"), want)


@pytest.mark.parametrize("numbers", [None, ("NHWC", "HWIO", "NHWC"), ("NHWC", "OIHW", "NCHW")], ids=str)
def test_patches_and_local(numbers):
    shape = (2, 3, 7, 8) if numbers is None else (2, 7, 8, 3)
    x = draw(*shape)
    options = {
        "window_strides": (2, 1),
        "padding": [(1, 0), (2, 1)],
        "rhs_dilation": (1, 2),
        "dimension_numbers": numbers,
    }
    want = lax.conv_general_dilated_patches(x, (2, 3), **options)
    got = conv_general_dilated_patches(x, (2, 3), **options)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)
    spec = lax.conv_dimension_numbers((1,) * 4, (1,) * 4, numbers)
    kernel = [0] * 4
    out = [want.shape[i] for i in spec.out_spec[2:]]
    for axis, size in zip(spec.rhs_spec, (5, 3 * 6, *out)):
        kernel[axis] = size
    w = draw(*kernel)
    want = lax.conv_general_dilated_local(x, w, filter_shape=(2, 3), **options)
    assert normwise(conv_general_dilated_local(x, w, filter_shape=(2, 3), **options), want) < 1e-6


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_fold_is_the_adjoint_of_unfold(dtype):
    options = {"strides": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
    x = (10 * draw(2, 6, 7, 3)).astype(dtype)
    y = unfold(x, (3, 2), **options)
    p = (10 * draw(*y.shape)).astype(dtype)
    left, right = (
        np.vdot(np.asarray(y, float), np.asarray(p, float)),
        np.vdot(np.asarray(x, float), np.asarray(fold(p, (6, 7), **options), float)),
    )
    np.testing.assert_allclose(left, right, rtol=1e-4)


def test_bad_windows():
    with pytest.raises(ValueError, match=r"`taps` .* must fit into the padded array"):
        unfold(draw(3, 1), (5,))
    with pytest.raises(ValueError, match="`x` must have 2 spatial axes and a channel axis"):
        unfold(draw(3, 1), (5, 2))
    with pytest.raises(ValueError, match="pass the strides, padding and dilation"):
        fold(draw(3, 2, 1), (9,))
    with pytest.raises(ValueError, match="`patches` must have shape"):
        fold(draw(3, 1), (9,))


@pytest.mark.core
@pytest.mark.parametrize("shape", [(50,), (3, 40), (2, 3, 30)])
def test_correlate(shape):
    x, h = draw(*shape), draw(7)
    want = np.apply_along_axis(lambda row: np.correlate(np.pad(row, (2, 3)), h, "valid"), -1, x)
    np.testing.assert_allclose(correlate(x, h, padding=[(2, 3)]), want, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(correlate(x, h, padding=[(2, 3)], strides=2), want[..., ::2], rtol=1e-4, atol=1e-5)


def test_correlate_says_what_is_wrong():
    with pytest.raises(ValueError, match="at least the rank of `kernel`"):
        correlate(draw(4), draw(3, 3))
    with pytest.raises(ValueError, match="`strides` must be one integer or 2"):
        correlate(draw(4, 4), draw(3, 3), strides=(1, 1, 1))
    with pytest.raises(ValueError, match="`padding` must hold a pair for each"):
        correlate(draw(4, 4), draw(3, 3), padding=[(1, 1)])


def test_the_top_level_offers_the_engine_s_functions():
    offered = {
        "accelerate", "conv2d", "conv_general_dilated", "conv_general_dilated_local", "conv_general_dilated_patches",
        "conv_transpose", "decelerate", "fold", "plan", "unfold",
    }  # fmt: skip
    assert offered == set(jconv.__all__) & set(jconv.engine.__all__)
    for name in offered:
        assert getattr(jconv, name) is getattr(jconv.engine, name)


def test_jit_is_eager():
    x, w = draw(1, 2, 9, 9), draw(3, 2, 3, 3)
    f = functools.partial(conv_general_dilated, window_strides=(1, 1), padding="SAME")
    np.testing.assert_allclose(jax.jit(f)(x, w), f(x, w), rtol=1e-6)
    assert f(x, w).dtype == jnp.float32
