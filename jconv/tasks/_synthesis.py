"""Ten kinds of synthetic sound in white noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jconv._core import check
from jconv.data import Sound

Generator = np.random.Generator
_SIGNALS: dict[str, Callable[[Generator, np.ndarray], np.ndarray]] = {}


def _phase(frequency: np.ndarray | float, t: np.ndarray) -> np.ndarray:
    """Return the phase of an oscillation whose frequency may change, in radians."""
    return 2 * np.pi * np.cumsum(np.broadcast_to(frequency, t.shape)) * (t[1] - t[0])


def _pitch(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _tone(rng: Generator, t: np.ndarray) -> np.ndarray:
    return np.sin(_phase(_pitch(rng, 250, 2000), t))


def _chord(rng: Generator, t: np.ndarray) -> np.ndarray:
    root, third = _pitch(rng, 300, 1200), rng.choice([6 / 5, 5 / 4])
    notes = [np.sin(_phase(root * ratio, t) + rng.uniform(0, 2 * np.pi)) for ratio in (1.0, third, 1.5)]
    return np.sum(notes, axis=0)


def _sweep(rng: Generator, t: np.ndarray) -> np.ndarray:
    low, ratio = _pitch(rng, 200, 800), rng.uniform(1.8, 4.0)
    return low * ratio ** (t / t[-1])


def _rising(rng: Generator, t: np.ndarray) -> np.ndarray:
    return np.sin(_phase(_sweep(rng, t), t))


def _falling(rng: Generator, t: np.ndarray) -> np.ndarray:
    return np.sin(_phase(_sweep(rng, t)[::-1], t))


def _wave(rng: Generator, t: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * rng.uniform(4, 8) * t + rng.uniform(0, 2 * np.pi))


def _vibrato(rng: Generator, t: np.ndarray) -> np.ndarray:
    return np.sin(_phase(_pitch(rng, 400, 1800) * (1 + rng.uniform(0.12, 0.3) * _wave(rng, t)), t))


def _tremolo(rng: Generator, t: np.ndarray) -> np.ndarray:
    return _tone(rng, t) * (1 + _wave(rng, t)) / 2


def _sawtooth(rng: Generator, t: np.ndarray) -> np.ndarray:
    pitch, nyquist = _pitch(rng, 120, 400), 0.5 / (t[1] - t[0])
    overtones = [np.sin(k * _phase(pitch, t)) / k for k in range(1, int(nyquist / pitch) + 1)]
    return np.sum(overtones, axis=0)


def _clicks(rng: Generator, t: np.ndarray) -> np.ndarray:
    period = 1 / rng.uniform(6, 14)
    since = (t + rng.uniform(0, period)) % period
    return np.exp(-since / rng.uniform(0.003, 0.008)) * np.sin(2 * np.pi * rng.uniform(800, 2500) * since)


def _hiss(rng: Generator, t: np.ndarray) -> np.ndarray:
    frequencies = np.fft.rfftfreq(len(t), t[1] - t[0])
    centre, half = _pitch(rng, 600, 2600), rng.uniform(0.08, 0.16)
    spectrum = np.fft.rfft(rng.normal(size=len(t))) * (np.abs(frequencies / centre - 1) < half)
    return np.fft.irfft(spectrum, len(t))


def _bursts(rng: Generator, t: np.ndarray) -> np.ndarray:
    return rng.normal(size=len(t)) * (_wave(rng, t) > rng.uniform(-0.2, 0.5))


_SIGNALS |= {
    "tone": _tone,
    "chord": _chord,
    "rising chirp": _rising,
    "falling chirp": _falling,
    "vibrato": _vibrato,
    "tremolo": _tremolo,
    "sawtooth": _sawtooth,
    "clicks": _clicks,
    "hiss": _hiss,
    "noise bursts": _bursts,
}
KINDS = tuple(_SIGNALS)


def synthesise(kind: str, rng: Generator, *, rate: int = 8000, seconds: float = 1.0, decibels: float = 0.0) -> Sound:
    """Draw a sound of one of the `KINDS` at random, in white noise.

    Parameters
    ----------
    kind : str
        Such as "tone" or "hiss".
    rng : numpy.random.Generator
        The source of everything random.
    rate : int
        Samples per second (Hz). Default 8000.
    seconds : float
        Length. Default 1.
    decibels : float
        Ten times the decimal logarithm of the signal's power over that of the noise; 0 makes them equal.

    Returns
    -------
    Sound
        With its largest sample at 0.9, in steps of 2^-15, as a WAV file of 16 bits holds it.

    Raises
    ------
    ValueError
        When `kind` is none of the `KINDS`.

    Examples
    --------
    >>> synthesise("tone", np.random.default_rng(0)).samples.shape
    (8000,)
    """
    check.choice("kind", kind, KINDS)
    t = np.arange(round(rate * seconds)) / rate
    signal = _SIGNALS[kind](rng, t)
    noise = rng.normal(size=len(t)) * np.sqrt(np.mean(signal**2)) * 10 ** (-decibels / 20)
    mixed = signal + noise
    return Sound(np.round(mixed * (0.9 * 2**15 / np.abs(mixed).max())).astype(np.float32) / 2**15, rate)
