"""How far two results may lie apart."""

import numpy as np


def rounding(dtype, terms: int = 1) -> float:
    """Relative error of a sum of `terms` rounded terms."""
    return 4 * np.sqrt(terms) * float(np.finfo(dtype).eps)


# What the closed-form tables and their derivatives are held to.
RELATIVE = {np.dtype("float64"): 1e-12, np.dtype("float32"): 2e-6}
DERIVATIVE = 1e-10
LAW = 100 * float(np.finfo(np.float64).eps)

# How large a reported error may be where the value is right to `RELATIVE`.
RELATIVE_ERROR_ESTIMATE = 1e3 * RELATIVE[np.dtype("float64")]
