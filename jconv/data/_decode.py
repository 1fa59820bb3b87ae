"""Picture files as arrays of their own type: all frames, alpha and palettes; the one reader that everything uses.

The format follows from the file's content, and only the decoders of the six formats below are ever called: Pillow also
has readers that start other programs (Ghostscript for PostScript). The declared size is checked before decoding.
"""

from __future__ import annotations

import io
import math
import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.limits import check_bytes
from jconv.data import _png16

FORMATS = "PNG, JPEG or TIFF image, nor as GIF, BMP or WebP"
_CONVERTED = {"1": "1", "L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA", "I;16": "I;16", "I;16B": "I;16"}
"""What Pillow's modes become; all others, such as CMYK, become RGB."""
_RANK = ("1", "L", "LA", "RGB", "RGBA")
"""Modes from narrow to wide: frames of one file are brought to the widest."""


class Picture(NamedTuple):
    """What a picture file holds."""

    frames: np.ndarray
    """(T, H, W) or (T, H, W, C): bool, whole or real numbers as stored; C is 2 (grey, alpha), 3 (RGB) or 4 (RGBA)."""
    format: str
    """ "PNG", "JPEG", "TIFF", "GIF", "BMP" or "WEBP"."""
    palette: bool = False
    """Whether the colours came from a palette; they are expanded in `frames`."""
    milliseconds: float | None = None
    """How long a frame of an animation is shown."""

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha (opacity)."""
        return self.frames.ndim == 4 and self.frames.shape[-1] in (2, 4)


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a picture file with all its frames, in its own type.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, GIF, BMP or WebP file; its content decides, not its name.

    Returns
    -------
    Picture
        Upright, where the file says how the camera was held.

    Raises
    ------
    InputError
        When there is no such file, it is none of these formats, is damaged, is empty, or declares more bytes than
        `JCONV_MAX_BYTES` (2 GiB by default) allows.

    Notes
    -----
    Palettes are expanded to their colours, and CMYK and YCbCr become RGB. PNG files keep 16 bits in colour, too. Needs
    Pillow, and tifffile for TIFF (the `data` extra).

    Examples
    --------
    >>> read_picture("no_such_file.png")
    Traceback (most recent call last):
    jconv.InputError: cannot read the image 'no_such_file.png': no such file
    """
    path = Path(path)
    what = f"the image {str(path)!r}"
    kind = picture_kind(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning here means a damaged file
            warnings.filterwarnings("ignore", message=".*decompression bomb")  # the limit is checked below
            if kind == "TIFF":
                picture = Picture(_read_tiff(path, what), kind)
            else:
                picture = _read_with_pillow(path, kind, what)
    except InputError:
        raise
    except Exception as error:  # the decoders raise whatever a damaged file leads them to
        raise InputError(f"cannot read {str(path)!r} as a {kind} image: {_first_line(error)}") from error
    if not picture.frames.size:
        raise InputError(f"{what} is empty, of shape {picture.frames.shape}; pass one with at least one pixel")
    return picture


def picture_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the rows and columns of a picture file, from its header alone where it is not TIFF."""
    path = Path(path)
    if picture_kind(path) == "TIFF":
        return read_picture(path).frames.shape[1:3]
    try:
        with _open(io.BytesIO(path.read_bytes()), picture_kind(path)) as picture:
            turned = picture.getexif().get(0x0112, 1) >= 5  # the EXIF orientations that exchange rows and columns
            return (picture.width, picture.height) if turned else (picture.height, picture.width)
    except Exception as error:
        raise InputError(f"cannot read {str(path)!r} as a picture: {_first_line(error)}") from error


def picture_kind(path: Path) -> str:
    """Return the format that a file's first bytes show, else raise an InputError."""
    if path.is_dir():
        raise InputError(f"cannot read the image {str(path)!r}: it is a folder; name a file in it")
    if not path.exists():
        raise InputError(f"cannot read the image {str(path)!r}: no such file")
    try:
        with open(path, "rb") as file:
            head = file.read(16)
        check_bytes(f"the image {str(path)!r}", path.stat().st_size)
    except OSError as error:
        raise InputError(f"cannot read the image {str(path)!r}: {error.strerror or error}") from error
    if kind := _kind_of(head):
        return kind
    raise InputError(f"cannot read {str(path)!r} as a {FORMATS}: its content is none of these")


def _kind_of(head: bytes) -> str | None:
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    starts = {_png16.SIGNATURE: "PNG", b"\xff\xd8\xff": "JPEG", b"GIF87a": "GIF", b"GIF89a": "GIF", b"BM": "BMP"}
    return next((kind for start, kind in starts.items() if head.startswith(start)), None)


def _open(file: io.BytesIO, kind: str) -> Any:
    """Open a Pillow picture with no other decoder than that of `kind`."""
    return needed("PIL.Image", "data").open(file, formats=[kind])


def _read_with_pillow(path: Path, kind: str, what: str) -> Picture:
    content = path.read_bytes()
    with _open(io.BytesIO(content), kind) as picture:
        count = getattr(picture, "n_frames", 1)
        deep = kind == "PNG" and _png16.is_deep(content)
        check_bytes(what, count * picture.width * picture.height * (8 if deep else 4))
        if deep and count == 1:
            return Picture(_png16.decode(content, what)[None], kind)
        palette = picture.mode in ("P", "PA")
        sequence, ops = needed("PIL.ImageSequence", "data"), needed("PIL.ImageOps", "data")
        frames = [ops.exif_transpose(_plain(frame)) for frame in sequence.Iterator(picture)]
        duration = picture.info.get("duration") if count > 1 else None  # some formats have it with each frame
    return Picture(_stack(frames), kind, palette, float(duration) if duration else None)


def _plain(frame: Any) -> Any:
    """Convert a frame to one of the modes that NumPy understands, its transparency as an alpha channel."""
    if frame.mode in ("P", "PA"):
        return frame.convert("RGBA" if frame.has_transparency_data else "RGB")
    if "transparency" in frame.info and frame.mode in ("L", "RGB"):
        return frame.convert("LA" if frame.mode == "L" else "RGBA")
    if frame.mode == "I" or frame.mode.startswith("I;16"):
        return frame
    return frame.convert(_CONVERTED.get(frame.mode, "RGB"))


def _stack(frames: list[Any]) -> np.ndarray:
    if len({frame.mode for frame in frames}) > 1:
        widest = max((frame.mode for frame in frames), key=_RANK.index)
        frames = [frame.convert(widest) for frame in frames]
    pixels = np.stack([np.asarray(frame) for frame in frames])
    # Pillow holds the 16 bits of grey PNG files in 32 bits, in some releases.
    return pixels.astype(np.uint16) if frames[0].mode.startswith("I") else pixels


def _read_tiff(path: Path, what: str) -> np.ndarray:
    tifffile: ModuleType = needed("tifffile", "data")
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        check_bytes(what, math.prod(series.shape) * np.dtype(series.dtype).itemsize)
        pixels, axes = series.asarray(), series.axes
    if pixels.ndim > 2 and "S" in axes:
        pixels = np.moveaxis(pixels, axes.index("S"), -1)
    elif pixels.ndim < 3 or pixels.shape[-1] > 4:
        pixels = pixels[..., None]  # no channels; removed again below
    channels = pixels.shape[-1]
    if pixels.ndim < 3 or channels > 4:
        raise InputError(f"{what} has shape {pixels.shape} and axes {axes!r}; pass grey or colour pictures")
    frames = pixels.reshape(-1, *pixels.shape[-3:])
    return frames[..., 0] if channels == 1 else frames


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:160].rstrip(".") if str(error) else type(error).__name__
