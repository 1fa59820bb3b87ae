"""When further training no longer helps."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jconv._core import check


class EarlyStopping(NamedTuple):
    """Stop when a validation metric has not become better for `patience` validations; the best state is kept.

    Whether to stop follows from the validations so far alone, so that a resumed run stops where an undisturbed one
    does.

    Raises
    ------
    ValueError
        On use, when `better` is neither "lower" nor "higher", or `patience` is less than 1.

    Examples
    --------
    >>> EarlyStopping("loss", patience=2).best([3.0, 1.0, 2.0])
    1
    >>> EarlyStopping("loss", patience=2).ends([3.0, 1.0, 2.0]), EarlyStopping("loss", patience=2).ends([3, 1, 2, 1])
    (False, True)
    """

    metric: str
    """One of those that `validate` returns."""
    patience: int = 5
    """Validations without an improvement after which training ends."""
    better: Literal["lower", "higher"] = "lower"
    """Whether lower or higher values are better."""
    least: float = 0.0
    """What a value must be better by to count."""

    def best(self, values: ArrayLike) -> int:
        """Return the index of the value after which none was better by more than `least`."""
        check.choice("better", self.better, ("lower", "higher"))
        signed = np.asarray(values) * (1 if self.better == "lower" else -1)
        best = 0
        for index, value in enumerate(signed):
            if value < signed[best] - self.least:
                best = index
        return best

    def ends(self, values: ArrayLike) -> bool:
        """Return whether these validations end the training."""
        patience = check.positive_int("patience", self.patience)
        count = len(np.asarray(values))
        return count > 0 and count - 1 - self.best(values) >= patience
