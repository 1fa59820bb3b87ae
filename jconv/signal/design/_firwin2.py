"""Design of FIR filters from gains at given frequencies, which may be traced."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal._dtypes import ArrayLike, as_array
from jconv.signal.design._firwin import check_fs
from jconv.signal.windows._get_window import WindowLike, window_taps


def firwin2(
    numtaps: int,
    freq: ArrayLike,
    gain: ArrayLike,
    *,
    nfreqs: int | None = None,
    window: WindowLike | ArrayLike | None = "hamming",
    antisymmetric: bool = False,
    fs: float | jax.Array | None = None,
) -> jax.Array:
    r"""Design an FIR filter from its gain at given frequencies, interpolated linearly.

    .. math:: h = w \cdot \mathcal F^{-1}\bigl[G(f)\,e^{-i\pi f (N-1)/2}\bigr]

    Parameters
    ----------
    numtaps : int
        The number N of taps.
    freq : 1-D array
        Frequencies from 0 to fs/2, nondecreasing; a frequency given twice is a jump. May be traced.
    gain : 1-D array
        The gain at `freq`. May be traced.
    nfreqs : int, optional
        The size of the interpolation mesh. Default 1 + the power of two from
        `numtaps` on.
    window
        As in `get_window`; or an array of `numtaps` factors; or None. Default "hamming".
    antisymmetric : bool
        Types III and IV, with a factor i. Default False.
    fs : float
        The sampling frequency. Default 2.

    Returns
    -------
    Array, shape (numtaps,), floating.

    Raises
    ------
    ValueError
        If frequencies, gains and the filter's type do not fit each other. Traced values are not checked.

    Notes
    -----
    Differentiable in `gain`, and in `freq` where no frequency repeats. Follows `scipy.signal.firwin2`.

    Examples
    --------
    >>> [round(float(c), 4) for c in firwin2(5, [0, 0.5, 1], [1, 1, 0])]
    [-0.0085, 0.1108, 0.75, 0.1108, -0.0085]
    """
    check.positive_int("numtaps", numtaps)
    nyquist = 0.5 * (2 if fs is None else check_fs(fs))
    freq, gain = as_array("freq", freq).astype(float), as_array("gain", gain).astype(float)
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
        h = h * window_taps(window, numtaps)
    return h.at[numtaps // 2].set(0.0) if kind == 3 else h


def _check_freq(freq: jax.Array, nyquist: float | jax.Array) -> None:
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
