"""`jconv kernels`: which kernels there are, and what they look like."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "kernels",
        help="list and show the kernels",
        description="List the kernels, or show the numbers of those that are named.",
        example="jconv kernels sobel_x gaussian:size=5,sigma=1 --out kernels.png",
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="a kernel, with options as NAME:option=value,…")
    parser.add_argument("--out", metavar="FILE", type=Path, help="also draw them into this PNG file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print, and draw when asked."""
    import numpy as np

    from jconv._core.errors import InputError
    from jconv._core.extras import needed
    from jconv.cli._options import build_kernels
    from jconv.kernels import kernel_names

    built = build_kernels(args.names or kernel_names())
    if args.out is not None and args.out.suffix.lower() != ".png":
        raise InputError(f"cannot draw into {str(args.out)!r}: its ending must be .png")
    for name, kernel in built.items():
        print(f"{name}  {kernel.shape[0]}×{kernel.shape[1]}, sum {kernel.sum():.4g}")
        if args.names:
            print(np.array2string(kernel, precision=4, suppress_small=True))
    if args.out is not None:
        needed("matplotlib", "plot")
        from jconv import plotting

        try:
            plotting.save(plotting.kernel_grid(list(built.values()), list(built), columns=5), args.out)
        except OSError as error:
            raise InputError(f"cannot write {str(args.out)!r}: {error.strerror or error}") from error
