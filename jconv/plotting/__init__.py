"""Pictures of arrays, as Matplotlib figures that belong to nobody else: no pyplot, no global state."""

from jconv.plotting.classification import confusion, learning_curves
from jconv.plotting.figure import save
from jconv.plotting.gallery import gallery
from jconv.plotting.kernels import kernel_grid
from jconv.plotting.learned import feature_maps, kernel_bank, receptive_field, saliency_maps
from jconv.plotting.pictures import (
    boxes_on_picture,
    colour_mask,
    detection_grid,
    draw_boxes,
    draw_image,
    draw_mask,
    segmentation_grid,
)
from jconv.plotting.recovery import kernel_recovery
from jconv.plotting.restoration import restoration
from jconv.plotting.sliding import animate_sliding_kernel, sliding_kernel

__all__ = [
    "animate_sliding_kernel",
    "boxes_on_picture",
    "colour_mask",
    "confusion",
    "detection_grid",
    "draw_boxes",
    "draw_image",
    "draw_mask",
    "feature_maps",
    "gallery",
    "kernel_bank",
    "kernel_grid",
    "kernel_recovery",
    "learning_curves",
    "receptive_field",
    "restoration",
    "saliency_maps",
    "save",
    "segmentation_grid",
    "sliding_kernel",
]
