"""All windows of SciPy, with known and with traced parameters."""

import jax
import numpy as np
import pytest
import scipy.signal

from jconv import signal
from jconv.signal.windows._get_window import _ALIASES, _WINDOWS

PARAMETERS = {
    "general_cosine": [([0.5, 0.3, 0.2],)],
    "general_hamming": [(0.6,)],
    "gaussian": [(3.0,)],
    "general_gaussian": [(1.5, 3.0), (1, 2.0)],
    "exponential": [(), (None, 2.0)],
    "tukey": [(), (0.0,), (0.3,), (1.0,), (1.5,)],
    "kaiser": [(14.0,)],
    "kaiser_bessel_derived": [(4.0,)],
    "chebwin": [(60.0,), (100.0,)],
    "taylor": [(), (5,), (5, 35.0), (5, 35.0, False)],
    "dpss": [(2.5,)],
}


def same_as_scipy(window, size, fftbins):
    try:
        expected = scipy.signal.get_window(window, size, fftbins)
    except ValueError:
        with pytest.raises(ValueError):
            signal.get_window(window, size, fftbins)
        return
    got = signal.get_window(window, size, fftbins)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12, err_msg=f"{window} {size} {fftbins}")


@pytest.mark.core
@pytest.mark.parametrize("name", _WINDOWS)
def test_equal_scipy(name):
    for parameters in PARAMETERS.get(name, [()]):
        for size in (1, 8, 51):
            for fftbins in (True, False):
                same_as_scipy((name, *parameters), size, fftbins)


def test_every_name_of_scipy_is_known():
    from scipy.signal.windows import _windows

    # The name of the table depends on SciPy's version.
    table = _windows._WIN_FUNCS if hasattr(_windows, "_WIN_FUNCS") else _windows._win_equiv
    assert len(table) > 50
    assert set(table) <= {*_WINDOWS, *_ALIASES}


TRACED = [
    (name, parameters)
    for name, sets in PARAMETERS.items()
    for parameters in sets
    if parameters and name != "dpss" and all(isinstance(p, float) for p in parameters)
]


@pytest.mark.parametrize(("name", "parameters"), TRACED, ids=str)
def test_traced_parameters_have_gradients(name, parameters):
    def window(*parameters):
        return signal.get_window((name, *parameters), 8, fftbins=False)

    values, slopes = jax.jit(lambda *p: (window(*p), jax.jacfwd(window, range(len(p)))(*p)))(*parameters)
    np.testing.assert_allclose(values, window(*parameters), rtol=0, atol=1e-12)
    for slope in slopes:
        assert np.isfinite(slope).all()


def test_a_traced_slepian_window_is_refused_with_another():
    with pytest.raises(TypeError, match=r"eigenvector.*\('kaiser', beta\)"):
        jax.jit(lambda nw: signal.get_window(("dpss", nw), 8))(2.5)


def test_windows_are_exact_in_single_precision():
    with jax.enable_x64(False):
        got = signal.get_window(("chebwin", 100.0), 201)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, scipy.signal.get_window(("chebwin", 100.0), 201), rtol=2e-7)


def test_filters_take_every_window_and_arrays():
    for window in (("chebwin", 60.0), "taylor", ("dpss", 2.5)):
        np.testing.assert_allclose(
            signal.firwin(21, 0.3, window=window), scipy.signal.firwin(21, 0.3, window=window), rtol=0, atol=1e-14
        )
    factors = scipy.signal.get_window("hann", 21, fftbins=False)
    np.testing.assert_allclose(
        signal.firwin(21, 0.3, window=factors), scipy.signal.firwin(21, 0.3, window="hann"), rtol=0, atol=1e-14
    )
    with pytest.raises(ValueError, match=r"a factor for each of the 21 taps, got shape \(20,\)"):
        signal.firwin(21, 0.3, window=factors[:20])
