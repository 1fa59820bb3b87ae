"""Pictures and videos from and to files, through imageio (the `data` extra)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np


def read_image(path, *, dtype: Any = None) -> np.ndarray:
    """A picture as (H, W) if grey, (H, W, C) if colour; whole numbers are scaled to 0 … 1 for a floating `dtype`.

    >>> read_image("no_such_file.png")
    Traceback (most recent call last):
    FileNotFoundError: ...
    """
    return _scaled(_read(path, "picture", index=0), dtype)


def read_video(path, *, dtype: Any = None) -> np.ndarray:
    """A video, an animation or a stack of pages as (T, H, W) or (T, H, W, C); see `read_image`.

    Animated GIF, PNG and multi-page TIFF need no more than imageio; MP4 and the like one of its video plugins.
    """
    pages = Path(path).suffix.lower() in (".tif", ".tiff")  # which come as one array by themselves
    frames = _read(path, "video", **({} if pages else {"index": ...}))
    if frames.ndim < 3 or (frames.ndim == 3 and frames.shape[-1] in (3, 4)):
        frames = frames[None]
    return _scaled(frames, dtype)


def write_image(path, image, **options) -> None:
    """Write a picture (H, W) or (H, W, C). Floating values 0 … 1 become 0 … 255, rounded; others are clipped first.

    The file appears whole or not at all. `options` go to imageio.
    """
    pixels = _pixels("image", image, (2, 3))
    _write(path, pixels, options)


def write_video(path, frames, *, fps: float = 24.0, **options) -> None:
    """Write (T, H, W) or (T, H, W, C) at `fps` frames a second; see `write_image` and `read_video`."""
    pixels = _pixels("frames", frames, (3, 4))
    suffix = Path(path).suffix.lower()
    if suffix in (".gif", ".png", ".apng", ".webp"):
        options = {"duration": 1000 / fps, "loop": 0, **options}
    elif suffix not in (".tif", ".tiff"):
        options = {"fps": fps, **options}
    _write(path, pixels, options)


def _imageio():
    try:
        import imageio.v3
    except ImportError as error:
        raise ImportError("pictures need imageio; install jconv[data]") from error
    return imageio.v3


def _read(path, kind: str, **options) -> np.ndarray:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"`path` must be a {kind}, got {str(path)!r}; there is no such file")
    try:
        array = np.asarray(_imageio().imread(path, **options))
    except ImportError:
        raise
    except Exception as error:  # imageio's plugins raise of every class
        raise ValueError(f"`path` must be a {kind}, got {str(path)!r}: {error}") from error
    if array.size == 0:
        raise ValueError(f"`path` must be a {kind} of at least one pixel, got shape {array.shape}")
    return array


def _scaled(array: np.ndarray, dtype: Any) -> np.ndarray:
    if dtype is None:
        return array
    dtype = np.dtype(dtype)
    if np.issubdtype(dtype, np.floating) and np.issubdtype(array.dtype, np.integer):
        return array.astype(dtype) / dtype.type(np.iinfo(array.dtype).max)
    return array.astype(dtype)


def _pixels(name: str, array: Any, ranks: tuple[int, ...]) -> np.ndarray:
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


def _write(path, pixels: np.ndarray, options: dict) -> None:
    path, imageio = Path(path), _imageio()
    from imageio.config import known_extensions

    if path.suffix.lower() not in known_extensions:
        raise ValueError(f"`path` must end in a known picture format, got {str(path)!r}; .png is a safe choice")
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=path.suffix)
    os.close(handle)
    try:
        imageio.imwrite(beside, pixels, **options)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
