"""A kernel on a picture."""

from __future__ import annotations

import numpy as np

from jconv import ndimage
from jconv._core.errors import InputError
from jconv._core.wording import size_of


def filter_image(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlate each channel of a picture with a kernel, border pixels repeated outwards.

    Parameters
    ----------
    image : array (H, W) or (H, W, C)
        The picture.
    kernel : array (kh, kw)
        Along an axis of even length, the tap before the middle lies on the pixel.

    Returns
    -------
    array of float32
        The response, in the shape of the picture.

    Raises
    ------
    InputError
        When the kernel is larger than the picture.

    Examples
    --------
    >>> filter_image(np.eye(3), np.ones((1, 3)))
    array([[2., 1., 0.],
           [1., 1., 1.],
           [0., 1., 2.]], dtype=float32)
    """
    if any(k > n for k, n in zip(kernel.shape, image.shape)):
        raise InputError(
            f"the kernel is {size_of(kernel)} and the image {size_of(image)}; use a smaller kernel or a larger image"
        )
    origin = [0 if n % 2 else -1 for n in kernel.shape]
    planes = np.moveaxis(np.atleast_3d(np.asarray(image, np.float32)), -1, 0)
    filtered = [np.asarray(ndimage.correlate(plane, kernel, mode="nearest", origin=origin)) for plane in planes]
    return np.stack(filtered, axis=-1).reshape(image.shape)
