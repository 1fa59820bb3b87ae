"""Filters and their design against SciPy, several at a time."""

import numpy as np
import pytest
import scipy.signal

from jconv import signal

rng = np.random.default_rng(3)


def equal(got, expected, factor=1e-12):
    expected = np.asarray(expected)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    scale = max(np.abs(expected).max(initial=0), 1e-300)
    np.testing.assert_allclose(got, expected, rtol=0, atol=factor * scale)


def both(name, *args, factor=1e-12, **kwargs):
    got, expected = getattr(signal, name)(*args, **kwargs), getattr(scipy.signal, name)(*args, **kwargs)
    for a, b in zip(got, expected) if isinstance(expected, tuple) else [(got, expected)]:
        equal(a, b, factor)


@pytest.mark.core
def test_recursive_filters():
    b, a = scipy.signal.butter(3, 0.3)
    sos = scipy.signal.butter(5, 0.2, output="sos")
    x = rng.normal(size=(2, 500))
    both("lfilter", b, a, x)
    both("lfilter", b, a, x[:, :7], axis=0)
    both("lfilter", b, a, x, zi=rng.normal(size=(2, 3)))
    both("lfilter", b, [2.0], x, zi=rng.normal(size=(2, 3)))
    both("sosfilt", sos, x)
    both("sosfilt", sos, x, zi=rng.normal(size=(3, 2, 2)))
    both("lfilter_zi", b, a, factor=1e-11)
    both("sosfilt_zi", sos, factor=1e-11)
    both("lfiltic", b, a, [1.0, 2.0], [3.0])
    both("filtfilt", b, a, x, factor=1e-11)
    both("filtfilt", b, a, x, method="gust", irlen=40, factor=1e-10)
    both("sosfiltfilt", sos, x, padtype="even", factor=1e-11)


@pytest.mark.core
def test_multirate():
    x = rng.normal(size=(3, 41))
    for mode in ["constant", "wrap", "edge", "smooth", "symmetric", "reflect", "antisymmetric", "antireflect", "line"]:
        both("upfirdn", rng.normal(size=11), x, 3, 2, mode=mode)
    both("resample_poly", x, 5, 3, axis=1, padtype="median")
    both("decimate", x, 3, ftype="fir")
    both("decimate", x, 3, 5)


def test_design():
    for pass_zero, cutoff in [("lowpass", 0.3), ("highpass", 0.3), ("bandpass", [0.2, 0.5]), ("bandstop", [0.2, 0.5])]:
        both("firwin", 21, cutoff, pass_zero=pass_zero)
    both("firwin", 30, 40.0, width=8.0, fs=200)
    both("firwin2", 20, [0, 0.3, 0.3, 1], [1, 1, 0, 0])
    both("firwin2", 21, [0, 0.5, 1], [0, 1, 0], antisymmetric=True)
    both("savgol_coeffs", 7, 3, 1, 0.5, 2)
    x = rng.normal(size=(2, 30))
    for mode in ["interp", "mirror", "constant", "nearest", "wrap"]:
        both("savgol_filter", x, 7, 2, mode=mode, cval=1.5)
        both("savgol_filter", x, 6, 2, deriv=1, mode=mode)


WINDOWS = """boxcar triang bartlett parzen bohman barthann cosine lanczos hann hamming blackman nuttall
blackmanharris flattop exponential tukey hann_symmetric"""


@pytest.mark.parametrize(
    "window",
    [
        *WINDOWS.split(),
        5.0,
        ("kaiser", 14.0),
        ("general_cosine", [0.5, 0.3, 0.2]),
        ("general_hamming", 0.6),
        ("gaussian", 3.0),
        ("general_gaussian", 1.5, 3),
    ],
)
def test_windows(window):
    for size in (1, 8, 9):
        expected = scipy.signal.get_window(window, size)
        np.testing.assert_allclose(signal.get_window(window, size), expected, rtol=1e-12, atol=1e-15)


def test_rank_filters():
    x = rng.integers(0, 200, size=(9, 8)).astype(np.uint8)
    both("medfilt", x, (3, 5))
    both("medfilt2d", x.astype(float), 3)
    both("order_filter", x, np.eye(3), -1)
    both("wiener", x.astype(float), (3, 5))


def test_errors():
    x = np.ones(20)
    for call, error, words in [
        (lambda: signal.lfilter([1.0], [0.0, 1.0], x), ValueError, "non-zero"),
        (lambda: signal.lfilter([1, 2], [1], np.arange(3)), NotImplementedError, "Pass one of them as float"),
        (lambda: signal.lfilter([1.0], [1.0, 0.5], x, zi=[1.0, 2.0]), ValueError, r"expected \(1,\), found \(2,\)"),
        (lambda: signal.sosfilt(np.ones((2, 5)), x), ValueError, r"n_sections, 6\), got \(2, 5\)"),
        (lambda: signal.filtfilt([1.0], [1.0, 0.5], x[:3]), ValueError, "padlen, which is 6; got 3"),
        (lambda: signal.filtfilt([1.0], [1.0], x, padtype="odds"), ValueError, "odds"),
        (lambda: signal.upfirdn([1.0], x, 0), ValueError, "got 0 and 1"),
        (lambda: signal.upfirdn([1.0], x, mode="mirror"), ValueError, "mirror"),
        (lambda: signal.resample_poly(x, 1.5, 1), ValueError, "up must be an integer, got 1.5"),
        (lambda: signal.decimate(x, 2, ftype="foo"), ValueError, "'foo'"),
        (lambda: signal.firwin(5, 1.2), ValueError, "less than fs/2"),
        (lambda: signal.firwin(4, 0.5, pass_zero=False), ValueError, "`numtaps`=4"),
        (lambda: signal.firwin2(5, [0, 0.5], [1, 1]), ValueError, "end with fs/2; got 0.0 and 0.5"),
        (lambda: signal.get_window("ham ming", 5), ValueError, "did you mean 'hamming'"),
        (lambda: signal.get_window(("kaiser",), 5), ValueError, "takes 1 parameters"),
        (lambda: signal.kaiserord(5, 0.1), ValueError, "at least 8 dB"),
        (lambda: signal.savgol_filter(x, 30, 2), ValueError, "30 for 20 samples"),
        (lambda: signal.savgol_coeffs(3, 3), ValueError, "got 3 and 3"),
        (lambda: signal.medfilt(x, 4), ValueError, "odd, got 4; add 1"),
        (lambda: signal.order_filter(x, [1, 1, 1], 3), RuntimeError, "got 3 for 3 samples"),
        (lambda: signal.medfilt(x + 1j), ValueError, "dtype=complex128 is not supported"),
        (lambda: signal.deconvolve(x, [0.0, 1.0]), ValueError, "drop leading zeros"),
        (lambda: signal.wiener(x, 0), ValueError, "`mysize\\[0\\]` must be at least 1"),
    ]:
        with pytest.raises(error, match=words):
            call()
