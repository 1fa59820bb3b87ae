"""`jconv filter`: a kernel on a picture, a stack or an animation."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np

from jconv._core.errors import InputError

_PRESERVES = 0.1
"""A guess: a kernel whose taps sum to one within this keeps the brightness of a picture."""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "filter",
        help="apply a kernel to a picture",
        description="Apply a kernel to a picture, each colour and each frame by itself, the border repeated outwards. "
        "Depth, alpha and frames are kept where the new format has them; what is not kept is printed. A TIFF gets the "
        "plain numbers of the response. Other formats show CENTRE + SCALE × response: 0 and 1 for kernels that keep "
        "the brightness (their taps sum to one), 0 and one over the sum for other kernels without negative taps, else "
        "mid-grey and a scale that just fits the strongest response. Both are printed where they are not 0 and 1.",
        example="jconv filter holiday.jpg edges.png --kernel sobel_x",
    )
    parser.add_argument("image", metavar="IN", type=Path, help="PNG, JPEG, TIFF, GIF, BMP or WebP, colour or grey")
    parser.add_argument("out", metavar="OUT", type=Path, help="the new picture; its ending says which format")
    parser.add_argument("--kernel", metavar="NAME", required=True, help="such as sobel_x or gaussian:size=9,sigma=2")
    parser.add_argument("--centre", metavar="X", type=_number, help="brightness, from 0 to 1, of no response")
    parser.add_argument("--scale", metavar="X", type=_number, help="how much brighter a response of 1 is")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, filter, write, and say what was changed besides."""
    from jconv.data import picture_format, read_picture, write_picture
    from jconv.kernels import kernel_from

    kernel = kernel_from(args.kernel)
    kind = picture_format(args.out)
    picture = read_picture(args.image)
    frames = picture.frames
    colours, alpha = (frames[..., :-1], frames[..., -1:]) if picture.has_alpha else (frames, None)
    most = _largest(colours.dtype, args.image)
    response = _filter(colours / np.float32(most), kernel, args.image)
    if kind != "TIFF" or args.centre is not None or args.scale is not None:
        centre, scale = display(response, kernel)
        centre = centre if args.centre is None else args.centre
        scale = scale if args.scale is None else args.scale
        if (centre, scale) != (0, 1):
            print(f"shown as {centre:.4g} + {scale:.4g} × response")
            response = centre + scale * response
    result = response if kind == "TIFF" else _quantize(response, frames.dtype)
    if alpha is not None:
        alpha = alpha / np.float32(most) if result.dtype == np.float32 else alpha.astype(result.dtype)
        result = np.concatenate([result, alpha], axis=-1)
    lost = write_picture(args.out, result, milliseconds=picture.milliseconds)
    for what in (*(("the palette was expanded to its colours",) if picture.palette else ()), *lost):
        print(f"{args.out}: {what}")


def display(response: np.ndarray, kernel: np.ndarray) -> tuple[float, float]:
    """Return centre and scale with which ``centre + scale * response`` is a picture to look at.

    >>> display(np.array([[-2.0, 0.0, 1.0]]), np.array([[-1.0, 0.0, 1.0]]))
    (0.5, 0.25)
    """
    total = float(kernel.sum())
    if abs(total - 1) <= _PRESERVES:
        return 0.0, 1.0
    if (kernel >= 0).all() and total > 0:
        return 0.0, 1 / total
    return 0.5, 0.5 / (float(np.abs(response).max()) or 1.0)


def _filter(frames: np.ndarray, kernel: np.ndarray, path: Path) -> np.ndarray:
    """Frames (T, H, W) or (T, H, W, C) correlated with a kernel (kh, kw), as float32."""
    from jconv import ndimage

    if any(k > n for k, n in zip(kernel.shape, frames.shape[1:3])):
        sizes = ["×".join(map(str, shape)) for shape in (kernel.shape, frames.shape[1:3])]
        raise InputError(
            f"the kernel is {sizes[0]} and the image {sizes[1]}; use a smaller kernel or a larger image than "
            f"{str(path)!r}"
        )
    planes = frames.astype(np.float32)
    if not np.isfinite(planes).all():
        raise InputError(f"the image {str(path)!r} holds NaN or infinity; replace them first")
    planes = planes if frames.ndim == 4 else planes[..., None]
    origin = [0 if n % 2 else -1 for n in kernel.shape]
    correlate = lambda plane: ndimage.correlate(plane, kernel, mode="nearest", origin=origin)
    each = [np.stack([np.asarray(correlate(p)) for p in np.moveaxis(frame, -1, 0)], axis=-1) for frame in planes]
    return np.stack(each).reshape(frames.shape)


def _largest(dtype: np.dtype, path: Path) -> float:
    """Return the number that stands for white."""
    if np.issubdtype(dtype, np.bool_) or np.issubdtype(dtype, np.floating):
        return 1.0
    if np.issubdtype(dtype, np.integer):
        return float(np.iinfo(dtype).max)
    raise InputError(f"the image {str(path)!r} holds {dtype} values; pass integers or real numbers")


def _quantize(picture: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Values from 0 to 1 in 16 bits where the picture had more than 8, else in 8."""
    deep = np.issubdtype(dtype, np.integer) and dtype.itemsize > 1
    most = 65535 if deep else 255
    return np.rint(np.clip(picture, 0, 1) * np.float64(most)).astype(np.uint16 if deep else np.uint8)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}")
    return number
