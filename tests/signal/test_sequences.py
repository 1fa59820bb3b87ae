"""Long convolutions and streams: against plain loops, and against themselves in other chunks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jconv import signal
from jconv.signal import stream

rng = np.random.default_rng(11)


@pytest.mark.core
def test_long_convolution_is_the_sum():
    B, L, C = 2, 9, 3
    x, h, b = rng.normal(size=(B, L, C)), rng.normal(size=(L, C)), rng.normal(size=(4, C))
    gate, skip = rng.normal(size=(B, L, C)), rng.normal(size=C)
    u = gate * x
    expected = u * skip
    for t in range(L):
        for s in range(t + 1):
            expected[:, t] += h[s] * u[:, t - s]
        for s in range(4):
            if t + 1 + s < L:
                expected[:, t] += b[s] * u[:, t + 1 + s]
    got = signal.long_convolve(x, h, backward=b, gate_in=gate, gate_out=gate, skip=skip)
    np.testing.assert_allclose(got, expected * gate, atol=1e-12)
    causal = signal.long_convolve(x, h)
    np.testing.assert_allclose(signal.long_convolve(x[:, :5], h)[:, :5], causal[:, :5], atol=1e-12)
    assert np.abs(signal.long_convolve(x, h, frequencies=10_000) - causal).max() < 1e-12
    low = signal.long_convolve(x, h, frequencies=1)
    # one frequency: every sample of the kernel is its mean over the transform's length
    np.testing.assert_allclose(
        low[:, -1] / u.sum(1) * (u.sum(1) / x.sum(1)), np.tile(h.sum(0) / 18, (B, 1)), atol=1e-12
    )


def test_bfloat16_is_summed_in_float32():
    x = jnp.asarray(rng.normal(size=(1, 2000, 1)), jnp.bfloat16)
    h = jnp.asarray(rng.normal(size=(2000, 1)), jnp.bfloat16)
    got = signal.long_convolve(x, h)
    assert got.dtype == jnp.bfloat16
    exact = np.convolve(np.asarray(x, float)[0, :, 0], np.asarray(h, float)[:, 0])[:2000]
    assert np.abs(np.asarray(got, float)[0, :, 0] - exact).max() < 2**-8 * np.abs(exact).max()


@pytest.mark.core
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("taps", [1, 2, 4, 16, 17, 40])
def test_chunks_do_not_change_a_bit(taps, dtype):
    x, h = jnp.asarray(rng.normal(size=(2, 50, 3)), dtype), jnp.asarray(rng.normal(size=(taps, 3)), dtype)
    _, whole = stream.step(stream.init(h, (2,)), x)
    expected = np.stack([[np.convolve(x[i, :, c], h[:, c])[:50] for c in range(3)] for i in range(2)]).transpose(
        0, 2, 1
    )
    np.testing.assert_allclose(whole, expected, atol={"float32": 1e-5, "float64": 1e-12}[dtype])
    state, outs = stream.init(h, (2,)), []
    for start, stop in [(0, 1), (1, 2), (2, 9), (9, 10), (10, 50)]:
        state, y = stream.step(state, x[:, start:stop])
        outs.append(y)
    np.testing.assert_array_equal(np.concatenate(outs, axis=1), whole)


def test_segments_do_not_see_each_other():
    x, h = rng.normal(size=30), rng.normal(size=5)
    ids = np.repeat([3, 0, 7], [12, 3, 15])
    state, outs = stream.init(h, segmented=True), []
    for part in (slice(0, 7), slice(7, 30)):
        state, y = stream.step(state, x[part], ids[part])
        outs.append(y)
    expected = np.concatenate([np.convolve(x[ids == i], h)[: (ids == i).sum()] for i in (3, 0, 7)])
    np.testing.assert_allclose(np.concatenate(outs), expected, atol=1e-13)


def test_partitioned_stream_is_the_convolution():
    x, h = rng.normal(size=(2, 40)), rng.normal(size=19)
    state = stream.partitioned_init(h, 8, (2,))
    blocks = jnp.moveaxis(x.reshape(2, 5, 8), 1, 0)
    _, y = jax.lax.scan(stream.partitioned_step, state, blocks)
    expected = np.stack([np.convolve(row, h)[:40] for row in x])
    np.testing.assert_allclose(np.moveaxis(y, 0, 1).reshape(2, 40), expected, atol=1e-12)


def test_errors():
    h = np.ones((3, 2))
    state = stream.init(h, (4,))
    for call, words in [
        (lambda: signal.long_convolve(np.ones((1, 5, 3)), h), r"\(taps, 3\), got \(3, 2\)"),
        (lambda: signal.long_convolve(np.ones(5), h), r"\(…, length, channels\), got \(5,\)"),
        (lambda: signal.long_convolve(np.ones((1, 5, 2)), h, frequencies=0), "`frequencies` must be at least 1"),
        (lambda: stream.step(state, np.ones((4, 5, 3))), r"\(4, samples, 2\), got \(4, 5, 3\)"),
        (lambda: stream.step(state, np.ones((4, 5, 2)), np.ones((4, 5), int)), "segmented=True"),
        (lambda: stream.init(1.0), "`kernel` must have rank 1 or 2"),
        (lambda: stream.partitioned_step(stream.partitioned_init(h[:, 0], 4), np.ones(3)), r"\(4,\), got \(3,\)"),
        (lambda: stream.partitioned_init(h, 4), "`kernel` must have rank 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
