"""The table of closed forms: relative error and honesty of the reported error, in both precisions."""

import jax
import numpy as np
import pytest

from jconv.continuous import convolve
from tests.continuous.closed_form_pairs import PAIRS
from tests.continuous.tolerances import RELATIVE


def attained(pair, dtype):
    """Relative errors and the ratio reported/true, per point."""
    t = pair.t.astype(dtype)
    value, error = jax.jit(lambda t: convolve(pair.f, pair.g, t, **pair.options))(t)
    want = np.asarray(pair.truth(np.float64(t)))
    assert np.real(value).dtype == dtype
    return np.asarray(value), np.asarray(error), want


@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.slow)])
@pytest.mark.parametrize("pair", PAIRS, ids=[p.name for p in PAIRS])
def test_closed_form(pair, dtype):
    value, error, want = attained(pair, dtype)
    true = np.abs(value - want)
    assert np.max(true / np.abs(want)) <= RELATIVE[np.dtype(dtype)]
    # The truth itself is rounded: where the result is right to its last bit the two may differ by that much.
    assert np.all(error >= true), f"reported {error}, true {true}"


def test_there_are_forty():
    assert len({p.name for p in PAIRS}) >= 40
