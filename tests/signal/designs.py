"""A family of recursive filters as people design them, and what they give in exact arithmetic."""

import itertools
from typing import NamedTuple

import numpy as np
import scipy.signal

# Sampling rates in hertz: seismometers, ECG, EEG, motion, telephony, music, ultrasound.
RATES = (10, 100, 360, 500, 1000, 8000, 44_100, 48_000, 192_000)
FAMILIES = ("butter", "cheby1", "cheby2", "ellip", "bessel")


class Design(NamedTuple):
    name: str
    sos: np.ndarray
    ba: tuple[np.ndarray, np.ndarray] | None = None


def _designed(family: str, order: int, edges: list[float], kind: str, output: str) -> np.ndarray:
    options = {"cheby1": (0.5,), "cheby2": (50,), "ellip": (0.5, 60)}.get(family, ())
    edge = edges[0] if len(edges) == 1 else edges
    return getattr(scipy.signal, family)(order, *options, edge, btype=kind, output=output)


def designs(count: int = 320, seed: int = 5) -> list[Design]:
    """Random designs: families, kinds, orders 1 to 12, rates, and cut-offs from 0.01 Hz to the Nyquist frequency."""
    rng = np.random.default_rng(seed)
    found = []
    for i in itertools.count():
        if len(found) == count:
            return found
        family, rate = FAMILIES[i % 5], int(rng.choice(RATES))
        kind = str(rng.choice(["low", "high", "bandpass", "bandstop"]))
        order = int(rng.integers(1, 13))
        order = order if kind in ("low", "high") else max(1, order // 2)
        lowest, highest = 0.02 / rate, 0.98
        edges = np.sort(np.exp(rng.uniform(np.log(lowest), np.log(highest), 1 if kind in ("low", "high") else 2)))
        if len(edges) == 2 and edges[1] < 1.1 * edges[0]:
            continue
        about = f"{family} {order} {kind} {'-'.join(f'{e * rate / 2:.3g}' for e in edges)} of {rate}"
        sos = _designed(family, order, list(edges), kind, "sos")
        if not np.isfinite(sos).all():
            continue
        ba = _designed(family, order, list(edges), kind, "ba") if i % 2 else None
        found.append(Design(about + (" ba" if ba else ""), sos, ba))


def _direct(name: str, ba: tuple[np.ndarray, np.ndarray]) -> Design:
    return Design(name, np.zeros((0, 6)), ba)


butter, ellip = scipy.signal.butter, scipy.signal.ellip
NAMED = [
    Design("order 2 at 1e-4", butter(2, 1e-4, output="sos")),
    Design("0.05-40 Hz of 500", butter(4, [0.05, 40], "band", fs=500, output="sos")),
    Design("0.01-0.1 Hz of 100", butter(3, [0.01, 0.1], "band", fs=100, output="sos")),
    Design("high-pass 0.05 Hz of 500", butter(2, 0.05, "high", fs=500, output="sos")),
    Design("one pole at 1e-7", butter(1, 1e-7, output="sos")),
    _direct("resonator of Q 200", scipy.signal.iirpeak(100, 200, fs=48_000)),
    _direct("ECG 0.5-40 Hz of 360", butter(3, [0.5, 40], "band", fs=360)),
    _direct("EEG 1-40 Hz of 500", butter(4, [1, 40], "band", fs=500)),
    _direct("EEG 8-13 Hz of 1000", butter(4, [8, 13], "band", fs=1000)),
    _direct("low-pass 0.3 Hz of 100", butter(4, 0.3, fs=100)),
    _direct("elliptic 6 at .05", ellip(6, 0.5, 60, 0.05)),
    _direct("order 4 at .001", butter(4, 0.001)),
    _direct("double integrator", (np.array([1.0]), np.array([1.0, -2, 1]))),
]
SAMPLE = designs(8, seed=8)


def truth(design: Design, x: np.ndarray, dtype: type = np.longdouble) -> np.ndarray:
    """SciPy's recursion in `dtype`: by default the extended precision of the processor."""
    x = x.astype(dtype)
    if design.ba is None:
        return scipy.signal.sosfilt(design.sos.astype(dtype), x)
    b, a = design.ba
    return scipy.signal.lfilter(b.astype(dtype), a.astype(dtype), x)


def error(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference relative to the largest value; infinite where something is not finite."""
    scale = np.abs(want).max()
    if not np.isfinite(scale):
        return np.inf
    if scale == 0:
        return float(np.abs(got).max())
    worst = np.abs(got - want).max() / scale
    return float(worst) if np.isfinite(worst) else np.inf
