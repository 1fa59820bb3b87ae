"""What the commands share: a parser that complains in one line, checks of numbers, options of a training run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from jconv._core.errors import InputError

if TYPE_CHECKING:
    from jconv.training import Checkpoints


class Parser(argparse.ArgumentParser):
    """An argument parser with an example in its help; wrong input is one line on standard error and exit code 2."""

    def __init__(self, prog: str, description: str = "", *, example: str = "", **options: Any):
        super().__init__(
            prog,
            description=description,
            epilog=f"example: {example}" if example else None,
            allow_abbrev=False,
            **options,
        )

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: error: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return _at_least(1, text)


def natural(text: str) -> int:
    """A whole number of at least 0."""
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} up")
    return number


def add_run_options(parser: argparse.ArgumentParser, *, out: str, steps: int, every: int) -> None:
    """--out, --seed, --steps, --checkpoint-every and --resume."""
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(out), help=f"folder for the results (default: {out})"
    )
    parser.add_argument("--seed", type=natural, default=0, help="decides everything random (default: 0)")
    parser.add_argument("--steps", type=positive, default=steps, help=f"training steps (default: {steps})")
    parser.add_argument(
        "--checkpoint-every",
        metavar="N",
        type=natural,
        default=every,
        help=f"steps between checkpoints in DIR/checkpoints; 0 for none (default: {every})",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in DIR")


def checkpoints(args: argparse.Namespace, settings: Mapping[str, Any]) -> Checkpoints | None:
    """The checkpoints of this run; an unfinished run that was there before is never thrown away unasked."""
    from jconv.training import Checkpoints

    folder = args.out / "checkpoints"
    if not args.checkpoint_every:
        if args.resume:
            raise InputError("--resume needs checkpoints; set --checkpoint-every to more than 0")
        return None
    found = Checkpoints(folder, every=args.checkpoint_every, settings=settings)
    if not args.resume:
        if found.unfinished():
            raise InputError(
                f"{str(folder)!r} holds an unfinished run; add --resume to go on with it, delete that folder to start "
                "anew, or choose another --out"
            )
        found.clear()
    return found
