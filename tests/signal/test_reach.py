"""How far one bad sample reaches: as far as the kernel, in every function whose result is a sum of products."""

import warnings

import numpy as np
import pytest

from jconv import signal

TAPS = np.hanning(779)[1:-1]  # more than the engine's direct sum takes in one step, and no multiple of it

# name: (function of the signal, samples before and behind that an input reaches)
FILTERS = {
    "convolve": (lambda x: signal.convolve(x, TAPS, "same", "direct"), 388, 388),
    "correlate": (lambda x: signal.correlate(x, TAPS, "same", "direct"), 388, 388),
    "convolve2d": (lambda x: signal.convolve2d(x[None], TAPS[None], "same")[0], 388, 388),
    "correlate2d": (lambda x: signal.correlate2d(x[None], TAPS[None], "same")[0], 388, 388),
    "sepfir2d": (lambda x: signal.sepfir2d(x[None], TAPS, [1.0])[0], 388, 388),
    "savgol_filter": (lambda x: signal.savgol_filter(x, 301, 3), 150, 150),
    "normalized_convolve": (lambda x: signal.normalized_convolve(x, TAPS), 388, 388),
    "wiener": (lambda x: signal.wiener(x, 301, 0.1), 150, 150),
    "lfilter": (lambda x: signal.lfilter(TAPS, [1.0], x), 0, 776),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_a_bad_sample_reaches_as_far_as_the_kernel(name, bad):
    function, before, behind = FILTERS[name]
    x = np.random.default_rng(0).normal(size=4000)
    clean = np.asarray(function(x))
    x[2000] = bad
    if name == "normalized_convolve" and np.isnan(bad):
        assert np.isfinite(function(x)).all()  # it is left out
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spoiled = np.asarray(function(x))
    # Where a NaN is found, another algorithm sums in another order.
    touched = np.flatnonzero(~np.isclose(spoiled, clean, rtol=1e-11, atol=1e-11))
    assert touched.size
    assert 2000 - before <= touched[0]
    assert touched[-1] <= 2000 + behind


def test_small_results_beside_large_ones_keep_their_digits():
    x = np.full(3000, 1e-3)
    x[1500] = 1e30
    got = np.asarray(signal.convolve(x, TAPS, "same", "direct"))
    np.testing.assert_allclose(got[:1000], np.convolve(x[:1500], TAPS, "same")[:1000], rtol=1e-12)
