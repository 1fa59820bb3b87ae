"""Enhancement and edge-preserving smoothing of images."""

from jconv.ndimage.enhancement._adaptive import bilateral, guided, joint_bilateral
from jconv.ndimage.enhancement._enhance import butterworth, difference_of_gaussians, local_normalize, unsharp_mask

__all__ = [
    "bilateral",
    "butterworth",
    "difference_of_gaussians",
    "guided",
    "joint_bilateral",
    "local_normalize",
    "unsharp_mask",
]
