"""How far a result may lie from the exact one: by its dtype, the length of its sums and its algorithm."""

import numpy as np

from jconv.engine._accuracy import CLASSES


def tolerance(dtype, length, accuracy="direct"):
    """Normwise relative error to expect of a sum of `length` products.

    The worst case grows with the length, the typical case with its root; the factor covers both transforms of a
    gradient and the reference's own rounding.
    """
    dtype = np.dtype(dtype)
    if dtype.kind in "iub":
        return 0.0
    unit = {"bfloat16": 2.0**-8, "float16": 2.0**-11}.get(str(dtype)) or float(np.finfo(dtype).eps) / 2
    return 8 * unit * max(length, 4) ** 0.5 * max(2.0, CLASSES[accuracy].amplification)
