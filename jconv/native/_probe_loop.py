"""The loop that tries out the call frame. It imports numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from jconv.native import _frame as xla
from jconv.native._frame import ARGUMENTS, RESULTS


def probe(dtype: np.dtype) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Operand: (1, 3). Result: (8,), what the frame says of itself and of the operand.

    Where the sizes of the frame's structs are not the known ones nothing more is read, nor written.
    """
    integers = xla.POINTERS[dtype]

    @njit(inline="always")
    def parts(frame: Any) -> int:
        return 1

    @njit(inline="always")
    def work(frame: Any, part: int, count: int) -> None:
        if not xla.is_as_expected(frame):
            return
        y = xla.result(frame, 0, integers)
        y[0] = 1
        y[1] = xla.rank(frame, ARGUMENTS, 0)
        y[2], y[3] = xla.extent(frame, ARGUMENTS, 0, 0), xla.extent(frame, ARGUMENTS, 0, 1)
        y[4] = xla.argument(frame, 0, integers)[2]
        y[5] = xla.parameters(frame)[1]
        y[6], y[7] = xla.rank(frame, RESULTS, 0), xla.extent(frame, RESULTS, 0, 0)

    return parts, work
