"""Pictures in and out: files to arrays in [0, 1], channels last, and back."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import jax
import numpy as np

from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.files import atomic

_TIFF = (".tif", ".tiff")
_WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", **dict.fromkeys(_TIFF, "TIFF")}


def photograph() -> np.ndarray:
    """A real photograph that scikit-image carries (a cat, 300 × 451, colour), so that nothing is downloaded."""
    data = needed("skimage.data", "data")
    return _unit(data.chelsea(), "the photograph")


def load_image(path: str | os.PathLike) -> np.ndarray:
    """Read a PNG, JPEG or TIFF file as float32, (H, W) or (H, W, 3); whole numbers are scaled to [0, 1].

    Transparency is dropped. Raises an InputError for what is no image, is empty, or holds NaN or infinity.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"cannot read the image {str(path)!r}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning here is a damaged file
            if path.suffix.lower() in _TIFF:
                pixels = needed("tifffile", "data").imread(path)
            else:
                with needed("PIL.Image", "data").open(path) as picture:
                    upright = needed("PIL.ImageOps", "data").exif_transpose(picture)
                    pixels = np.asarray(upright.convert("RGB") if upright.mode in ("P", "CMYK", "YCbCr") else upright)
    except InputError:
        raise
    except Exception as error:  # the decoders raise whatever a damaged file leads them to
        why = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise InputError(f"cannot read {str(path)!r} as a PNG, JPEG or TIFF image: {why}") from error
    return _unit(pixels, f"the image {str(path)!r}")


def save_image(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write an image with values in [0, 1]: 8 bits as PNG or JPEG, or float32 as TIFF with nothing cut off."""
    path = Path(path)
    kind = picture_format(path)
    try:
        with atomic(path) as file:
            if kind == "TIFF":
                needed("tifffile", "data").imwrite(file, np.asarray(image, np.float32))
            else:
                pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
                needed("PIL.Image", "data").fromarray(pixels).save(file, kind)
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror or error}; choose another place") from error


def picture_format(path: str | os.PathLike) -> str:
    """The format that a file name asks for, else an InputError."""
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITTEN:
        raise InputError(f"cannot write {str(path)!r}: its ending must be one of {', '.join(_WRITTEN)}")
    return _WRITTEN[suffix]


def size_of(array: np.ndarray | jax.Array) -> str:
    """The first two axes as a person writes them."""
    return "×".join(str(n) for n in array.shape[:2])


def _unit(pixels: np.ndarray, what: str) -> np.ndarray:
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[-1] not in (1, 2, 3, 4)):
        raise InputError(f"{what} has shape {pixels.shape}; pass one grey (H, W) or colour (H, W, 3) picture")
    if not pixels.size:
        raise InputError(f"{what} is empty, of shape {pixels.shape}; pass one with at least one pixel")
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if pixels.shape[-1] > 2 else pixels[..., 0]
    if pixels.dtype == bool:
        scale = 1.0
    elif np.issubdtype(pixels.dtype, np.integer):
        scale = 65535.0 if pixels.dtype == np.int32 else float(np.iinfo(pixels.dtype).max)
    elif np.issubdtype(pixels.dtype, np.floating):
        scale = 1.0
    else:
        raise InputError(f"{what} holds {pixels.dtype} values; pass whole or real numbers")
    image = np.asarray(pixels / np.float64(scale), np.float32)
    if bad := int((~np.isfinite(image)).sum()):
        raise InputError(f"{what} holds NaN or infinity in {bad} of {image.size} values; replace them first")
    return image
