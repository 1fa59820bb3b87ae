"""Windows given by elementary functions of the sample's place.

Every function takes the namespace in which it computes: NumPy, in double precision, where its parameters are known, or
`jax.numpy` where they are traced.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import jax
import numpy as np

Array = np.ndarray | jax.Array
Real = float | jax.Array


def cosine_sum(xp: ModuleType, size: int, weights: Sequence[Real] | Array) -> Array:
    """Σ_k weights[k] cos(k φ), with φ = 0 in the middle and ±π at the ends."""
    phase = from_middle(xp, size) * (2 * np.pi / (size - 1))
    factors = xp.asarray(weights)
    return xp.sum(factors[:, None] * xp.cos(xp.arange(factors.size)[:, None] * phase), axis=0)


def from_middle(xp: ModuleType, size: int) -> Array:
    """Return the samples' distances from the middle."""
    return xp.arange(size) - (size - 1) / 2


def boxcar(xp: ModuleType, size: int) -> Array:
    return xp.ones(size)


def triang(xp: ModuleType, size: int) -> Array:
    half = (size + 1) // 2
    return 1 - abs(from_middle(xp, size)) / (half if size % 2 else size / 2)


def bartlett(xp: ModuleType, size: int) -> Array:
    return 1 - abs(from_middle(xp, size)) / ((size - 1) / 2)


def parzen(xp: ModuleType, size: int) -> Array:
    n = abs(from_middle(xp, size))
    r = n / (size / 2)
    return xp.where(n <= (size - 1) / 4, 1 - 6 * r**2 + 6 * r**3, 2 * (1 - r) ** 3)


def bohman(xp: ModuleType, size: int) -> Array:
    r = abs(xp.linspace(-1, 1, size)[1:-1])
    return xp.pad((1 - r) * xp.cos(np.pi * r) + xp.sin(np.pi * r) / np.pi, 1)


def barthann(xp: ModuleType, size: int) -> Array:
    r = abs(from_middle(xp, size)) / (size - 1)
    return 0.62 - 0.48 * r + 0.38 * xp.cos(2 * np.pi * r)


def cosine(xp: ModuleType, size: int) -> Array:
    return xp.sin(np.pi / size * (xp.arange(size) + 0.5))


def lanczos(xp: ModuleType, size: int) -> Array:
    return xp.sinc(2 * from_middle(xp, size) / (size - 1))


def general_hamming(xp: ModuleType, size: int, alpha: Real) -> Array:
    return cosine_sum(xp, size, xp.stack([xp.asarray(alpha), 1 - xp.asarray(alpha)]))


def gaussian(xp: ModuleType, size: int, std: Real) -> Array:
    return xp.exp(-(from_middle(xp, size) ** 2) / (2 * std * std))


def general_gaussian(xp: ModuleType, size: int, p: Real, sig: Real) -> Array:
    # The power is taken away from the middle only, where its slope in p would be 0 · log 0.
    n = abs(from_middle(xp, size))
    away = n > 0
    exponent = xp.where(away, (xp.where(away, n, 1.0) / sig) ** (2 * p), 0.0)
    return xp.exp(-0.5 * exponent)


def exponential(xp: ModuleType, size: int, center: Real | None = None, tau: Real = 1.0) -> Array:
    middle = (size - 1) / 2 if center is None else center
    return xp.exp(-abs(xp.arange(size) - middle) / tau)


def tukey(xp: ModuleType, size: int, alpha: Real = 0.5) -> Array:
    """Cosine lobes over the share α of the samples, ones between them; α beyond 0 and 1 means 0 and 1."""
    share = xp.clip(xp.asarray(alpha, float), 0, 1)
    place = xp.arange(size) / (size - 1)
    edge = xp.minimum(place, 1 - place)  # the distance from the nearer end
    inside = edge >= share / 2
    phase = xp.where(inside, 1.0, 2 * edge / xp.where(share > 0, share, 1.0))
    return 0.5 * (1 - xp.cos(np.pi * phase))
