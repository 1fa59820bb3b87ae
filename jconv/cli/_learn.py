"""`jconv learn`: the main job."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from jconv._core.files import output_folder
from jconv.cli._options import add_output_options, callbacks, checkpoints, natural, positive

DEFAULT = ("sobel_x", "sobel_y", "gaussian", "laplacian", "sharpen", "emboss")


def add(commands) -> None:
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
        help="your own picture, PNG, JPEG or TIFF, colour or grey (default: a photograph that scikit-image carries)",
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
    """Learn, save, and say what came out."""
    from jconv import tasks
    from jconv._core.extras import needed

    needed("jconv.plotting", "plot")
    truth = {name: tasks.kernel_from(name) for name in args.kernels}
    image = tasks.photograph() if args.image is None else tasks.load_image(args.image)
    output_folder(args.out)
    settings = {
        "task": "learn",
        "seed": args.seed,
        "steps": args.steps,
        "kernels": list(truth),
        "image": hashlib.sha256(image.tobytes()).hexdigest()[:16],
    }
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
    for name, found in metrics["kernels"].items():
        print(f"{name:<{width}}  {found['max_abs_error']:13.1e}  {found['least_squares_max_abs_error']:13.1e}")
    print(f"{metrics['steps']} steps, {metrics['seconds']:.1f} s; see {args.out / 'kernels.png'}")
