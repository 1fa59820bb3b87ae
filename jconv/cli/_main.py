"""Which command was meant, and how a program ends: 0 done, 1 failed, 2 wrong input, 130 interrupted."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from jconv import __version__
from jconv._core.allocator import keep_freed_memory
from jconv._core.errors import InputError
from jconv.cli import _filter as filter_command
from jconv.cli import _kernels as kernels
from jconv.cli import _learn as learn
from jconv.cli import _predict as predict
from jconv.cli import _train as train
from jconv.cli._options import Parser


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = Parser(
        "jconv",
        "Learn, apply and look at convolution kernels.",
        example="jconv learn --out out/learn",
    )
    top.add_argument("--version", action="version", version=f"jconv {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for module in (learn, train, predict, filter_command, kernels):
        module.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (by default the program's own) and return the exit code."""
    args = parser().parse_args(argv)
    keep_freed_memory()  # before JAX computes anything: see there
    try:
        args.run(args)
    except InputError as error:
        return _tell(str(error), 2)
    except FloatingPointError as error:
        return _tell(str(error), 1)
    except BrokenPipeError:  # the reader of our output had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return _tell("interrupted", 130)
    return 0


def _tell(message: str, code: int) -> int:
    print(f"jconv: error: {' '.join(message.split())}", file=sys.stderr)
    return code
