"""The table of all native loops."""

from __future__ import annotations

import numpy as np

from jconv.native._build import Kernel


def lfilter(dtype: np.dtype) -> Kernel:
    """The loop of b and a."""
    return Kernel("jconv.native._recursion_loops", "lfilter", (dtype.name,))


def sosfilt(dtype: np.dtype) -> Kernel:
    """The loop of second-order sections."""
    return Kernel("jconv.native._cascade_loops", "sosfilt", (dtype.name,))


_REALS = tuple(map(np.dtype, ("float32", "float64")))
KERNELS = tuple(kernel(dtype) for kernel in (lfilter, sosfilt) for dtype in _REALS)
