"""Windows by name, as filter design uses them; their parameters may be traced."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import i0e

from jconv._core import check


def get_window(window: Any, Nx: int, fftbins: bool = True) -> jax.Array:
    r"""The samples of a window, by name.

    .. math:: w[n], \quad n = 0 \dots N_x - 1

    Parameters
    ----------
    window : str, tuple or number
        A name, a tuple of a name and its parameters such as ("kaiser", 8.0), or the beta of a Kaiser window.
    Nx : int
        The number of samples.
    fftbins : bool
        Periodic, for use with an FFT, or symmetric, for filter design.

    Returns
    -------
    Array, shape (Nx,), floating.

    Raises
    ------
    ValueError
        If the name is unknown, a parameter is missing or superfluous, or `Nx` is below 1.

    Notes
    -----
    Differentiable in the window's parameters. Mirrors `scipy.signal.get_window` for the names in its error message.

    >>> get_window("triang", 4, fftbins=False)
    Array([0.25, 0.75, 0.75, 0.25], dtype=float...)
    """
    count = check.positive_int("Nx", Nx)
    if isinstance(window, str):
        window = (window,)
    elif not isinstance(window, tuple):
        window = ("kaiser", window)
    name, *args = window
    symmetric = not fftbins
    if isinstance(name, str) and name.endswith(("_symmetric", "_periodic")):
        name, _, kind = name.rpartition("_")
        symmetric = kind == "symmetric"
    name = check.choice("window", name, [*_WINDOWS, *_ALIASES])
    name = _ALIASES.get(name, name)
    least, most, function = _WINDOWS[name]
    if not least <= len(args) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(f"`window` {name!r} takes {wanted} parameters, got {window!r}; pass (name, parameter, …)")
    if count == 1:
        return jnp.ones(1)
    size = count if symmetric else count + 1
    return function(size, *args)[:count]


def _cosines(size: int, weights: Any) -> jax.Array:
    phase = _centred(size) * (2 * jnp.pi / (size - 1))
    weights = jnp.asarray(weights)
    return jnp.sum(weights[:, None] * jnp.cos(jnp.arange(weights.size)[:, None] * phase), axis=0)


def _centred(size: int) -> jax.Array:
    return jnp.arange(size) - (size - 1) / 2


def _triang(size: int) -> jax.Array:
    half = (size + 1) // 2
    return 1 - jnp.abs(_centred(size)) / (half if size % 2 else size / 2)


def _bartlett(size: int) -> jax.Array:
    return 1 - jnp.abs(_centred(size)) / ((size - 1) / 2)


def _parzen(size: int) -> jax.Array:
    n = jnp.abs(_centred(size))
    r = n / (size / 2)
    return jnp.where(n <= (size - 1) / 4, 1 - 6 * r**2 + 6 * r**3, 2 * (1 - r) ** 3)


def _bohman(size: int) -> jax.Array:
    r = jnp.abs(jnp.linspace(-1, 1, size)[1:-1])
    return jnp.pad((1 - r) * jnp.cos(jnp.pi * r) + jnp.sin(jnp.pi * r) / jnp.pi, 1)


def _barthann(size: int) -> jax.Array:
    r = jnp.abs(_centred(size)) / (size - 1)
    return 0.62 - 0.48 * r + 0.38 * jnp.cos(2 * jnp.pi * r)


def _cosine(size: int) -> jax.Array:
    return jnp.sin(jnp.pi / size * (jnp.arange(size) + 0.5))


def _lanczos(size: int) -> jax.Array:
    return jnp.sinc(2 * _centred(size) / (size - 1))


def _gaussian(size: int, std: Any) -> jax.Array:
    return jnp.exp(-(_centred(size) ** 2) / (2 * std * std))


def _general_gaussian(size: int, p: Any, sig: Any) -> jax.Array:
    return jnp.exp(-0.5 * (_centred(size) / sig) ** 2) if p == 1 else jnp.exp(
        -0.5 * jnp.abs(_centred(size) / sig) ** (2 * p)
    )  # fmt: skip


def _exponential(size: int, center: Any = None, tau: Any = 1.0) -> jax.Array:
    middle = (size - 1) / 2 if center is None else center
    return jnp.exp(-jnp.abs(jnp.arange(size) - middle) / tau)


def _tukey(size: int, alpha: float = 0.5) -> jax.Array:
    if alpha <= 0:
        return jnp.ones(size)
    if alpha >= 1:
        return _cosines(size, (0.5, 0.5))
    width = math.floor(alpha * (size - 1) / 2)
    n = jnp.arange(width + 1)
    edge = 0.5 * (1 + jnp.cos(jnp.pi * (-1 + 2 * n / alpha / (size - 1))))
    return jnp.concatenate([edge, jnp.ones(size - 2 * (width + 1)), edge[::-1]])


def _kaiser(size: int, beta: Any) -> jax.Array:
    s = jnp.sqrt(1 - jnp.clip(_centred(size) / ((size - 1) / 2), -1, 1) ** 2)
    beta = jnp.asarray(beta, s.dtype)
    # The scaled Bessel function: no overflow, whatever beta.
    return jnp.exp(jnp.abs(beta) * (s - 1)) * i0e(beta * s) / i0e(beta)


# name: (least parameters, most parameters, function of the size and the parameters)
_WINDOWS: dict[str, tuple[int, int, Callable[..., jax.Array]]] = {
    "boxcar": (0, 0, jnp.ones),
    "triang": (0, 0, _triang),
    "bartlett": (0, 0, _bartlett),
    "parzen": (0, 0, _parzen),
    "bohman": (0, 0, _bohman),
    "barthann": (0, 0, _barthann),
    "cosine": (0, 0, _cosine),
    "lanczos": (0, 0, _lanczos),
    "hann": (0, 0, lambda n: _cosines(n, (0.5, 0.5))),
    "hamming": (0, 0, lambda n: _cosines(n, (0.54, 0.46))),
    "blackman": (0, 0, lambda n: _cosines(n, (0.42, 0.5, 0.08))),
    "nuttall": (0, 0, lambda n: _cosines(n, (0.3635819, 0.4891775, 0.1365995, 0.0106411))),
    "blackmanharris": (0, 0, lambda n: _cosines(n, (0.35875, 0.48829, 0.14128, 0.01168))),
    "flattop": (0, 0, lambda n: _cosines(n, (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368))),
    "general_cosine": (1, 1, _cosines),
    "general_hamming": (1, 1, lambda n, alpha: _cosines(n, jnp.stack([alpha, 1 - jnp.asarray(alpha)]))),
    "gaussian": (1, 1, _gaussian),
    "general_gaussian": (2, 2, _general_gaussian),
    "exponential": (0, 2, _exponential),
    "tukey": (0, 1, _tukey),
    "kaiser": (1, 1, _kaiser),
}

_ALIASES = {
    "box": "boxcar", "ones": "boxcar", "rect": "boxcar", "rectangular": "boxcar",
    "tri": "triang", "triangle": "triang", "bart": "bartlett", "brt": "bartlett",
    "parz": "parzen", "par": "parzen", "bman": "bohman", "bmn": "bohman", "brthan": "barthann", "bth": "barthann",
    "halfcosine": "cosine", "sinc": "lanczos", "han": "hann", "hanning": "hann", "hamm": "hamming", "ham": "hamming",
    "black": "blackman", "blk": "blackman", "nutl": "nuttall", "nut": "nuttall", "blackharr": "blackmanharris",
    "bkh": "blackmanharris", "flat": "flattop", "flt": "flattop", "gauss": "gaussian", "gss": "gaussian",
    "general gaussian": "general_gaussian", "general gauss": "general_gaussian", "ggs": "general_gaussian",
    "general cosine": "general_cosine", "general hamming": "general_hamming", "poisson": "exponential",
    "tuk": "tukey", "ksr": "kaiser",
}  # fmt: skip
