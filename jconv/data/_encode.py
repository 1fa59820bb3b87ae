"""Arrays to picture files, in their own depth: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.files import atomic
from jconv.data import _png16

_TIFF = (".tif", ".tiff")
_WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", **dict.fromkeys(_TIFF, "TIFF"), ".gif": "GIF",
            ".webp": "WEBP"}  # fmt: skip


def write_picture(
    path: str | os.PathLike[str], frames: np.ndarray, *, milliseconds: float | None = None
) -> tuple[str, ...]:
    """Write one picture or several into a file, in the depth of the array as far as the format has it.

    Parameters
    ----------
    path : path
        Its ending says which format: .png, .jpg, .tif, .gif or .webp.
    frames : array (T, H, W) or (T, H, W, C)
        C is 2 (grey, alpha), 3 (RGB) or 4 (RGBA). Bytes and 16-bit integers are written as they are, bool as black
        and white; real numbers as they are into TIFF, else from [0, 1] to 8 bits, the rest clipped.
    milliseconds : float, optional
        How long each frame of an animation is shown. Default 100.

    Returns
    -------
    tuple of str
        What the format could not keep, such as ``"16 bits became 8"``; empty where everything was kept.

    Raises
    ------
    InputError
        When the ending is unknown, the format does not hold several pictures, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_picture(f"{folder}/deep.jpg", np.zeros((1, 4, 4), np.uint16))
    ('16 bits became 8',)
    """
    path = Path(path)
    kind = picture_format(path)
    if frames.ndim == 4 and frames.shape[-1] == 1:
        frames = frames[..., 0]
    if frames.ndim not in (3, 4) or (frames.ndim == 4 and frames.shape[-1] not in (2, 3, 4)):
        raise ValueError(f"`frames` must have shape (T, H, W) or (T, H, W, 2 to 4), got {frames.shape}")
    if kind == "JPEG" and len(frames) > 1:
        raise InputError(f"cannot write {len(frames)} pictures into {str(path)!r}: JPEG holds one; choose .tif or .gif")
    frames, lost = _fit(frames, kind)
    try:
        with atomic(path) as file:
            if kind == "TIFF":
                needed("tifffile", "data").imwrite(file, frames if len(frames) > 1 else frames[0], **_tiff(frames))
            elif kind == "PNG" and frames.dtype == np.uint16 and frames.ndim == 4:
                file.write(_png16.encode(frames[0]))
            else:
                first, *rest = (needed("PIL.Image", "data").fromarray(frame) for frame in frames)
                options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
                if rest:
                    options |= {"save_all": True, "append_images": rest, "duration": milliseconds or 100, "loop": 0}
                first.save(file, kind, **options)
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror or error}; choose another place") from error
    return lost


def picture_format(path: str | os.PathLike[str]) -> str:
    """Return the format that a file name asks for.

    Parameters
    ----------
    path : path
        Its ending counts.

    Returns
    -------
    str
        "PNG", "JPEG", "TIFF", "GIF" or "WEBP".

    Raises
    ------
    InputError
        When `write_picture` does not know the ending.

    Examples
    --------
    >>> picture_format("a.jpg")
    'JPEG'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITTEN:
        raise InputError(f"cannot write {str(path)!r}: its ending must be one of {', '.join(_WRITTEN)}")
    return _WRITTEN[suffix]


def _tiff(frames: np.ndarray) -> dict[str, Any]:
    """How tifffile is to read the axes of an array."""
    channels = frames.shape[-1] if frames.ndim == 4 else 1
    options: dict[str, Any] = {"photometric": "rgb" if channels > 2 else "minisblack"}
    if channels > 1:
        options["planarconfig"] = "contig"
    if channels in (2, 4):
        options["extrasamples"] = ("unassalpha",)
    return options


def _fit(frames: np.ndarray, kind: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Fit the frames to what the format takes, and say what was lost."""
    lost = []
    if frames.dtype != bool and kind != "TIFF":
        if np.issubdtype(frames.dtype, np.floating):
            frames = np.rint(np.clip(frames.astype(np.float64), 0, 1) * 255).astype(np.uint8)
        deep = kind == "PNG" and frames.dtype == np.uint16 and len(frames) == 1
        if frames.dtype != np.uint8 and not deep:
            lost.append(f"{8 * frames.dtype.itemsize} bits became 8")
            frames = np.rint(np.maximum(frames, 0) * (255 / np.iinfo(frames.dtype).max)).astype(np.uint8)
    if kind == "JPEG" and frames.ndim == 4 and frames.shape[-1] in (2, 4):
        frames = frames[..., 0] if frames.shape[-1] == 2 else frames[..., :3]
        lost.append("alpha was dropped")
    if frames.dtype == bool and kind != "TIFF" and (kind != "PNG" or len(frames) > 1):
        frames = frames.astype(np.uint8) * 255
    return np.ascontiguousarray(frames), tuple(lost)
