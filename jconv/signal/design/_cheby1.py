"""The Chebyshev filter of type I that `decimate` uses, as second-order sections; static numbers, in NumPy."""

from __future__ import annotations

import math

import numpy as np


def cheby1_sos(order: int, ripple: float, cutoff: float) -> np.ndarray:
    """Low-pass of `order` with `ripple` decibels below `cutoff` (1 is the Nyquist frequency): (sections, 6).

    The analog prototype's poles lie on an ellipse at angles θ; the bilinear transform takes them to the unit disk and
    gives every pole a zero at -1.
    """
    epsilon = math.sqrt(10 ** (0.1 * ripple) - 1)
    mu = math.asinh(1 / epsilon) / order
    theta = np.pi * np.arange(-order + 1, order, 2) / (2 * order)
    poles = -np.sinh(mu + 1j * theta)
    gain = np.prod(-poles).real
    if order % 2 == 0:
        gain /= math.sqrt(1 + epsilon**2)
    warped = 4 * math.tan(math.pi * cutoff / 2)
    poles, gain = poles * warped, gain * warped**order
    gain *= (1 / np.prod(4 - poles)).real
    poles = (4 + poles) / (4 - poles)
    upper = sorted(poles[theta > 1e-12], key=abs)  # the poles nearest the unit circle come last
    sos = [[1, 2, 1, 1, -2 * p.real, abs(p) ** 2] for p in upper]
    if order % 2:
        real = poles[order // 2].real
        sos.insert(0, [1, 1, 0, 1, -real, 0])
    sections = np.array(sos, dtype=np.float64)
    sections[0, :3] *= gain
    return sections
