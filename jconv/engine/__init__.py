"""The engine: every convolution of jconv ends here."""

from jconv.engine._api.accelerate import accelerate, decelerate
from jconv.engine._api.conv2d import conv2d
from jconv.engine._api.correlate import correlate, correlate_with_free_borders
from jconv.engine._api.lax import conv_general_dilated, conv_transpose, transpose_padding
from jconv.engine._api.patches import conv_general_dilated_local, conv_general_dilated_patches, fold, unfold
from jconv.engine._api.plan import plan
from jconv.engine._api.wisdom import forget_wisdom, load_wisdom, save_wisdom
from jconv.engine._plan import Plan
from jconv.engine._policy import check_algorithm
from jconv.engine._primitive import PRIMITIVE
from jconv.engine._wisdom import WisdomError

__all__ = [
    "PRIMITIVE",
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
    "correlate_with_free_borders",
    "decelerate",
    "fold",
    "forget_wisdom",
    "load_wisdom",
    "plan",
    "save_wisdom",
    "transpose_padding",
    "unfold",
]
