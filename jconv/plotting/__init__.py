"""Pictures of arrays, as Matplotlib figures that belong to nobody else: no pyplot, no global state.

Needs Matplotlib: ``pip install 'jconv[plot]'``.
"""

from jconv._core.extras import needed

needed("matplotlib", "plot")

# ruff: noqa: E402 - a missing package is to be reported before the modules below trip over it
from jconv.plotting._classification import confusion, learning_curves
from jconv.plotting._continuous import animate_continuous, sliding_function
from jconv.plotting._convergence import convergence
from jconv.plotting._dark import darken
from jconv.plotting._figure import save
from jconv.plotting._film import save_animation
from jconv.plotting._frequency_response import frequency_response
from jconv.plotting._gallery import gallery
from jconv.plotting._image_kernel_response import image_kernel_response
from jconv.plotting._kernel_history import kernel_history
from jconv.plotting._kernels import kernel_grid
from jconv.plotting._learned import feature_maps, kernel_bank, receptive_field, saliency_maps
from jconv.plotting._pictures import (
    boxes_on_picture,
    color_mask,
    detection_grid,
    draw_boxes,
    draw_image,
    draw_mask,
    segmentation_grid,
)
from jconv.plotting._plan_chart import plan_chart
from jconv.plotting._recovery import kernel_recovery
from jconv.plotting._restoration import restoration
from jconv.plotting._sliding import animate_sliding_kernel, sliding_kernel
from jconv.plotting._spectrogram import spectrogram

__all__ = [
    "animate_continuous",
    "animate_sliding_kernel",
    "boxes_on_picture",
    "color_mask",
    "confusion",
    "convergence",
    "darken",
    "detection_grid",
    "draw_boxes",
    "draw_image",
    "draw_mask",
    "feature_maps",
    "frequency_response",
    "gallery",
    "image_kernel_response",
    "kernel_bank",
    "kernel_grid",
    "kernel_history",
    "kernel_recovery",
    "learning_curves",
    "plan_chart",
    "receptive_field",
    "restoration",
    "saliency_maps",
    "save",
    "save_animation",
    "segmentation_grid",
    "sliding_function",
    "sliding_kernel",
    "spectrogram",
]
