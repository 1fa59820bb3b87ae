"""A kernel on a picture."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from jconv import conv2d
from jconv._core import boundary
from jconv._core.errors import InputError
from jconv.data._images import size_of


def filter_image(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlate each channel of an image (H, W) or (H, W, C) with a kernel (kh, kw), border pixels repeated outwards.

    Raises an InputError where the kernel is larger than the image.
    """
    if any(k > n for k, n in zip(kernel.shape, image.shape)):
        raise InputError(
            f"the kernel is {size_of(kernel)} and the image {size_of(image)}; use a smaller kernel or a larger image"
        )
    planes = jnp.moveaxis(jnp.atleast_3d(image), -1, 0)[..., None]
    widths = [((k - 1) // 2, k // 2) for k in kernel.shape]
    padded = boundary.pad(planes, [(0, 0), *widths, (0, 0)], "edge")
    planes = conv2d(padded, jnp.asarray(kernel)[..., None, None], padding="VALID")
    return np.asarray(jnp.moveaxis(planes[..., 0], 0, -1)).reshape(image.shape)


def visible(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A filtered image as one looks at it: kernels that sum to zero make signed values, shown around mid-grey."""
    if abs(float(kernel.sum())) > 1e-3 * float(np.abs(kernel).sum()):
        return image
    return 0.5 + 0.5 * image / (float(np.abs(image).max()) or 1.0)
