"""Design of FIR filters by windowing the ideal response; cut-offs and widths may be traced."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal._dtypes import ArrayLike, as_array
from jconv.signal.design._kaiser import kaiser_atten, kaiser_beta
from jconv.signal.windows._get_window import WindowLike, window_taps


def firwin(
    numtaps: int,
    cutoff: ArrayLike,
    *,
    width: ArrayLike | None = None,
    window: WindowLike | ArrayLike = "hamming",
    pass_zero: bool | str = True,
    scale: bool = True,
    fs: float | jax.Array | None = None,
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
        Width of the transition in units of `fs`; chooses a Kaiser window in place of `window`. May be traced.
    window
        As in `get_window`, its parameters may be traced; or an array of `numtaps` factors. Default "hamming".
    pass_zero : bool or {"lowpass", "highpass", "bandpass", "bandstop"}
        Whether the gain at frequency 0 is 1. Default True.
    scale : bool
        Make the response exactly 1 at the middle of the first pass band, or at 0 or fs/2 where the band ends there.
        Default True.
    fs : float
        The sampling frequency. Default 2.

    Returns
    -------
    Array, shape (numtaps,), floating.

    Raises
    ------
    ValueError
        If cut-offs, `pass_zero`, `window` and `numtaps` do not fit each other. Traced cut-offs are not checked.

    Notes
    -----
    Differentiable in `cutoff`, `width` and the window's parameters. Follows `scipy.signal.firwin`, which takes no array
    as `window`.

    Examples
    --------
    >>> firwin(3, 0.5).round(4)
    Array([0.0462, 0.9076, 0.0462], dtype=float...)
    """
    check.positive_int("numtaps", numtaps)
    nyquist = 0.5 * (2 if fs is None else check_fs(fs))
    cutoff = jnp.atleast_1d(as_array("cutoff", cutoff).astype(float)) / nyquist
    if cutoff.ndim > 1:
        raise ValueError(
            f"The cutoff argument must be at most one-dimensional, got shape {cutoff.shape}; "
            "use jax.vmap for many filters"
        )
    if cutoff.size == 0:
        raise ValueError("At least one cutoff frequency must be given; `cutoff` is empty")
    _check_cutoff(cutoff)
    if width is not None:
        window = ("kaiser", kaiser_beta(kaiser_atten(numtaps, as_array("width", width).astype(float) / nyquist)))
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
    h = jnp.sum(ideal[:, 1] - ideal[:, 0], axis=0) * window_taps(window, numtaps)
    if scale:
        if passes_zero:
            centre = 0.0
        elif passes_nyquist and cutoff.size == 1:
            centre = 1.0
        else:
            centre = 0.5 * (edges[0, 0] + edges[0, 1])
        gain = jnp.sum(h * jnp.cos(jnp.pi * m * centre))
        # The barrier keeps XLA from multiplying by the reciprocal of one number, which is off by a rounding.
        h = h / lax.optimization_barrier(jnp.broadcast_to(gain, h.shape))
    return h


def check_fs(fs: float | jax.Array) -> float | jax.Array:
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
