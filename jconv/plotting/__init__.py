"""Pictures of arrays, as Matplotlib figures that belong to nobody else: no pyplot, no global state."""

from jconv.plotting.classification import confusion, learning_curves
from jconv.plotting.figure import save
from jconv.plotting.kernels import kernel_grid
from jconv.plotting.recovery import kernel_recovery

__all__ = ["confusion", "kernel_grid", "kernel_recovery", "learning_curves", "save"]
