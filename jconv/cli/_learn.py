"""`jconv learn`: the main job."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np

from jconv._core.extras import needed
from jconv.cli._options import add_output_options, build_kernels, callbacks, checkpoints, natural, positive
from jconv.cli._output import hold_output

DEFAULT = ("sobel_x", "sobel_y", "gaussian", "laplacian", "sharpen", "emboss")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "learn",
        help="learn kernels back from what they make of a photograph",
        description="Apply kernels to a photograph, then learn them back from random initialization, seeing only the "
        "photograph and the outputs. Leaves metrics.json, kernels.npz and kernels.png in the output folder.",
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
    add_output_options(parser, out="out/learn", every=0)
    parser.add_argument("--seed", type=natural, default=0, help="decides everything random (default: 0)")
    parser.add_argument("--steps", type=positive, default=1500, help="training steps (default: 1500)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Learn, save, and print what came out."""
    from jconv import tasks

    needed("matplotlib", "plot")
    truth = build_kernels(args.kernels)
    image = tasks.photograph() if args.image is None else tasks.load_image(args.image)
    settings = {
        "task": "learn",
        "seed": args.seed,
        "steps": args.steps,
        "kernels": list(truth),
        "image": describe_image(image),
    }
    with hold_output(args.out):
        result = tasks.learn_kernels(
            image,
            truth,
            seed=args.seed,
            steps=args.steps,
            callbacks=callbacks(args, "learning kernels"),
            checkpoints=checkpoints(args, settings),
        )
        result.save(args.out)
    metrics = result.metrics()
    width = max(map(len, metrics["kernels"]))
    print(f"{'kernel':<{width}}  largest error  least squares")
    for name, errors in metrics["kernels"].items():
        print(f"{name:<{width}}  {errors['max_abs_error']:13.1e}  {errors['least_squares_max_abs_error']:13.1e}")
    print(f"{metrics['steps']} steps, {metrics['seconds']:.1f} s; see {args.out / 'kernels.png'}")


def describe_image(image: np.ndarray) -> str:
    """Say which picture it is, so that two of them differ in a message as well."""
    digest = hashlib.sha256(image.tobytes()).hexdigest()[:8]
    return f"a picture of {image.shape[0]}×{image.shape[1]} pixels (fingerprint {digest})"
