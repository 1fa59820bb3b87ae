"""What the commands share: a parser that complains in one line, checks of numbers, options of a training run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from jconv._core.errors import InputError

if TYPE_CHECKING:
    from jconv.tasks._settings import S, Settings
    from jconv.training import Callback, Checkpoints


class Parser(argparse.ArgumentParser):
    """An argument parser with an example in its help; wrong input is one line on standard error and exit code 2.

    `fill` adds arguments that take time to find out; it is called when the parser is used.
    """

    def __init__(
        self,
        prog: str,
        description: str = "",
        *,
        example: str = "",
        fill: Callable[[Parser], None] | None = None,
        **options: Any,
    ):
        self.fill = fill
        super().__init__(
            prog,
            description=description,
            epilog=f"example: {example}" if example else None,
            allow_abbrev=False,
            **options,
        )

    def parse_known_args(self, args=None, namespace=None):  # what argparse calls, for commands of commands too
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: error: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)


def positive(text: str) -> int:
    """Read an integer of at least 1."""
    return _at_least(1, text)


def natural(text: str) -> int:
    """Read an integer of at least 0."""
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number < 2**31:
        raise argparse.ArgumentTypeError(f"expected an integer >= {least}, got {text!r}")
    return number


def add_settings(parser: argparse.ArgumentParser, cls: type[Settings]) -> None:
    """An option for each field of a task's settings; `settings_of` reads them back."""
    from jconv.tasks._fields import fields

    group = parser.add_argument_group("settings", "which a config file may hold as well")
    for name, field in fields(cls).items():
        default = " ".join(map(str, field.default)) if field.many else field.default
        told = f"{field.about} (default: {'none' if default is None else default})".replace("%", "%%")
        options: dict[str, Any] = {"dest": f"setting:{name}", "default": argparse.SUPPRESS, "help": told}
        if field.kind is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options |= {"type": field.parse, "metavar": {int: "N", float: "X"}.get(field.kind, "NAME")}
        if field.many:
            options["nargs"] = "+"
        group.add_argument(f"--{name.replace('_', '-')}", **options)


def settings_of(args: argparse.Namespace, cls: type[S]) -> S:
    """A task's settings: its defaults, then the config file's, then those on the command line."""
    from jconv.tasks._fields import fields
    from jconv.tasks._settings import as_dict, read_config, settings_from

    given = {name: value for name, value in vars(args).items() if name.startswith("setting:")}
    told = {}
    for name, value in given.items():
        name = name.removeprefix("setting:")
        told[name] = fields(cls)[name].accept(value, f"argument --{name.replace('_', '-')}:")
    if args.config is None:
        return cls(**told)
    filed = settings_from(cls, read_config(args.config), f"the config file {str(args.config)!r}")
    return cls(**(as_dict(filed) | told))


def add_output_options(parser: argparse.ArgumentParser, *, out: str, every: int) -> None:
    """--out, --checkpoint-every, --resume and --log."""
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(out), help=f"folder for the results (default: {out})"
    )
    parser.add_argument(
        "--checkpoint-every",
        metavar="N",
        type=natural,
        default=every,
        help=f"steps between checkpoints in DIR/checkpoints; 0 for none (default: {every})",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in DIR")
    parser.add_argument(
        "--log",
        nargs="+",
        choices=("jsonl", "tensorboard"),
        default=(),
        help="also write the losses into DIR/log.jsonl, or for TensorBoard into DIR/tensorboard",
    )


def callbacks(args: argparse.Namespace, label: str) -> list[Callback]:
    """A progress bar, and the logs that were asked for."""
    from jconv.training import JSONLines, ProgressBar, TensorBoard

    makers = {
        "jsonl": lambda: JSONLines(args.out / "log.jsonl"),
        "tensorboard": lambda: TensorBoard(args.out / "tensorboard"),
    }
    return [ProgressBar(label), *(makers[name]() for name in dict.fromkeys(args.log))]


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
