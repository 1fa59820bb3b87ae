"""`jconv predict`: a trained network on new files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "predict",
        help="apply a trained network to new files",
        description="Apply a network that jconv train left to new files. Prints a line for each, and leaves "
        "predictions.json and, where the task draws, pictures in the output folder. A file that cannot be used is "
        "named, and the others are worked on; the exit code is then 1.",
        example="jconv predict digits seven.png --out out/new",
    )
    parser.add_argument("model", metavar="MODEL", help="a task, meaning out/TASK, or the folder that training left")
    parser.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="pictures, sounds or videos, as in training"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for the results (default: MODEL/predictions)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict and print; return 1 where a file could not be used."""
    from jconv.tasks import TASKS, predict

    folder = Path(args.model)
    if args.model in TASKS and not (folder / "model.npz").is_file():
        folder = Path("out") / args.model
    beside = folder.parent if folder.suffix == ".npz" else folder
    rows = predict(folder, args.files, args.out or beside / "predictions", skip_damaged=True)
    failed = [row for row in rows if "error" in row]
    for row in rows:
        if "error" not in row:
            rest = ", ".join(f"{name} {value}" for name, value in row.items() if name != "file")
            print(f"{row['file']}: {rest}")
    sys.stdout.flush()
    for row in failed:
        print(f"jconv: {row['error']}", file=sys.stderr)
    if failed:
        print(f"jconv: error: {len(failed)} of {len(rows)} files could not be used", file=sys.stderr)
    return 1 if failed else 0
