"""The table of all native loops."""

from __future__ import annotations

import numpy as np

from jconv.native._build import Kernel


def lfilter(dtype: np.dtype) -> Kernel:
    """The loop of b and a."""
    return Kernel("jconv.native._recursion_loops", "lfilter", dtype.name)


def sosfilt(dtype: np.dtype) -> Kernel:
    """The loop of second-order sections."""
    return Kernel("jconv.native._cascade_loops", "sosfilt", dtype.name)


def network(dtype: np.dtype, count: int, rank: int) -> Kernel:
    """The loop of order statistics under a few samples."""
    return Kernel("jconv.native._order_loops", "network", dtype.name, (count, rank))


def comparators(dtype: np.dtype) -> Kernel:
    """The loop of order statistics under tens of samples."""
    return Kernel("jconv.native._order_loops", "comparators", dtype.name)


def window(dtype: np.dtype) -> Kernel:
    """The loop of order statistics under many samples."""
    return Kernel("jconv.native._window_loops", "window", dtype.name)


def pick(dtype: np.dtype) -> Kernel:
    """The loop of the derivative of order statistics."""
    return Kernel("jconv.native._order_loops", "pick", dtype.name)


REALS = tuple(map(np.dtype, ("float32", "float64")))
# Numbers of samples whose median has a loop of its own: others' networks are read as data.
IN_REGISTERS = 3, 5, 9, 25
ORDERED = REALS + tuple(np.dtype(f"{kind}{bits}") for kind in ("int", "uint") for bits in (8, 16, 32, 64))
KERNELS = (
    *(kernel(dtype) for kernel in (lfilter, sosfilt, pick) for dtype in REALS),
    *(kernel(dtype) for kernel in (comparators, window) for dtype in ORDERED),
    *(network(dtype, count, count // 2) for count in IN_REGISTERS for dtype in ORDERED),
)
