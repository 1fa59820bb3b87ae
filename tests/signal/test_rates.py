"""Changes of the sampling rate where filters are long, factors large, and samples not finite."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from jconv import signal
from tests.signal.designs import error

rng = np.random.default_rng(4)


@pytest.mark.parametrize(
    ("up", "down", "taps"),
    [(3, 2, 11), (1, 4, 101), (160, 147, 3201), (2, 2, 30), (3, 6, 5000), (7, 5, 20_000), (1, 1, 1)],
)
def test_every_form_of_upfirdn(up, down, taps):
    h, x = rng.normal(size=taps), rng.normal(size=(2, 700))
    want = scipy.signal.upfirdn(h, x, up, down)
    got = np.asarray(signal.upfirdn(h, x, up, down))
    assert got.shape == want.shape
    assert error(got, want) <= 1e-12
    # What is not finite reaches the outputs that see it and no others.
    x[0, 350] = np.nan
    reach = np.zeros((2, 700))
    reach[0, 350] = 1
    seen = scipy.signal.upfirdn(np.ones(taps), reach, up, down) != 0
    np.testing.assert_array_equal(np.isnan(signal.upfirdn(h, x, up, down)), seen)
    x[0, 350] = 1e200
    got, want = (np.asarray(f(h, x, up, down)) for f in (signal.upfirdn, scipy.signal.upfirdn))
    assert error(got[~seen], want[~seen]) <= 1e-12


@pytest.mark.parametrize(("up", "down"), [(5000, 5001), (20_000, 20_001)])
def test_large_factors_take_little_memory(up, down):
    x = rng.normal(size=20_000).astype(np.float32)
    with jax.enable_x64(False):
        got = np.asarray(signal.resample_poly(x, up, down))
        program = jax.jit(lambda x: signal.resample_poly(x, up, down)).lower(jnp.asarray(x)).compile()
    assert error(got, scipy.signal.resample_poly(x.astype(float), up, down)) <= 1e-5
    filter_bytes = 4 * 20 * max(up, down)
    assert program.memory_analysis().temp_size_in_bytes < 16 * (filter_bytes + 8 * x.nbytes)


def test_a_long_filter_takes_little_memory():
    h, x = jnp.ones(100_000, jnp.float32), jnp.ones(50_000, jnp.float32)
    program = jax.jit(signal.upfirdn).lower(h, x).compile()
    assert program.memory_analysis().temp_size_in_bytes < 1 << 28


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_empty_signals(shape):
    x = np.zeros(shape)
    for up, down in ((1, 1), (3, 2)):
        want = scipy.signal.upfirdn(np.ones(3), x, up, down)
        got = signal.upfirdn(np.ones(3), x, up, down)
        assert got.shape == want.shape
        if shape != (0, 3):
            assert (
                signal.resample_poly(x, up, down, axis=-1).shape
                == scipy.signal.resample_poly(x, up, down, axis=-1).shape
            )


def test_decimation_may_keep_constants():
    x = np.ones(400)
    np.testing.assert_allclose(signal.decimate(x, 4), scipy.signal.decimate(x, 4), atol=1e-9)
    np.testing.assert_allclose(signal.decimate(x, 4, unit_gain=True), 1, atol=1e-9)


@pytest.mark.parametrize("count", [5, 2000])
def test_divisions_of_integers_are_exact(count):
    x = rng.integers(0, 5, count).astype(float)
    for h in ([1.0, -3, 2], [2.0, 1], [1.0, 0.5, -4, 8]):
        y = np.convolve(x, h)
        if np.abs(h).max() > 2 and count > 100:
            continue  # quotients on the way exceed what a double holds
        quotient, remainder = signal.deconvolve(y, h)
        np.testing.assert_array_equal(quotient, x)
        np.testing.assert_array_equal(remainder, 0)
    b = rng.normal(size=40)
    for got, want in zip(signal.deconvolve(b, [1.0, 0.2, 0.1]), scipy.signal.deconvolve(b, [1.0, 0.2, 0.1])):
        np.testing.assert_allclose(got, want, atol=1e-13)
