"""Enhancement and edge-preserving smoothing of images."""

from jconv.ndimage.enhancement._bilateral import bilateral, joint_bilateral
from jconv.ndimage.enhancement._butterworth import butterworth
from jconv.ndimage.enhancement._enhance import difference_of_gaussians, local_normalize, unsharp_mask
from jconv.ndimage.enhancement._guided import guided

__all__ = [
    "bilateral",
    "butterworth",
    "difference_of_gaussians",
    "guided",
    "joint_bilateral",
    "local_normalize",
    "unsharp_mask",
]
