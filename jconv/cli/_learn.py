"""`jconv learn`: the main job."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv.cli._options import add_output_options, build_kernels, callbacks, checkpoints, natural, positive
from jconv.cli._output import hold_output

DEFAULT = ("sobel_x", "sobel_y", "gaussian", "laplacian", "sharpen", "emboss")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "learn",
        help="learn kernels from what they make of a picture",
        description="Apply kernels to a photograph, then learn them back from random initialization, seeing only the "
        "photograph and the outputs; or, with --outputs, find the kernels with which another program filtered your "
        "picture. Leaves metrics.json, kernels.npz and kernels.png in the output folder.",
        example="jconv learn --image holiday.jpg --kernels sobel_x gaussian:size=7,sigma=1.5 --out out/holiday",
    )
    parser.add_argument(
        "--image",
        metavar="FILE",
        type=Path,
        help="your own picture, colour or grey (default: a photograph that scikit-image carries)",
    )
    parser.add_argument(
        "--kernels",
        metavar="NAME",
        nargs="+",
        default=DEFAULT,
        help=f"what to learn; see jconv kernels (default: {' '.join(DEFAULT)})",
    )
    parser.add_argument(
        "--outputs",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="the same picture, filtered by unknown kernels, one file each (with --image, instead of --kernels)",
    )
    parser.add_argument(
        "--size", metavar="N", type=positive, default=5, help="odd size of the unknown kernels (default: 5)"
    )
    add_output_options(parser, out="out/learn", every=0)
    parser.add_argument("--seed", type=natural, default=0, help="decides everything random (default: 0)")
    parser.add_argument("--steps", type=positive, default=1500, help="training steps (default: 1500)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Learn, save, and print what came out."""
    from jconv import tasks

    needed("matplotlib", "plot")
    if args.outputs is not None and args.image is None:
        raise InputError("--outputs needs --image, the picture before it was filtered")
    if args.outputs is not None and args.kernels is not DEFAULT:
        raise InputError("--outputs are of unknown kernels; leave out --kernels")
    outputs = _load_outputs(args.outputs or ())
    truth = {} if outputs else build_kernels(args.kernels)
    image = tasks.photograph() if args.image is None else tasks.load_image(args.image)
    settings = {
        "task": "learn",
        "seed": args.seed,
        "steps": args.steps,
        "kernels": list(truth) if truth else {name: describe_image(output) for name, output in outputs.items()},
        "image": describe_image(image),
    }
    with hold_output(args.out):
        options = {
            "seed": args.seed,
            "steps": args.steps,
            "callbacks": callbacks(args, "learning kernels"),
            "checkpoints": checkpoints(args, settings),
        }
        if outputs:
            result = tasks.learn_from_outputs(image, outputs, (args.size, args.size), **options)
        else:
            result = tasks.learn_kernels(image, truth, **options)
        result.save(args.out)
    metrics = result.metrics()
    width = max(6, *map(len, metrics["kernels"]))
    if outputs:
        print(f"{'kernel':<{width}}  error of the output  off least squares")
        for name, row in metrics["kernels"].items():
            off = row["max_abs_difference_from_least_squares"]
            print(f"{name:<{width}}  {row['final_loss'] ** 0.5:19.1e}  {off:17.1e}")
        print(f"{metrics['steps']} steps, {metrics['seconds']:.1f} s; see {args.out / 'kernels.png'}")
        return
    print(f"{'kernel':<{width}}  largest error  least squares")
    for name, errors in metrics["kernels"].items():
        print(f"{name:<{width}}  {errors['max_abs_error']:13.1e}  {errors['least_squares_max_abs_error']:13.1e}")
    print(f"{metrics['steps']} steps, {metrics['seconds']:.1f} s; see {args.out / 'kernels.png'}")


def _load_outputs(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Read the filtered pictures; return them by the names of their files."""
    from jconv.data import load_image

    outputs: dict[str, np.ndarray] = {}
    for path in paths:
        if path.stem in outputs:
            raise InputError(f"two of the outputs are called {path.stem!r}; give them different names")
        outputs[path.stem] = load_image(path)
    return outputs


def describe_image(image: np.ndarray) -> str:
    """Say which picture it is, so that two of them differ in a message as well."""
    digest = hashlib.sha256(image.tobytes()).hexdigest()[:8]
    return f"a picture of {image.shape[0]}×{image.shape[1]} pixels (fingerprint {digest})"
