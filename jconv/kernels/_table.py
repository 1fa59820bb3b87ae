"""The kernels by name, for command lines and configuration files."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import jax

from jconv._core import check
from jconv.kernels._edges import farid, prewitt, scharr, sobel
from jconv.kernels._elementary import box, emboss, identity, laplacian, sharpen
from jconv.kernels._gabors import gabor
from jconv.kernels._gaussians import gaussian
from jconv.kernels._log_gabors import log_gabor
from jconv.kernels._optics import airy, disk, moffat, motion
from jconv.kernels._savitzky_golay import savitzky_golay
from jconv.kernels._steerable import laplacian_of_gaussian, riesz, steerable

NAMES: MappingProxyType[str, Callable[..., jax.Array]] = MappingProxyType(
    {
        builder.__name__: builder
        for builder in (
            identity,
            box,
            gaussian,
            sobel,
            prewitt,
            scharr,
            farid,
            laplacian,
            laplacian_of_gaussian,
            sharpen,
            emboss,
            steerable,
            riesz,
            savitzky_golay,
            gabor,
            log_gabor,
            motion,
            disk,
            airy,
            moffat,
        )
    }
)
"""Builder by name. Every builder has a default for every argument."""


def build(name: str, **options: object) -> jax.Array:
    """Build the kernel with the given name.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    **options
        The options of that builder, such as `size` or `dtype`.

    Returns
    -------
    array
        The builder's kernel.

    Raises
    ------
    ValueError
        If no kernel has that name; the message lists the names and the nearest one.

    Examples
    --------
    >>> build("sobel", axis=0, dtype=int).tolist()
    [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]
    """
    return NAMES[check.choice("name", name, NAMES)](**options)
