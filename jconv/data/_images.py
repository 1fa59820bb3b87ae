"""Pictures in and out: files to arrays in [0, 1], channels last, and back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv.data._decode import read_picture
from jconv.data._encode import picture_format, write_picture


def photograph() -> np.ndarray:
    """Return a real photograph that scikit-image carries (a cat), so that nothing is downloaded.

    Returns
    -------
    array (300, 451, 3)
        float32 in [0, 1].

    Raises
    ------
    InputError
        When scikit-image, of the extra `data`, is not installed.

    Examples
    --------
    >>> photograph().shape
    (300, 451, 3)
    """
    return to_unit(needed("skimage.data", "data").chelsea(), "the photograph")


def load_image(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a picture file as real numbers in [0, 1].

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, GIF, BMP or WebP file with one picture; its content decides, not its name.

    Returns
    -------
    array (H, W) or (H, W, 3)
        float32, grey or colour. Integers are divided by the largest of their type; real numbers, as TIFF holds them,
        stay as they are. Alpha is dropped.

    Raises
    ------
    InputError
        When the file is not a picture, holds several, is empty, or holds NaN or infinity, or when it declares more
        bytes than `JCONV_MAX_BYTES` allows (2 GiB by default).

    Notes
    -----
    `read_picture` keeps the type, alpha and all frames; `load_frames` reads stacks and animations.

    Examples
    --------
    >>> load_image("no_such_file.png")
    Traceback (most recent call last):
    jconv.InputError: cannot read the image 'no_such_file.png': no such file
    """
    frames, what = read_picture(path).frames, f"the image {str(path)!r}"
    if len(frames) > 1:
        raise InputError(
            f"{what} has shape {frames.shape}; pass one grey (H, W) or colour (H, W, 3) picture, or read all "
            f"{len(frames)} with `load_frames`"
        )
    return to_unit(frames[0], what)


def load_frames(path: str | os.PathLike[str]) -> np.ndarray:
    """Read all pictures of a stack or an animation as real numbers in [0, 1].

    Parameters
    ----------
    path : path
        Several pages of a TIFF, an animated GIF, PNG or WebP, or any file that `load_image` reads.

    Returns
    -------
    array (T, H, W) or (T, H, W, 3)
        float32, as from `load_image`. A file with one picture has T = 1.

    Raises
    ------
    InputError
        As `load_image`.

    Examples
    --------
    >>> load_frames("no_such_file.gif")
    Traceback (most recent call last):
    jconv.InputError: cannot read the image 'no_such_file.gif': no such file
    """
    return to_unit(read_picture(path).frames, f"the image {str(path)!r}", leading=1)


def save_image(path: str | os.PathLike[str], image: np.ndarray) -> None:
    """Write a picture with values in [0, 1], whole or not at all.

    Parameters
    ----------
    path : path
        Ends in .png or .jpg (8 bits; values outside [0, 1] are clipped), .tif (float32 as they are), .gif or .webp.
    image : array (H, W) or (H, W, 3)
        The picture.

    Raises
    ------
    InputError
        When the ending is unknown, or the file cannot be written.

    Examples
    --------
    >>> save_image("picture.xyz", np.zeros((4, 4)))
    Traceback (most recent call last):
    jconv.InputError: cannot write 'picture.xyz': its ending must be one of .png, .jpg, .jpeg, .tif, .tiff, .gif, .webp
    """
    tiff = picture_format(path) == "TIFF"
    pixels = np.asarray(image, np.float32) if tiff else np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    write_picture(Path(path), pixels[None])


def to_unit(pixels: np.ndarray, what: str, *, leading: int = 0) -> np.ndarray:
    """Pixels (…, H, W) or (…, H, W, C) of any type as float32 without alpha; `leading` axes stand before H."""
    channels = pixels.ndim == 3 + leading
    if pixels.ndim not in (2 + leading, 3 + leading) or (channels and pixels.shape[-1] not in (1, 2, 3, 4)):
        raise InputError(f"{what} has shape {pixels.shape}; pass one grey (H, W) or colour (H, W, 3) picture")
    if not pixels.size:
        raise InputError(f"{what} is empty, of shape {pixels.shape}; pass one with at least one pixel")
    if channels:
        pixels = pixels[..., :3] if pixels.shape[-1] > 2 else pixels[..., 0]
    if np.issubdtype(pixels.dtype, np.integer):
        scale = float(np.iinfo(pixels.dtype).max)
    elif pixels.dtype == bool or np.issubdtype(pixels.dtype, np.floating):
        scale = 1.0
    else:
        raise InputError(f"{what} holds {pixels.dtype} values; pass integers or real numbers")
    image = np.asarray(pixels / np.float64(scale), np.float32)
    if bad := int((~np.isfinite(image)).sum()):
        raise InputError(f"{what} holds NaN or infinity in {bad} of {image.size} values; replace them first")
    return image
