"""Signals and images of one channel keep the componentwise error of the sum; a sample reaches as far as the kernel."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jconv
from jconv.engine import conv_general_dilated, correlate

rng = np.random.default_rng(0)
EPS = np.finfo(np.float32).eps

# Shapes for which FFTs, Toeplitz blocks, bands, columns, outer products and the direct sum are the fastest.
SHAPES = [
    ((20_000,), (777,)),
    ((9_000,), (33,)),
    ((1_500,), (1_400,)),
    ((300, 280), (21, 21)),
    ((600, 520), (63, 47)),
    ((90, 700), (1, 201)),
    ((700, 90), (41, 1)),
    ((24, 40, 36), (7, 7, 7)),
]


def reach(kernel_shape, place, shape):
    """The outputs of a "same" correlation that see the sample at `place`."""
    seen = np.zeros(shape, bool)
    seen[tuple(slice(max(p - k // 2, 0), p + (k - 1) // 2 + 1) for p, k in zip(place, kernel_shape))] = True
    return seen


def same(kernel_shape):
    return [((k - 1) // 2, k // 2) for k in kernel_shape]


@pytest.mark.parametrize("bad", [np.nan, pytest.param(np.inf, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("shape", "taps"), SHAPES, ids=str)
def test_a_bad_sample_reaches_as_far_as_the_kernel(shape, taps, bad):
    x, w = rng.standard_normal(shape).astype(np.float32), rng.standard_normal(taps).astype(np.float32)
    clean = np.asarray(correlate(x, w, padding=same(taps)))
    place = tuple(n // 3 for n in shape)
    x[place] = bad
    spoiled = np.asarray(correlate(x, w, padding=same(taps)))
    seen = reach(taps, place, shape)
    assert not np.isfinite(spoiled[seen]).any()
    np.testing.assert_allclose(spoiled[~seen], clean[~seen], rtol=0, atol=1e-4 * np.abs(clean).max())


WAYS = ("correlate", "lax", "accelerated", "vmap", "input gradient")


@pytest.mark.parametrize(
    ("way", "shape", "taps"),
    [
        pytest.param(way, *case, marks=() if (i + j) % len(WAYS) < 2 else pytest.mark.slow)
        for i, way in enumerate(WAYS)
        for j, case in enumerate(SHAPES)
    ],
    ids=str,
)
def test_the_error_is_that_of_the_sum_at_every_output(shape, taps, way):
    """A star of 1e6 on a sky of 1e-3: the sky keeps its digits, and what is positive stays so."""
    x = (1e-3 * rng.random(shape)).astype(np.float32)
    x[tuple(n // 2 for n in shape)] = 1e6
    w = rng.random(taps).astype(np.float32)
    n = len(shape)
    if way == "correlate":
        got = correlate(x, jnp.asarray(w), padding=same(taps))
    elif way == "vmap":
        got = jax.vmap(lambda x, w: correlate(x, w, padding=same(taps)))(x[None], w[None])[0]
    elif way == "input gradient":
        flipped = np.flip(w)
        f = lambda x: correlate(x, flipped, padding=[(hi, lo) for lo, hi in same(taps)])
        (got,) = jax.linear_transpose(f, jax.ShapeDtypeStruct(x.shape, x.dtype))(x)
    else:
        function = jax.lax.conv_general_dilated if way == "accelerated" else conv_general_dilated
        run = jax.jit(functools.partial(function, window_strides=(1,) * n, padding=same(taps)))
        if way == "accelerated":
            with jconv.accelerate():
                got = run(x[None, None], w[None, None])[0, 0]
        else:
            got = run(x[None, None], w[None, None])[0, 0]
    exact = np.asarray(correlate(x.astype(np.float64), w.astype(np.float64), padding=same(taps), algorithm="direct"))
    if way != "input gradient":
        assert (np.asarray(got) > 0).all()
    bound = (np.prod(taps) + 4) * EPS / 2 * exact  # γ_K Σ |x| |w|; a transform errs by 1e-1 of the sky
    assert (np.abs(np.asarray(got) - exact) <= bound).all()


def test_two_probability_vectors_stay_positive():
    """Their logarithms are numbers, as they are by lax."""
    p, q = rng.random(1_500).astype(np.float32) ** 8, rng.random(1_400).astype(np.float32) ** 8
    with jconv.accelerate():
        total = jax.jit(jnp.convolve)(p / p.sum(), q / q.sum())
    assert (np.asarray(total) > 0).all()


def test_who_asks_for_speed_gets_the_transform():
    x, w = jax.ShapeDtypeStruct((1, 1, 1024, 1024), np.float32), jax.ShapeDtypeStruct((1, 1, 63, 63), np.float32)
    assert jconv.plan(x, w, (1, 1), "SAME", finite_only=True).chosen.accuracy == "fft"
    assert jconv.plan(x, w, (1, 1), "SAME").chosen.accuracy in ("direct", "toeplitz")
