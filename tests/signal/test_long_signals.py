"""Long signals through each of the engine's algorithms for one axis, against NumPy's sums."""

import jax.numpy as jnp
import numpy as np
import pytest

from jconv import engine
from jconv.engine.algorithms import ALGORITHMS
from jconv.engine.algorithms._parts import signal_sum
from tests.engine.helpers import problem_of
from tests.tolerances import tolerance

# (signals, samples, taps, zeros before, zeros after, stride, dilation)
PROBLEMS = [
    (1, 7000, 5, 4, 4, 1, 1),  # "full": a body and both ends
    (1, 6999, 5, 2, 2, 1, 1),
    (2, 5000, 16, 0, 0, 1, 1),  # "valid": no zeros at all
    (1, 5000, 33, 0, 7, 1, 1),  # an end behind only
    (1, 5000, 33, 40, 0, 1, 1),  # more zeros before than taps
    (1, 9001, 8, 7, 3, 2, 1),  # strided: the ends' seam falls between two outputs
    (3, 9001, 7, 11, 12, 2, 3),
    (1, 5000, 1, 0, 0, 1, 1),
    (1, 5000, 70, 69, 69, 1, 1),  # wide rows of the Toeplitz algorithm
    (1, 4096, 256, 128, 127, 1, 1),
    (1, 4100, 900, 899, 899, 1, 1),
]
NAMES = ("direct", "toeplitz", "overlap_add", "fft")


def oracle(x, w, before, after, stride, dilation):
    spread = np.zeros((len(w) - 1) * dilation + 1, w.dtype)
    spread[::dilation] = w
    padded = np.pad(x, ((0, 0), (before, after)))
    return np.stack([np.convolve(row, spread[::-1], "valid")[::stride] for row in padded])


def draw(rng, shape, dtype):
    if np.dtype(dtype).kind == "i":
        return rng.integers(-9, 9, shape).astype(dtype)
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else values).astype(dtype)


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
def test_every_algorithm_computes_the_sum(problem, dtype):
    signals, samples, taps, before, after, stride, dilation = problem
    rng = np.random.default_rng(taps)
    x, w = draw(rng, (signals, samples), dtype), draw(rng, taps, dtype)
    wide = np.promote_types(dtype, np.float64)
    want = oracle(x.astype(wide), w.astype(wide), before, after, stride, dilation)
    tried = 0
    for name in NAMES:
        policy = {"padding": [(before, after)], "strides": [stride], "dilation": [dilation], "algorithm": name}
        posed = problem_of((*x.shape, 1), (taps, 1, 1), stride, ((before, after),), 1, dilation, dtype=dtype)
        if ALGORITHMS[name].refusal(posed):
            with pytest.raises(ValueError, match="cannot do this problem"):
                engine.correlate(x, w, **policy)
            continue
        got = engine.correlate(x, w, **policy)
        assert got.shape == want.shape
        assert got.dtype == dtype
        error = np.linalg.norm(got - want)
        accuracy = ALGORITHMS[name].estimate(posed).accuracy
        assert error <= tolerance(dtype, taps, accuracy) * np.linalg.norm(want), name
        tried += 1
    assert tried >= 2


@pytest.mark.parametrize("dtype", ["int32", "complex128"])
def test_sums_of_other_numbers(dtype):
    rng = np.random.default_rng(0)
    x, w = draw(rng, (1, 7000), dtype), draw(rng, 6, dtype)
    got = engine.correlate(x, w, padding=[(5, 5)], algorithm="direct")
    want = oracle(x, w, 5, 5, 1, 1)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance(np.zeros(0, dtype).real.dtype, 6) * np.abs(want).max())


def test_one_nan_stays_where_the_sum_has_it():
    x = np.ones(8000)
    x[4000] = np.nan
    got = engine.correlate(x, jnp.ones(4), padding=[(3, 3)], algorithm="direct")
    assert np.flatnonzero(np.isnan(got)).tolist() == list(range(4000, 4004))


def test_the_body_is_even():
    # An odd number of outputs would not be vectorised: the rule, as the planner's problems meet it.
    problem = problem_of((1, 100_003, 1), (9, 1, 1), padding=8)
    first, count = signal_sum._body(problem)
    assert first == 8
    assert count % signal_sum.EVEN == 0
    assert 100_003 - 8 - signal_sum.EVEN < count <= 100_003 - 8
