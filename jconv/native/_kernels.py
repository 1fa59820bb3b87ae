"""The table of all native loops."""

from __future__ import annotations

import numpy as np

from jconv.native._build import Kernel

_RECURSION = "jconv.native._recursion_loops"


def lfilter(dtype: np.dtype) -> Kernel:
    """The loop of b and a."""
    return Kernel(_RECURSION, "lfilter", (dtype.name,))


def sosfilt(dtype: np.dtype) -> Kernel:
    """The loop of second-order sections."""
    return Kernel(_RECURSION, "sosfilt", (dtype.name,))


_REALS = tuple(map(np.dtype, ("float32", "float64")))
KERNELS = tuple(kernel(dtype) for kernel in (lfilter, sosfilt) for dtype in _REALS)
