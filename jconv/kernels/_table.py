"""The kernels by name, for command lines and configuration files."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import jax

from jconv._core import check
from jconv.kernels._edges import farid, prewitt, scharr, sobel
from jconv.kernels._elementary import box, emboss, identity, laplacian, sharpen
from jconv.kernels._gabors import gabor, log_gabor
from jconv.kernels._gaussians import gaussian
from jconv.kernels._optics import airy, disk, moffat, motion
from jconv.kernels._steerable import laplacian_of_gaussian, riesz, savitzky_golay, steerable

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


def build(name: str, **options) -> jax.Array:
    """The kernel called `name`, one of `NAMES`, with that builder's `options`.

    Raises a ValueError that lists the names and the nearest one where there is no such kernel.

    >>> build("sobel", axis=0, dtype=int).tolist()
    [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]
    """
    return NAMES[check.choice("name", name, NAMES)](**options)
