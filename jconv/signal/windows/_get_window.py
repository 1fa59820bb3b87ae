"""Windows by name, as filter design uses them; their parameters may be traced."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal._dtypes import ArrayLike, as_array
from jconv.signal.windows import _closed_forms as forms
from jconv.signal.windows import _optimal as optimal

WindowLike = str | float | tuple | jax.Array
"""A window's name, a tuple of a name and parameters, or the beta of a Kaiser window."""


def get_window(window: WindowLike, Nx: int, fftbins: bool = True) -> jax.Array:
    r"""Sample a window, by name.

    .. math:: w[n], \quad n = 0 \dots N_x - 1

    Parameters
    ----------
    window : str, tuple or number
        A name, a tuple of a name and its parameters such as ("kaiser", 8.0), or the beta of a Kaiser window.
    Nx : int
        The number of samples.
    fftbins : bool
        Periodic, for use with an FFT, or symmetric, for filter design. Default True.

    Returns
    -------
    Array, shape (Nx,), floating.

    Raises
    ------
    ValueError
        If the name is unknown, a parameter is missing or superfluous, or `Nx` is below 1.
    TypeError
        If NW of "dpss" is traced: it has no gradient.

    Notes
    -----
    Where the parameters are known, the window is computed in double precision while the program is traced. Else it is
    differentiable in them, but for `nbar` and `norm` of "taylor", which are static, and NW of "dpss".
    Follows `scipy.signal.get_window`, with all of its names.

    Examples
    --------
    >>> get_window("triang", 4, fftbins=False)
    Array([0.25, 0.75, 0.75, 0.25], dtype=float...)
    """
    count = check.positive_int("Nx", Nx)
    if isinstance(window, str):
        window = (window,)
    elif not isinstance(window, tuple):
        window = ("kaiser", window)
    name, *parameters = window
    symmetric = not fftbins
    if isinstance(name, str) and name.endswith(("_symmetric", "_periodic")):
        name, _, kind = name.rpartition("_")
        symmetric = kind == "symmetric"
    name = check.choice("window", name, [*_WINDOWS, *_ALIASES])
    name = _ALIASES.get(name, name)
    least, most, function, symmetric_only = _WINDOWS[name]
    if not least <= len(parameters) <= most:
        takes = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(f"`window` {name!r} takes {takes} parameters, got {window!r}; pass (name, parameter, …)")
    if symmetric_only and not symmetric:
        raise ValueError(f"`window` {name!r} is only defined as a symmetric window; pass fftbins=False")
    if count == 1 and not symmetric_only:
        return jnp.ones(1)
    size = count if symmetric else count + 1
    if any(map(is_traced, parameters)):
        return jnp.asarray(function(jnp, size, *parameters)[:count])
    numbers = [p if p is None or isinstance(p, (bool, int, float)) else np.asarray(p) for p in parameters]
    return jnp.asarray(function(np, size, *numbers)[:count], float)


def window_taps(window: WindowLike | ArrayLike, count: int) -> jax.Array:
    """Return the `count` factors of a symmetric window for filter design, by name or as an array of that length."""
    if isinstance(window, (str, tuple)):
        return get_window(window, count, fftbins=False)
    factors = as_array("window", window)
    if factors.ndim == 0:  # the beta of a Kaiser window
        return get_window(factors, count, fftbins=False)
    if factors.shape != (count,):
        raise ValueError(f"`window` must hold a factor for each of the {count} taps, got shape {factors.shape}")
    return factors


class _Window(NamedTuple):
    least: int
    most: int
    function: Callable[..., forms.Array]
    symmetric_only: bool = False


def _cosines(*weights: float) -> _Window:
    return _Window(0, 0, partial(forms.cosine_sum, weights=weights))


# name: (least parameters, most parameters, function of the namespace, the size and the parameters)
_WINDOWS: dict[str, _Window] = {
    "boxcar": _Window(0, 0, forms.boxcar),
    "triang": _Window(0, 0, forms.triang),
    "bartlett": _Window(0, 0, forms.bartlett),
    "parzen": _Window(0, 0, forms.parzen),
    "bohman": _Window(0, 0, forms.bohman),
    "barthann": _Window(0, 0, forms.barthann),
    "cosine": _Window(0, 0, forms.cosine),
    "lanczos": _Window(0, 0, forms.lanczos),
    "hann": _cosines(0.5, 0.5),
    "hamming": _cosines(0.54, 0.46),
    "blackman": _cosines(0.42, 0.5, 0.08),
    "nuttall": _cosines(0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": _cosines(0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": _cosines(0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
    "general_cosine": _Window(1, 1, forms.cosine_sum),
    "general_hamming": _Window(1, 1, forms.general_hamming),
    "gaussian": _Window(1, 1, forms.gaussian),
    "general_gaussian": _Window(2, 2, forms.general_gaussian),
    "exponential": _Window(0, 2, forms.exponential),
    "tukey": _Window(0, 1, forms.tukey),
    "kaiser": _Window(1, 1, optimal.kaiser),
    "kaiser_bessel_derived": _Window(1, 1, optimal.kaiser_bessel_derived, symmetric_only=True),
    "chebwin": _Window(1, 1, optimal.chebwin),
    "taylor": _Window(0, 3, optimal.taylor),
    "dpss": _Window(1, 1, optimal.dpss),
}

_ALIASES = {
    "box": "boxcar", "ones": "boxcar", "rect": "boxcar", "rectangular": "boxcar",
    "tri": "triang", "triangle": "triang", "bart": "bartlett", "brt": "bartlett",
    "parz": "parzen", "par": "parzen", "bman": "bohman", "bmn": "bohman", "brthan": "barthann", "bth": "barthann",
    "halfcosine": "cosine", "sinc": "lanczos", "han": "hann", "hanning": "hann", "hamm": "hamming", "ham": "hamming",
    "black": "blackman", "blk": "blackman", "nutl": "nuttall", "nut": "nuttall", "blackharr": "blackmanharris",
    "bkh": "blackmanharris", "flat": "flattop", "flt": "flattop", "gauss": "gaussian", "gss": "gaussian",
    "general gaussian": "general_gaussian", "general gauss": "general_gaussian",
    "general_gauss": "general_gaussian", "ggs": "general_gaussian",
    "general cosine": "general_cosine", "general hamming": "general_hamming", "poisson": "exponential",
    "tuk": "tukey", "ksr": "kaiser", "kaiser bessel derived": "kaiser_bessel_derived", "kbd": "kaiser_bessel_derived",
    "cheb": "chebwin", "taylorwin": "taylor",
}  # fmt: skip
