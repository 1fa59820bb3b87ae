"""Integer convolutions are exact, whatever way they take."""

import jax
import numpy as np
import pytest

from jconv import signal
from jconv.signal.convolution import _integers


def exact(x, h):
    """The convolution in Python's integers, modulo the range of the dtype."""
    full = [0] * (len(x) + len(h) - 1)
    for i, a in enumerate(map(int, x)):
        for j, b in enumerate(map(int, h)):
            full[i + j] += a * b
    info = np.iinfo(x.dtype)
    span = int(info.max) - int(info.min) + 1
    return np.array([(v - int(info.min)) % span + int(info.min) for v in full], x.dtype)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int32", "int8"])
@pytest.mark.parametrize("share", [1e-6, 0.5])
def test_sums_are_exact_by_fft_and_by_sum(dtype, share, monkeypatch):
    # The planner would take sums for arrays of this size.
    monkeypatch.setattr(_integers, "is_fft_faster", lambda *_: True)
    rng = np.random.default_rng(1)
    info = np.iinfo(dtype)
    high = max(int(info.max * share), 9)  # small numbers go by FFT, large ones by the sum: known when the program runs
    low = 0 if info.min == 0 else -high
    x, h = rng.integers(low, high, 300).astype(dtype), rng.integers(low, high, 40).astype(dtype)
    jax.clear_caches()
    got = signal.convolve(x, h)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, exact(x, h))


def test_long_integer_convolutions_are_transformed():
    shapes = ((1, 100_000), (1001,), ((1000, 1000),))
    assert _integers.is_fft_faster(*shapes, np.dtype("float64"))
    rng = np.random.default_rng(2)
    x, h = rng.integers(-100, 100, 20_000), rng.integers(-100, 100, 2001)
    np.testing.assert_array_equal(signal.convolve(x, h), np.convolve(x, h))
    x[7] = h[3] = 2**40  # beyond what a transform keeps
    np.testing.assert_array_equal(signal.convolve(x, h), np.convolve(x, h))
