"""Pictures and videos from and to files (the `data` extra)."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike, DTypeLike

from jconv._core.extras import needed
from jconv._core.files import beside
from jconv.data import read_picture, write_picture


def read_image(path: str | os.PathLike[str], *, dtype: DTypeLike | None = None) -> np.ndarray:
    """Read a picture in its own type; of a stack or an animation the first.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, GIF, BMP or WebP file; its content decides, not its name.
    dtype : dtype, optional
        Convert to this type; for a floating one, integers are scaled to 0 … 1. Default: the file's own.

    Returns
    -------
    array (H, W) or (H, W, C)
        Grey, or with C channels: 2 (grey, alpha), 3 (RGB) or 4 (RGBA). Palettes are expanded to their colours.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is not a picture, is damaged, or declares more bytes than `JCONV_MAX_BYTES` allows (2 GiB by default).

    Notes
    -----
    The reader is `jconv.data.read_picture`; `jconv.data.load_image` gives real numbers in [0, 1] and refuses stacks.

    Examples
    --------
    >>> read_image("no_such_file.png")
    Traceback (most recent call last):
    FileNotFoundError: ...
    """
    return _scale(_read(path, "picture")[0], dtype)


def read_video(path: str | os.PathLike[str], *, dtype: DTypeLike | None = None) -> np.ndarray:
    """Read a video, an animation or a stack of pages in its own type.

    Parameters
    ----------
    path : path
        An animated GIF, PNG or WebP, a multi-page TIFF, or MP4 and the like, for which imageio needs one of its video
        plugins.
    dtype : dtype, optional
        As in `read_image`.

    Returns
    -------
    array (T, H, W) or (T, H, W, C)
        A file with one picture has T = 1.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_image`.

    Examples
    --------
    >>> read_video("no_such_file.gif")
    Traceback (most recent call last):
    FileNotFoundError: ...
    """
    return _scale(_read(path, "video"), dtype)


def write_image(path: str | os.PathLike[str], image: ArrayLike, **options: Any) -> None:
    """Write a picture, whole or not at all.

    Parameters
    ----------
    path : path
        Its ending says which format; any that imageio knows.
    image : array (H, W) or (H, W, C)
        Grey, or with C = 1, 3 or 4 channels. Real numbers are clipped to 0 … 1 and become 0 … 255, rounded.
    **options
        Go to `imageio.v3.imwrite`.

    Raises
    ------
    ValueError
        When the shape is not that of a picture, a value is NaN or infinite, or the ending is unknown.

    Examples
    --------
    >>> write_image("picture.no_such_format", np.zeros((4, 4)))
    Traceback (most recent call last):
    ValueError: `path` must end in a known picture format, got 'picture.no_such_format'; .png is a safe choice
    """
    pixels = _pixels("image", image, (2, 3))
    if Path(path).suffix.lower() == ".png" and pixels.dtype == np.uint16 and not options:
        write_picture(path, pixels[None])  # Pillow, behind imageio, has no colours of 16 bits
    else:
        _write(path, pixels, options)


def write_video(path: str | os.PathLike[str], frames: ArrayLike, *, fps: float = 24.0, **options: Any) -> None:
    """Write a video, an animation or a stack of pages, whole or not at all.

    Parameters
    ----------
    path : path
        Its ending says which format; see `read_video`.
    frames : array (T, H, W) or (T, H, W, C)
        As in `write_image`.
    fps : float
        Frames per second. Default 24.
    **options
        Go to `imageio.v3.imwrite`.

    Raises
    ------
    ValueError
        As `write_image`.

    Examples
    --------
    >>> write_video("video.gif", np.zeros((4, 4)))
    Traceback (most recent call last):
    ValueError: `frames` must be grey, of rank 3, or have 1, 3 or 4 channels last; got shape (4, 4)
    """
    pixels = _pixels("frames", frames, (3, 4))
    suffix = Path(path).suffix.lower()
    if suffix in (".gif", ".png", ".apng", ".webp"):
        options = {"duration": 1000 / fps, "loop": 0, **options}
    elif suffix not in (".tif", ".tiff"):
        options = {"fps": fps, **options}
    _write(path, pixels, options)


_VIDEO_MARKS = ((4, b"ftyp"), (0, b"\x1a\x45\xdf\xa3"), (8, b"AVI "))
"""Where MP4 and MOV, Matroska and WebM, and AVI files say what they are."""


def _read(path: str | os.PathLike[str], kind: str) -> np.ndarray:
    """All frames of a file, whatever raises as an error that names `path`."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"`path` must be a {kind}, got {str(path)!r}; there is no such file")
    with open(path, "rb") as file:
        head = file.read(16)
    try:
        if any(head[at:].startswith(mark) for at, mark in _VIDEO_MARKS):
            frames = np.asarray(_imageio().imread(path, index=... if kind == "video" else 0))
            return frames if kind == "video" else frames[None]
        return read_picture(path).frames
    except ImportError:
        raise
    except Exception as error:  # imageio's plugins raise errors of every class
        raise ValueError(f"`path` must be a {kind}, got {str(path)!r}: {error}") from error


def _imageio() -> ModuleType:
    return needed("imageio.v3", "data")


def _scale(array: np.ndarray, dtype: DTypeLike | None) -> np.ndarray:
    if dtype is None:
        return array
    dtype = np.dtype(dtype)
    if np.issubdtype(dtype, np.floating) and np.issubdtype(array.dtype, np.integer):
        return array.astype(dtype) / dtype.type(np.iinfo(array.dtype).max)
    return array.astype(dtype)


def _pixels(name: str, array: ArrayLike, ranks: tuple[int, int]) -> np.ndarray:
    values = np.asarray(array)
    if values.ndim not in ranks or values.size == 0 or (values.ndim == ranks[1] and values.shape[-1] not in (1, 3, 4)):
        raise ValueError(
            f"`{name}` must be grey, of rank {ranks[0]}, or have 1, 3 or 4 channels last; got shape {values.shape}"
        )
    if values.ndim == ranks[1] and values.shape[-1] == 1:
        values = values[..., 0]
    if values.dtype == bool:
        return values.astype(np.uint8) * 255
    if jnp.issubdtype(values.dtype, jnp.floating):
        if not np.isfinite(values.astype(float)).all():
            raise ValueError(f"`{name}` must be finite, got NaN or infinity; replace them first")
        return np.rint(np.clip(values.astype(float), 0, 1) * 255).astype(np.uint8)
    return values


def _write(path: str | os.PathLike[str], pixels: np.ndarray, options: dict[str, Any]) -> None:
    path, imageio = Path(path), _imageio()
    if path.suffix.lower() not in needed("imageio.config", "data").known_extensions:
        raise ValueError(f"`path` must end in a known picture format, got {str(path)!r}; .png is a safe choice")
    with beside(path) as unfinished:
        imageio.imwrite(unfinished, pixels, **options)
