"""The engine: every convolution of jconv ends here."""

from jconv.engine.accelerate import accelerate, restore
from jconv.engine.conv2d import conv2d
from jconv.engine.correlate import correlate
from jconv.engine.lax_face import conv_general_dilated, conv_transpose
from jconv.engine.patches import conv_general_dilated_local, conv_general_dilated_patches, fold, unfold
from jconv.engine.plan_face import plan
from jconv.engine.planner import Plan
from jconv.engine.wisdom import WisdomError, forget_wisdom, load_wisdom, save_wisdom

__all__ = [
    "Plan",
    "WisdomError",
    "accelerate",
    "conv2d",
    "conv_general_dilated",
    "conv_general_dilated_local",
    "conv_general_dilated_patches",
    "conv_transpose",
    "correlate",
    "fold",
    "forget_wisdom",
    "load_wisdom",
    "plan",
    "restore",
    "save_wisdom",
    "unfold",
]
