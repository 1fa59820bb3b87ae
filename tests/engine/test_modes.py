"""Every function and every algorithm of the engine under JAX's strict modes and without jit."""

import contextlib
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jconv
from jconv import engine
from jconv.engine.algorithms import ALGORITHMS
from tests.engine.helpers import run
from tests.engine.problems import CASES

rng = np.random.default_rng(0)


@contextlib.contextmanager
def strict():
    """What careful programs set: no rank and no dtype is promoted without a word."""
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        yield


MODES = {"without jit": jax.disable_jit, "strict": strict}

NHWC = ("NHWC", "HWIO", "NHWC")
X, W = (2, 9, 8, 4), (3, 3, 4, 4)
FUNCTIONS = {
    "conv_general_dilated": (
        lambda x, w: engine.conv_general_dilated(x, w, (1, 2), "SAME", dimension_numbers=NHWC), X, W
    ),
    "depthwise": (
        lambda x, w: engine.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=NHWC, feature_group_count=4),
        X, (3, 3, 1, 4),
    ),
    "conv_transpose": (lambda x, w: engine.conv_transpose(x, w, (2, 2), "SAME"), X, W),
    "conv_general_dilated_local": (
        lambda x, w: engine.conv_general_dilated_local(x, w, (1, 1), "VALID", (2, 2)), (1, 2, 4, 4), (3, 8, 3, 3)
    ),
    "conv2d": (engine.conv2d, X, W),
    "conv2d of a grey image": (engine.conv2d, (9, 8), (3, 2)),
    "correlate": (lambda x, w: engine.correlate(x, w, padding=[(2, 2)]), (3, 40), (5,)),
    "correlate, a wide kernel": (lambda x, w: engine.correlate(x, w, padding=[(4, 4)] * 2), (40, 30), (9, 9)),
    "correlate_with_free_borders": (
        lambda x, w: engine.correlate_with_free_borders(x, w, padding=[(1, 1)] * 2)[2:-2, 2:-2], (12, 12), (3, 3)
    ),
    "patches": (lambda x, w: engine.conv_general_dilated_patches(x, (2, 2), (1, 1), "SAME") * w.sum(), X, (2,)),
    "unfold and fold": (lambda x, w: engine.fold(engine.unfold(x, (2, 2)), x.shape[1:-1]) * w.sum(), X, (2,)),
}  # fmt: skip


def derivatives(f, x, w):
    """Value, both gradients, and a directional derivative."""
    y, pull = jax.vjp(f, x, w)
    return y, *pull(jnp.ones_like(y)), jax.jvp(f, (x, w), (x, w))[1]


@pytest.mark.parametrize(
    ("dtype", "mode"),
    [
        ("float32", "without jit"),
        pytest.param("float32", "strict", marks=pytest.mark.core),
        ("bfloat16", "strict"),
        pytest.param("float64", "strict", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function(name, dtype, mode):
    f, *shapes = FUNCTIONS[name]
    x, w = (jnp.asarray(rng.integers(-3, 4, shape), dtype) for shape in shapes)
    want = derivatives(f, x, w)
    with MODES[mode]():
        got = derivatives(f, x, w)
        if mode != "without jit":
            got = jax.jit(functools.partial(derivatives, f))(x, w)
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(
            np.asarray(a, float), np.asarray(b, float), rtol=2e-2 if dtype == "bfloat16" else 1e-5
        )


@pytest.mark.parametrize(
    "dtype", ["float32", *(pytest.param(d, marks=pytest.mark.slow) for d in ("bfloat16", "complex64", "int32"))]
)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm(name, dtype):
    with strict():
        for case in CASES[::3]:
            run(case, name, *case.data(dtype))


def test_accelerated_programs():
    """`jnp.convolve` and layers of mixed precision."""
    x, w = np.ones(300, np.float32), np.ones(20, np.float32)
    with strict(), jconv.accelerate():
        np.testing.assert_allclose(jax.jit(jnp.convolve)(x, w)[20:-20], 20)
        half = jax.jit(lambda x, w: jax.lax.conv_general_dilated(
            x, w, (1, 1), "SAME", dimension_numbers=NHWC, preferred_element_type=jnp.float32))  # fmt: skip
        y = half(jnp.ones((1, 9, 9, 8), jnp.bfloat16), jnp.ones((3, 3, 8, 8), jnp.bfloat16))
        assert y.dtype == jnp.float32
        np.testing.assert_allclose(y[:, 2:-2, 2:-2], 72)


@contextlib.contextmanager
def no_recursion(limit=400):
    """A recursion without end fails fast."""
    import sys

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + len(__import__("inspect").stack()))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def test_debugging_without_jit_does_not_recurse():
    with jax.disable_jit(), no_recursion():
        assert float(engine.correlate(jnp.ones(5), jnp.ones(2))[0]) == 2.0
