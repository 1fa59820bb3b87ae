"""Generated calls of every function that SciPy has too: one seed is one call with random shapes and options."""

import warnings

import numpy as np
import pytest
import scipy.signal

from jconv import signal

MODES = ("full", "same", "valid")
UPFIRDN_MODES = ["constant", "wrap", "edge", "smooth", "symmetric", "reflect", "antisymmetric", "antireflect", "line"]


def array(rng, shape, dtype):
    x = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.normal(size=shape)
    if np.dtype(dtype).kind in "iub":
        x = rng.integers(0 if np.dtype(dtype).kind in "ub" else -9, 2 if dtype == "bool" else 10, size=shape)
    return x.astype(dtype)


def sizes(rng, rank, most):
    return tuple(int(n) for n in rng.integers(1, most, size=rank))


def convolution(rng, name):
    rank = int(rng.integers(1, 4))
    dtypes = ["float64", "float64", "float32", "complex128", "int64", "uint8", "int16"]
    most = {1: 40, 2: 12, 3: 6}[rank]
    x = array(rng, sizes(rng, rank, most), rng.choice(dtypes))
    h = array(rng, sizes(rng, rank, most), rng.choice(dtypes))
    options = {"mode": str(rng.choice(MODES))}
    if name in ("convolve", "correlate"):
        options["method"] = str(rng.choice(["auto", "direct", "fft"]))
    elif rng.random() < 0.6:
        axis = int(rng.integers(rank))
        options["axes"] = [axis]
        shape = [int(rng.choice([n, 1])) for n in x.shape]
        shape[axis] = int(rng.integers(1, most))
        h = array(rng, shape, h.dtype.name)
    return (x, h), options


def image(rng, name):
    x, h = (array(rng, sizes(rng, 2, 9), rng.choice(["float64", "complex128", "int32", "float32"])) for _ in range(2))
    options = {"mode": str(rng.choice(MODES)), "boundary": str(rng.choice(["fill", "wrap", "symm"]))}
    if options["boundary"] == "fill":
        options["fillvalue"] = int(rng.integers(3))
    return (x, h), options


def separable(rng, name):
    x = array(rng, sizes(rng, 2, 9), rng.choice(["float64", "complex128", "float32"]))
    # SciPy reads outside the array for filters longer than the image.
    return (x, *(array(rng, 2 * int(rng.integers((n + 1) // 2)) + 1, x.dtype) for n in x.shape[::-1])), {}


def multirate(rng, name):
    x = array(rng, (int(rng.integers(2, 30)), 2), rng.choice(["float64", "float32", "complex128", "int32"]))
    up, down = (int(n) for n in rng.integers(1, 6, size=2))
    if name == "upfirdn":
        mode = str(rng.choice(UPFIRDN_MODES))
        return (array(rng, int(rng.integers(1, 20)), "float64"), x, up, down), {"axis": 0, "mode": mode}
    if name == "decimate":
        x = array(rng, (2, int(rng.integers(30, 60))), "float64")
        return (x, int(rng.integers(2, 5))), {"ftype": str(rng.choice(["fir", "iir"])), "zero_phase": bool(down % 2)}
    return (x, up, down), {"padtype": str(rng.choice([*UPFIRDN_MODES, "mean", "median", "minimum", "maximum"]))}


def poles(rng, order):
    """A denominator with its poles well inside the unit circle."""
    z = rng.uniform(0.1, 0.85, size=order // 2) * np.exp(1j * rng.uniform(0.3, 2.8, size=order // 2))
    return np.atleast_1d(np.poly([*z, *z.conj(), *rng.uniform(-0.8, 0.8, size=order % 2)])).real


def recursive(rng, name):
    x = array(rng, (2, int(rng.integers(40, 300))), rng.choice(["float64", "complex128"]))
    if name in ("sosfilt", "sosfiltfilt"):
        sos = np.stack([np.concatenate([rng.normal(size=3), poles(rng, 2)]) for _ in range(rng.integers(1, 4))])
        return (sos, x), {}
    b, a = rng.normal(size=rng.integers(1 + (name == "filtfilt"), 5)), poles(rng, int(rng.integers(5)))
    if name == "lfilter" and rng.random() < 0.5:
        return (b, a, x), {"zi": rng.normal(size=(2, max(len(a), len(b)) - 1))}
    return (b, a, x), {}


def smoothing(rng, name):
    length = int(rng.integers(3, 12))
    order = int(rng.integers(min(length, 5)))
    options = {"deriv": int(rng.integers(order + 1)), "delta": float(rng.uniform(0.5, 2))}
    options["mode"] = str(rng.choice(["interp", "mirror", "constant", "nearest", "wrap"]))
    return (array(rng, (2, int(rng.integers(12, 30))), rng.choice(["float64", "float32"])), length, order), options


def design(rng, name):
    taps = int(rng.integers(3, 40))
    if name == "firwin":
        kind = str(rng.choice(["lowpass", "highpass", "bandpass", "bandstop"]))
        cutoff = np.sort(rng.uniform(0.1, 0.9, size=1 if "pass" in kind[-4:] and kind[0] in "lh" else 2))
        return (taps | 1, cutoff), {"pass_zero": kind, "window": ("kaiser", float(rng.uniform(0, 12)))}
    gain = np.append(rng.uniform(size=4), 0.0)
    return (taps, [0.0, *np.sort(rng.uniform(0.1, 0.9, size=3)), 1.0], gain), {}


def rank(rng, name):
    ndim = 2 if name == "medfilt2d" else int(rng.integers(1, 4))
    x = array(rng, tuple(int(n) for n in rng.integers(5, 9, size=ndim)), rng.choice(["float64", "uint8", "int32"]))
    odd = [int(n) for n in rng.choice([1, 3, 5], size=ndim)]
    if name == "order_filter":
        # Along a single axis SciPy reads a sparse domain as a full one.
        domain = (rng.random(size=odd) < 0.7) | (ndim == 1)
        domain.flat[0] = True
        return (x, domain, int(rng.integers(domain.sum()))), {}
    if name == "wiener":
        return (x.astype(float), odd), {"noise": float(rng.uniform(0.1, 2))}
    return (x, odd), {}


def division(rng, name):
    return (rng.normal(size=rng.integers(5, 12)), np.convolve([2.0, 0.5], poles(rng, 2))), {}


FAMILIES = {
    convolution: ["convolve", "convolve", "correlate", "correlate", "fftconvolve", "oaconvolve"],
    image: ["convolve2d", "correlate2d"],
    separable: ["sepfir2d"],
    multirate: ["upfirdn", "resample_poly", "decimate"],
    recursive: ["lfilter", "sosfilt", "filtfilt", "sosfiltfilt"],
    smoothing: ["savgol_filter"],
    design: ["firwin", "firwin2"],
    rank: ["medfilt", "medfilt2d", "order_filter", "wiener"],
    division: ["deconvolve"],
}
CALLS = [(family, name) for family, names in FAMILIES.items() for name in names]


def check(seed):
    rng = np.random.default_rng(seed)
    family, name = CALLS[seed % len(CALLS)]
    args, options = family(rng, name)
    about = f"seed {seed}: {name} {[getattr(a, 'shape', a) for a in args]} {options}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy divides by zero, and warns of boxes larger than the array
        try:
            expected = getattr(scipy.signal, name)(*args, **options)
        except (ValueError, NotImplementedError) as error:
            with pytest.raises(type(error)):
                getattr(signal, name)(*args, **options)
            return
        got = getattr(signal, name)(*args, **options)
    for a, b in zip(got, expected) if isinstance(expected, tuple) else [(got, expected)]:
        b = np.asarray(b)
        assert a.shape == b.shape, about
        assert a.dtype == b.dtype or a.size == 0, f"{about}: {a.dtype} for {b.dtype}"
        single = any(getattr(x, "dtype", None) in ("float32", "complex64") for x in (*args, b))
        tolerance = 0 if b.dtype.kind in "iub" else 1e-5 if single else 1e-12
        scale = max(np.abs(b).max(initial=0), 1e-3)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale, err_msg=about)


@pytest.mark.core
def test_a_few():
    for seed in range(len(CALLS)):
        check(seed)


@pytest.mark.slow
def test_a_hundred():
    for seed in range(len(CALLS), 100):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(22))
def test_two_thousand(block):
    for seed in range(100 * (block + 1), 100 * (block + 2)):
        check(seed)
