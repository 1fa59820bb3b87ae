"""`jconv train TASK`: networks from random initialization."""

from __future__ import annotations

import argparse

from jconv._core.files import output_folder
from jconv.cli.options import Parser, add_run_options, checkpoints


def add(commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="train a network from random initialization",
        description="Train a network from random initialization.",
        example="jconv train digits --out out/digits",
    )
    names = parser.add_subparsers(title="tasks", metavar="TASK", required=True, parser_class=Parser)
    digits = names.add_parser(
        "digits",
        help="handwritten digits",
        description="Train a small CNN on the handwritten digits that scikit-learn carries. Leaves metrics.json, "
        "parameters.npz, curves.png, confusion.png and kernels.png in the output folder.",
        example="jconv train digits --out out/digits --seed 1",
    )
    add_run_options(digits, out="out/digits", steps=1200, every=200)
    digits.set_defaults(run=run_digits)


def run_digits(args: argparse.Namespace) -> None:
    """Train, save, and say what came out."""
    from jconv import tasks, training
    from jconv.tasks.extras import needed

    needed("jconv.plotting", "plot")
    output_folder(args.out)
    settings = {"task": "digits", "seed": args.seed, "steps": args.steps}
    result = tasks.train_digits(
        seed=args.seed,
        steps=args.steps,
        callbacks=[training.ProgressBar("learning digits")],
        checkpoints=checkpoints(args, settings),
    )
    result.save(args.out)
    metrics = result.metrics()
    low, high = metrics["test_accuracy_95_percent_interval"]
    print(
        f"{metrics['test_accuracy']:.2%} of {metrics['test_size']} unseen digits right (95 % interval {low:.1%} … "
        f"{high:.1%}), {metrics['steps']} steps, {metrics['seconds']:.1f} s; see {args.out / 'confusion.png'}"
    )
