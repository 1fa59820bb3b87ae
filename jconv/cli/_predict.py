"""`jconv predict`: a trained network on new files."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "predict",
        help="apply a trained network to new files",
        description="Apply a network that jconv train left to new files. Prints a line for each, and leaves "
        "predictions.json and, where the task draws, pictures in the output folder.",
        example="jconv predict digits seven.png --out out/new",
    )
    parser.add_argument("model", metavar="MODEL", help="a task, meaning out/TASK, or the folder that training left")
    parser.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="pictures, sounds or videos, as in training"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for the results (default: MODEL/predictions)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Predict and print."""
    from jconv.tasks import TASKS, predict

    folder = Path(args.model)
    if args.model in TASKS and not (folder / "model.npz").is_file():
        folder = Path("out") / args.model
    for row in predict(folder, args.files, args.out or folder / "predictions"):
        rest = ", ".join(f"{name} {value}" for name, value in row.items() if name != "file")
        print(f"{row['file']}: {rest}")
