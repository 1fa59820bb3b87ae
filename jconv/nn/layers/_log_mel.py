"""The log-mel spectrogram, by convolutions."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jconv._core import check
from jconv.engine import conv_general_dilated
from jconv.nn.layers import _dtypes

_LAYOUT = ("NHC", "HIO", "NHC")


def log_mel(
    samples: ArrayLike, *, rate: float, window: int = 256, hop: int = 128, mels: int = 40, floor: float = 1e-6
) -> jax.Array:
    r"""Compute the logarithm of the energy in each frequency band of the mel scale, frame by frame.

    .. math:: y[t, m] = \log\Big(\epsilon + \sum_f M[f, m]\; \big|\textstyle\sum_{u=0}^{W-1} w[u]\, x[H t + u]\,
        e^{-2 \pi i f u / W}\big|^2\Big)

    Parameters
    ----------
    samples : array (..., T)
        Sound; integers count as floats.
    rate : float
        Samples per second.
    window, hop : int
        W and H: samples in a frame, and from one to the next. The window w is Hann's, the periodic one. Default 256
        and 128.
    mels : int
        Number of triangular bands M, evenly spaced on the mel scale from 0 to rate / 2. Default 40.
    floor : float
        ε, the energy of silence, not negative. Default 1e-6.

    Returns
    -------
    array (..., (T − window) // hop + 1, mels)

    Raises
    ------
    ValueError
        When the sound is shorter than the window, `rate` or `floor` makes no sense, or a band falls between two
        frequencies: use a longer window or fewer bands.

    Notes
    -----
    The Fourier transform is a convolution with stride H whose kernels are the cosines and sines times the window; the
    bands are a convolution of a single tap. Energies of half precision are computed in float32. A NaN spoils the frames
    that hold it. The gradient with respect to the samples is that of the formula. The mel scale and its triangles are
    those of S. Davis, P. Mermelstein, IEEE Trans. ASSP 28 (1980), 357–366, as HTK writes them: m = 2595 log10(1 + f /
    700 Hz).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> log_mel(jnp.sin(jnp.arange(8000.0)), rate=8000).shape
    (61, 40)
    """
    samples = _dtypes.to_floating(jnp.asarray(samples))
    if not floor >= 0:
        raise ValueError(f"`floor` must not be negative, got {floor}; 1e-6 is usual")
    window, hop = check.positive_int("window", window), check.positive_int("hop", hop)
    weights = mel_bands(window, rate=rate, mels=mels)
    if not samples.ndim or samples.shape[-1] < window:
        raise ValueError(
            f"`samples` must have at least {window} samples, got shape {samples.shape}; use a shorter window"
        )
    x = _dtypes.widen(samples).reshape(-1, samples.shape[-1], 1)
    waves = jnp.asarray(windowed_sines(window)[:, None], x.dtype)
    bands = jnp.asarray(weights[None], x.dtype)
    parts = conv_general_dilated(x, waves, (hop,), "VALID", dimension_numbers=_LAYOUT, finite_only=False)
    real, imaginary = jnp.split(parts, 2, axis=-1)
    energy = conv_general_dilated(
        real**2 + imaginary**2, bands, (1,), "VALID", dimension_numbers=_LAYOUT, finite_only=False
    )
    return jnp.log(energy + floor).reshape(*samples.shape[:-1], *energy.shape[1:]).astype(samples.dtype)


@functools.cache
def windowed_sines(window: int) -> np.ndarray:
    """Return the real, then the imaginary parts of a windowed Fourier transform: (window, 2 (window // 2 + 1))."""
    u, f = np.arange(window), np.arange(window // 2 + 1)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * u / window)
    angle = 2 * np.pi * (np.outer(u, f) % window) / window
    return hann[:, None] * np.concatenate([np.cos(angle), -np.sin(angle)], axis=1)


def mel_bands(window: int, *, rate: float, mels: int = 40) -> np.ndarray:
    r"""Return the weight of each frequency of a Fourier transform in each band of the mel scale.

    .. math:: M[f, m] = \max\Big(0, \min\Big(\frac{h_f - e_m}{e_{m+1} - e_m},\; \frac{e_{m+2} - h_f}{e_{m+2} - e_{m+1}}
        \Big)\Big), \quad h_f = \frac{f\, rate}{window}

    Parameters
    ----------
    window : int
        Samples of a frame that is transformed.
    rate : float
        Samples per second.
    mels : int
        Number of triangular bands, whose edges e are evenly spaced on the mel scale from 0 to rate / 2. Default 40.

    Returns
    -------
    NumPy array (window // 2 + 1, mels), float64
        It is shared between calls and cannot be written to.

    Raises
    ------
    ValueError
        When `rate` is not positive, or a band falls between two frequencies: use a longer window or fewer bands.

    Notes
    -----
    These are the bands of `log_mel`, which has the source. They are constants: nothing is differentiated.

    Examples
    --------
    >>> mel_bands(256, rate=8000, mels=20).shape
    (129, 20)
    """
    if not rate > 0:
        raise ValueError(f"`rate` must be positive, got {rate}; pass the samples per second")
    return _triangles(check.positive_int("window", window), float(rate), check.positive_int("mels", mels))


@functools.cache
def _triangles(window: int, rate: float, mels: int) -> np.ndarray:
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)
    edges = 700 * (10 ** (np.linspace(0, mel(rate / 2), mels + 2) / 2595) - 1)
    hertz = np.arange(window // 2 + 1)[:, None] * rate / window
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rising, falling))
    if not bands.any(axis=0).all():
        raise ValueError(
            f"`mels` {mels} are too many for a window of {window} samples: some band holds no frequency; use fewer, or "
            "a longer window"
        )
    bands.setflags(write=False)
    return bands
