"""How far a derivative may lie from its difference quotient."""

import numpy as np


def difference_quotient(step: float, scale: float = 1.0) -> float:
    """The error of a central difference of step h of a smooth function in float64: h² and eps/h, with slack."""
    return scale * (100 * step**2 + 10 * float(np.finfo(np.float64).eps) / step)
