"""Windows that are best in some sense: Kaiser, Dolph-Chebyshev, Taylor and Slepian.

As in `_closed_forms`, the first argument is the namespace in which a function computes.
"""

from __future__ import annotations

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.signal.windows._closed_forms import Array, Real, from_middle


def kaiser(xp: ModuleType, size: int, beta: Real) -> Array:
    s = xp.sqrt(1 - xp.clip(from_middle(xp, size) / ((size - 1) / 2), -1, 1) ** 2)
    shape = xp.asarray(beta, s.dtype)
    # The scaled Bessel function: no overflow, whatever beta.
    return xp.exp(abs(shape) * (s - 1)) * _i0e(xp, shape * s) / _i0e(xp, shape)


def kaiser_bessel_derived(xp: ModuleType, size: int, beta: Real) -> Array:
    """Return the root of the running sum of a Kaiser window: two halves, overlapped by one half, sum to 1 in power."""
    if size % 2:
        raise ValueError(
            "Kaiser-Bessel Derived windows are only defined for even number of points, and as symmetric windows; "
            f"got {size} samples; pass an even `Nx` and fftbins=False"
        )
    total = xp.cumsum(kaiser(xp, size // 2 + 1, beta))
    half = xp.sqrt(total[:-1] / total[-1])
    return xp.concatenate([half, half[::-1]])


def chebwin(xp: ModuleType, size: int, at: Real) -> Array:
    """All side lobes at `at` decibels: the transform is a Chebyshev polynomial of x = β cos(πk / size)."""
    order = size - 1
    beta = xp.cosh(xp.arccosh(10 ** (abs(xp.asarray(at, float)) / 20)) / order)
    k = xp.arange(size)
    x = beta * xp.cos(np.pi * k / size)
    above = abs(x) > 1
    grown = xp.cosh(order * xp.arccosh(xp.where(above, abs(x), 1.0))) * xp.where(x < 0, (-1) ** order, 1)
    value = xp.where(above, grown, xp.cos(order * xp.arccos(xp.where(above, 0.0, x))))
    if size % 2:
        half = xp.fft.fft(value).real[: (size + 1) // 2]
        w = xp.concatenate([half[:0:-1], half])
    else:
        half = xp.fft.fft(value * xp.exp(1j * np.pi / size * k)).real[: size // 2 + 1]
        w = xp.concatenate([half[:0:-1], half[1:]])
    return w / xp.max(w)


def taylor(xp: ModuleType, size: int, nbar: int = 4, sll: Real = 30, norm: bool = True) -> Array:
    """`nbar` side lobes next to the main one at -`sll` decibels, the others falling off; `norm`: 1 in the middle."""
    nbar = check.positive_int("nbar", nbar)
    a = xp.arccosh(xp.asarray(10.0, float) ** (sll / 20)) / np.pi
    s2 = nbar**2 / (a**2 + (nbar - 0.5) ** 2)
    m = np.arange(1, nbar)
    zeros = 1 - (m**2)[:, None] / s2 / (a**2 + (m - 0.5) ** 2)
    other = 1 - (m**2)[:, None] / (m**2)
    np.fill_diagonal(other, 1.0)
    coefficients = (-1.0) ** (m + 1) * xp.prod(zeros, axis=1) / (2 * np.prod(other, axis=1))

    def value(n: Array) -> Array:
        return 1 + 2 * xp.sum(coefficients[:, None] * xp.cos(2 * np.pi * m[:, None] * n / size), axis=0)

    w = value(from_middle(xp, size))
    return w / value(xp.zeros(1)) if norm else w


def dpss(xp: ModuleType, size: int, NW: float) -> Array:
    """Return the Slepian window of half bandwidth `NW`: a tridiagonal matrix's eigenvector of largest eigenvalue."""
    if xp is jnp:
        raise TypeError(
            "`window` ('dpss', NW) needs a number for NW, got a traced value: it is an eigenvector of a matrix; "
            "use ('kaiser', beta) with a traced beta, which is close to it"
        )
    if not 0 < NW < size / 2:
        raise ValueError(f"NW must lie between 0 and {size / 2}, half the window's length; got {NW}")
    from scipy.linalg import eigh_tridiagonal  # SciPy comes with JAX, but is not imported with jconv

    n = np.arange(size)
    diagonal = ((size - 1 - 2 * n) / 2) ** 2 * np.cos(2 * np.pi * NW / size)
    _, vectors = eigh_tridiagonal(diagonal, n[1:] * (size - n[1:]) / 2, select="i", select_range=(size - 1, size - 1))
    w = vectors[:, 0] * np.sign(vectors.sum())
    w = w / w.max()
    # The middle of an even window lies between two samples, so that its largest sample is a little below 1.
    return w if size % 2 else w * (size**2 / (size**2 + NW))


def _i0e(xp: ModuleType, x: Array) -> Array:
    if xp is jnp:
        return jax.scipy.special.i0e(x)
    from scipy.special import i0e  # SciPy comes with JAX, but is not imported with jconv

    return i0e(x)
