"""Which command was meant, and how a program ends.

Exit codes: 0 done, 1 failed, 2 wrong input, 130 interrupted (Ctrl-C), 143 terminated (SIGTERM).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from types import FrameType

from jconv import __version__
from jconv._core.allocator import keep_freed_memory
from jconv._core.errors import InputError
from jconv.cli import _filter as filter_command
from jconv.cli import _info as info
from jconv.cli import _kernels as kernels
from jconv.cli import _learn as learn
from jconv.cli import _predict as predict
from jconv.cli import _train as train
from jconv.cli._options import Parser
from jconv.cli._output import resume_hint


class Terminated(BaseException):
    """The process was asked to end by SIGTERM."""


def parser() -> Parser:
    """Return the parser of the whole command line."""
    top = Parser(
        "jconv",
        "Learn, apply and look at convolution kernels.",
        example="jconv learn --out out/learn",
    )
    top.add_argument("--version", action="version", version=f"jconv {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for module in (learn, train, predict, filter_command, kernels, info):
        module.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments. Default: those of the program.

    Returns
    -------
    int
        The exit code.

    Examples
    --------
    >>> main(["kernels", "identity"])
    identity  3×3, sum 1
    [[0. 0. 0.]
     [0. 1. 0.]
     [0. 0. 0.]]
    0
    """
    keep_freed_memory()  # before JAX computes anything: see there
    args = argparse.Namespace()
    try:
        with _Termination(), warnings.catch_warnings():
            warnings.showwarning = _show_warning
            args = parser().parse_args(argv)
            code = args.run(args)
            sys.stdout.flush()
    except InputError as error:
        return _report(str(error), 2)
    except FloatingPointError as error:
        return _report(str(error), 1)
    except MemoryError as error:
        return _report(f"not enough memory: {error}", 1)
    except BrokenPipeError:  # the reader of our output had enough
        _silence_output()
        return 0
    except OSError as error:  # such as a full disk
        _silence_output()
        return _report(f"cannot write the output: {error.strerror or error}", 1)
    except KeyboardInterrupt:
        return _report(f"interrupted{resume_hint(args)}", 130)
    except Terminated:
        return _report(f"terminated{resume_hint(args)}", 143)
    return code or 0


class _Termination:
    """While a command runs, SIGTERM raises `Terminated`, so that folders are tidied and the user is informed."""

    def __enter__(self) -> None:
        self.before = None
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGTERM, self._raise)

    def __exit__(self, *_: object) -> None:
        if self.before is not None:
            signal.signal(signal.SIGTERM, self.before)

    @staticmethod
    def _raise(number: int, frame: FrameType | None) -> None:
        raise Terminated


def _silence_output() -> None:
    """Let what is still in the buffer go nowhere, so that Python does not fail on it at its end."""
    with contextlib.suppress(OSError, ValueError):  # where standard output is a file at all
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_warning(message: Warning | str, *_: object) -> None:
    print(f"jconv: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _report(message: str, code: int) -> int:
    print(f"jconv: error: {' '.join(message.split())}", file=sys.stderr)
    return code
