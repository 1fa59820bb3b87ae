"""Design of FIR filters by windows; cut-offs, gains and widths may be traced."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal.windows._windows import get_window


def kaiser_beta(a: Any) -> jax.Array:
    r"""The Kaiser window's beta for an attenuation in decibels.

    .. math:: \beta = 0.1102 (a - 8.7)

    above 50 dB, :math:`0.5842 (a - 21)^{0.4} + 0.07886 (a - 21)` above 21 dB, and 0 below.

    Parameters
    ----------
    a : float
        Attenuation in the stop band and ripple in the pass band, in decibels, positive. May be traced.

    Returns
    -------
    Scalar array.

    Notes
    -----
    Source: Oppenheim and Schafer, *Discrete-Time Signal Processing*. Mirrors `scipy.signal.kaiser_beta`.

    >>> round(float(kaiser_beta(65)), 4)
    6.2043
    """
    a = jnp.asarray(a, float)
    above = jnp.where(a > 21, a - 21, 1.0)  # no infinite slope where the formula does not hold
    middle = jnp.where(a > 21, 0.5842 * above**0.4 + 0.07886 * above, 0.0)
    return jnp.where(a > 50, 0.1102 * (a - 8.7), middle)


def kaiser_atten(numtaps: int, width: Any) -> jax.Array:
    r"""The attenuation that a Kaiser FIR filter reaches.

    .. math:: a = 2.285\,(n - 1)\,\pi\,\Delta + 7.95

    Parameters
    ----------
    numtaps : int
        The number n of taps.
    width : float
        The transition's width Δ as a fraction of the Nyquist frequency. May be traced.

    Returns
    -------
    Scalar array, decibels.

    Notes
    -----
    Mirrors `scipy.signal.kaiser_atten`.

    >>> round(float(kaiser_atten(211, 0.0375)), 3)
    64.481
    """
    return jnp.asarray(2.285 * (numtaps - 1) * math.pi * jnp.asarray(width, float) + 7.95)


def kaiserord(ripple: float, width: float) -> tuple[int, jax.Array]:
    r"""The number of taps and the beta of a Kaiser filter for a ripple and a transition width.

    .. math:: n = \left\lceil \frac{|r| - 7.95}{2.285\,\pi\,\Delta} + 1 \right\rceil

    Parameters
    ----------
    ripple : float
        The largest deviation allowed, in decibels.
    width : float
        The transition's width as a fraction of the Nyquist frequency.

    Returns
    -------
    (numtaps, beta). `numtaps` is a shape, so the arguments cannot be traced.

    Raises
    ------
    ValueError
        If the ripple is below 8 dB, where the formula does not hold.

    Notes
    -----
    Mirrors `scipy.signal.kaiserord`.

    >>> kaiserord(65, 0.05)[0]
    160
    """
    attenuation = abs(ripple)
    if attenuation < 8:
        raise ValueError(
            f"Requested maximum ripple attenuation {attenuation:f} is too small for the Kaiser formula; "
            "`ripple` must be at least 8 dB"
        )
    numtaps = (attenuation - 7.95) / 2.285 / (math.pi * width) + 1
    return math.ceil(numtaps), kaiser_beta(attenuation)


def firwin(
    numtaps: int,
    cutoff: Any,
    *,
    width: Any = None,
    window: Any = "hamming",
    pass_zero: bool | str = True,
    scale: bool = True,
    fs: Any = None,
) -> jax.Array:
    r"""Design a linear-phase FIR filter by windowing the ideal response.

    .. math:: h[n] = w[n] \sum_{\text{bands}} f_r\,\mathrm{sinc}(f_r m) - f_l\,\mathrm{sinc}(f_l m)

    with m = n - (N - 1) / 2.

    Parameters
    ----------
    numtaps : int
        The number N of taps.
    cutoff : float or 1-D array
        Cut-off frequencies in units of `fs`, increasing, between 0 and fs/2. May be traced.
    width : float, optional
        Width of the transition; chooses a Kaiser window in place of `window`. May be traced.
    window
        As in `get_window`; its parameters may be traced.
    pass_zero : bool or {"lowpass", "highpass", "bandpass", "bandstop"}
        Whether the gain at frequency 0 is 1.
    scale : bool
        Make the response exactly 1 at the middle of the first pass band (at 0 or fs/2 where the band ends there).
    fs : float
        The sampling frequency; 2 by default.

    Returns
    -------
    Array, shape (numtaps,), floating.

    Raises
    ------
    ValueError
        If cut-offs, `pass_zero` and `numtaps` do not fit each other. Traced cut-offs are not checked.

    Notes
    -----
    Differentiable in `cutoff`, `width` and the window's parameters. Mirrors `scipy.signal.firwin`.

    >>> firwin(3, 0.5).round(4)
    Array([0.0462, 0.9076, 0.0462], dtype=float...)
    """
    check.positive_int("numtaps", numtaps)
    nyquist = 0.5 * (2 if fs is None else check_fs(fs))
    cutoff = jnp.atleast_1d(jnp.asarray(cutoff, float)) / nyquist
    if cutoff.ndim > 1:
        raise ValueError(
            f"The cutoff argument must be at most one-dimensional, got shape {cutoff.shape}; "
            "use jax.vmap for many filters"
        )
    if cutoff.size == 0:
        raise ValueError("At least one cutoff frequency must be given; `cutoff` is empty")
    _check_cutoff(cutoff)
    if width is not None:
        window = ("kaiser", kaiser_beta(kaiser_atten(numtaps, jnp.asarray(width, float) / nyquist)))
    passes_zero = _passes_zero(pass_zero, cutoff.size)
    passes_nyquist = (cutoff.size % 2 == 0) == passes_zero
    if passes_nyquist and numtaps % 2 == 0:
        raise ValueError(
            f"A filter with an even number of coefficients must have zero response at the Nyquist frequency; "
            f"`numtaps`={numtaps} needs an odd number for this `pass_zero`"
        )
    edges = jnp.concatenate([jnp.zeros(int(passes_zero)), cutoff, jnp.ones(int(passes_nyquist))]).reshape(-1, 2, 1)
    m = jnp.arange(numtaps) - 0.5 * (numtaps - 1)
    ideal = edges * jnp.sinc(edges * m)
    h = jnp.sum(ideal[:, 1] - ideal[:, 0], axis=0) * get_window(window, numtaps, fftbins=False)
    if scale:
        if passes_zero:
            centre = 0.0
        elif passes_nyquist and cutoff.size == 1:
            centre = 1.0
        else:
            centre = 0.5 * (edges[0, 0] + edges[0, 1])
        gain = jnp.sum(h * jnp.cos(jnp.pi * m * centre))
        # Kept from XLA, which would multiply by the reciprocal of one number, and be off by a rounding.
        h = h / lax.optimization_barrier(jnp.broadcast_to(gain, h.shape))
    return h


def firwin2(
    numtaps: int,
    freq: Any,
    gain: Any,
    *,
    nfreqs: int | None = None,
    window: Any = "hamming",
    antisymmetric: bool = False,
    fs: Any = None,
) -> jax.Array:
    r"""Design an FIR filter from its gain at given frequencies, interpolated linearly.

    .. math:: h = w \cdot \mathcal F^{-1}\bigl[G(f)\,e^{-i\pi f (N-1)/2}\bigr]

    Parameters
    ----------
    numtaps : int
    freq : 1-D array
        From 0 to fs/2, nondecreasing; a frequency given twice is a jump. May be traced.
    gain : 1-D array
        The gain at `freq`. May be traced.
    nfreqs : int, optional
        The size of the interpolation mesh; by default a power of two plus 1 above `numtaps`.
    window
        As in `get_window`, or None.
    antisymmetric : bool
        Types III and IV, with a factor i.
    fs : float
        The sampling frequency; 2 by default.

    Returns
    -------
    Array, shape (numtaps,), floating.

    Raises
    ------
    ValueError
        If frequencies, gains and the filter's type do not fit each other. Traced values are not checked.

    Notes
    -----
    Differentiable in `gain`, and in `freq` where no frequency repeats. Mirrors `scipy.signal.firwin2`.

    >>> [round(float(c), 4) for c in firwin2(5, [0, 0.5, 1], [1, 1, 0])]
    [-0.0085, 0.1108, 0.75, 0.1108, -0.0085]
    """
    check.positive_int("numtaps", numtaps)
    nyquist = 0.5 * (2 if fs is None else check_fs(fs))
    freq, gain = jnp.asarray(freq, float), jnp.asarray(gain, float)
    if freq.ndim != 1 or freq.shape != gain.shape:
        raise ValueError(
            f"freq and gain must be of same length, got shapes {freq.shape} and {gain.shape}; pass 1-D arrays"
        )
    if nfreqs is not None and numtaps >= nfreqs:
        raise ValueError(
            f"ntaps must be less than nfreqs, but firwin2 was called with ntaps={numtaps} and nfreqs={nfreqs}; "
            "raise `nfreqs`"
        )
    kind = (4 if numtaps % 2 == 0 else 3) if antisymmetric else (2 if numtaps % 2 == 0 else 1)
    _check_freq(freq, nyquist)
    _check_gain(gain, kind)
    # A repeated frequency is a jump: move its two samples apart by one ulp of the Nyquist frequency.
    jump = (freq[1:] == freq[:-1]).astype(freq.dtype) * jnp.finfo(freq.dtype).eps * nyquist
    freq = freq - jnp.pad(jump, (0, 1)) + jnp.pad(jump, (1, 0))
    if not is_traced(freq) and np.any(np.asarray(freq)[1:] <= np.asarray(freq)[:-1]):
        raise ValueError(
            f"freq cannot contain numbers that are too close to a repeated value, got {np.asarray(freq)}; "
            "keep them further apart than eps * (fs/2)"
        )
    mesh = jnp.linspace(0, nyquist, 1 + 2 ** math.ceil(math.log2(numtaps)) if nfreqs is None else nfreqs)
    phase = jnp.exp(-0.5j * (numtaps - 1) * jnp.pi * mesh / nyquist)
    if antisymmetric:
        phase = phase * 1j
    h = jnp.fft.irfft(jnp.interp(mesh, freq, gain) * phase)[:numtaps]
    if window is not None:
        h = h * get_window(window, numtaps, fftbins=False)
    return h.at[numtaps // 2].set(0.0) if kind == 3 else h


def check_fs(fs: Any) -> Any:
    """`fs` if it is one real number, else a ValueError."""
    if np.ndim(fs) != 0 or isinstance(fs, (str, bytes, complex)):
        raise ValueError(f"Sampling frequency fs must be a single scalar, got {fs!r}; pass one number")
    return fs


def _check_cutoff(cutoff: jax.Array) -> None:
    if is_traced(cutoff):
        return
    values = np.asarray(cutoff)
    if values.min() <= 0 or values.max() >= 1:
        raise ValueError(
            "Invalid cutoff frequency: frequencies must be greater than 0 and less than fs/2; "
            f"got {values} as fractions of fs/2"
        )
    if np.any(np.diff(values) <= 0):
        raise ValueError(f"Invalid cutoff frequencies: the frequencies must be strictly increasing; got {values}")


def _passes_zero(pass_zero: bool | str, count: int) -> bool:
    if isinstance(pass_zero, (bool, np.bool_)):
        return bool(pass_zero)
    if pass_zero in ("lowpass", "highpass"):
        if count != 1:
            raise ValueError(f'cutoff must have one element if pass_zero=="{pass_zero}", got {count}')
        return pass_zero == "lowpass"
    if pass_zero in ("bandstop", "bandpass"):
        if count <= 1:
            raise ValueError(f'cutoff must have at least two elements if pass_zero=="{pass_zero}", got {count}')
        return pass_zero == "bandstop"
    raise ValueError(
        f"Parameter pass_zero={pass_zero!r} not in (True, False, 'bandpass', 'lowpass', 'highpass', 'bandstop')"
    )


def _check_freq(freq: jax.Array, nyquist: Any) -> None:
    if is_traced((freq, nyquist)):
        return
    f = np.asarray(freq)
    step = np.diff(f)
    if f[0] != 0 or f[-1] != nyquist:
        raise ValueError(f"freq must start with 0 and end with fs/2; got {f[0]} and {f[-1]} for fs/2={nyquist}")
    if np.any(step < 0):
        raise ValueError(f"The values in freq must be nondecreasing; got {f}")
    if np.any(step[:-1] + step[1:] == 0):
        raise ValueError(f"A value in freq must not occur more than twice; got {f}")
    if f[1] == 0:
        raise ValueError(f"Value 0 must not be repeated in freq; got {f}")
    if f[-2] == nyquist:
        raise ValueError(f"Value fs/2 must not be repeated in freq; got {f}")


def _check_gain(gain: jax.Array, kind: int) -> None:
    if is_traced(gain):
        return
    first, last = float(gain[0]), float(gain[-1])
    if kind == 2 and last != 0:
        raise ValueError(
            f"A Type II filter must have zero gain at the Nyquist frequency; got {last}; use an odd `numtaps`"
        )
    if kind == 3 and (first != 0 or last != 0):
        raise ValueError(
            f"A Type III filter must have zero gain at zero and Nyquist frequencies; got {first} and {last}"
        )
    if kind == 4 and first != 0:
        raise ValueError(f"A Type IV filter must have zero gain at zero frequency; got {first}")
