"""`jconv filter`: a kernel on a picture."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "filter",
        help="apply a kernel to a picture",
        description="Apply a kernel to a picture, each colour by itself, the border repeated outwards. Signed results "
        "(of kernels that sum to zero, such as sobel_x) appear around mid-grey; a TIFF keeps the plain numbers.",
        example="jconv filter holiday.jpg edges.png --kernel sobel_x",
    )
    parser.add_argument("image", metavar="IN", type=Path, help="PNG, JPEG or TIFF, colour or grey")
    parser.add_argument("out", metavar="OUT", type=Path, help="the new picture; its ending says which format")
    parser.add_argument("--kernel", metavar="NAME", required=True, help="such as sobel_x or gaussian:size=9,sigma=2")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Read, filter, write."""
    from jconv.data import _images as images
    from jconv.kernels import kernel_from
    from jconv.tasks._images import filter_image, visible

    kernel = kernel_from(args.kernel)
    kind = images.picture_format(args.out)
    image = images.load_image(args.image)
    result = filter_image(image, kernel)
    images.save_image(args.out, result if kind == "TIFF" else visible(result, kernel))
