"""The engine: every convolution of jconv ends here."""

from jconv.engine._api.accelerate import accelerate, restore
from jconv.engine._api.conv2d import conv2d
from jconv.engine._api.correlate import correlate
from jconv.engine._api.lax import conv_general_dilated, conv_transpose, transpose_padding
from jconv.engine._api.patches import conv_general_dilated_local, conv_general_dilated_patches, fold, unfold
from jconv.engine._api.plan import plan
from jconv.engine._planner import Plan, check_algorithm
from jconv.engine._wisdom import WisdomError, forget_wisdom, load_wisdom, save_wisdom

__all__ = [
    "Plan",
    "WisdomError",
    "accelerate",
    "check_algorithm",
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
    "transpose_padding",
    "unfold",
]
