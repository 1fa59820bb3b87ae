"""What the commands share: a parser that complains in one line, checks of numbers, options of a training run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from jconv._core.errors import InputError
from jconv._core.names import did_you_mean

if TYPE_CHECKING:
    import numpy as np

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
    ) -> None:
        self.fill = fill
        super().__init__(
            prog,
            description=description,
            epilog=f"example: {example}" if example else None,
            allow_abbrev=False,
            **options,
        )

    # What argparse calls, for commands of commands too.
    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        args: Iterable[str] | None = None,
        namespace: Any = None,  # noqa: ANN401 - any object, as argparse has it
    ) -> tuple[Any, list[str]]:
        """Parse, and complain about arguments that this very parser does not know."""
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill(self)
        parsed, unknown = super().parse_known_args(args, argparse.Namespace() if namespace is None else namespace)
        if unknown:
            # Without dashes, which would make any two options look alike.
            known = [name[2:] for name in self._option_string_actions if name.startswith("--")]
            self.error(f"unknown arguments: {' '.join(unknown)}{did_you_mean(unknown[0].lstrip('-'), known)}")
        return parsed, []

    def error(self, message: str) -> NoReturn:
        """Print one line, and end the program with code 2."""
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


def build_kernels(names: Sequence[str]) -> dict[str, np.ndarray]:
    """Build the kernels with these names; an InputError for an unknown name, and for one that is given twice."""
    from jconv.kernels import kernel_from

    built: dict[str, np.ndarray] = {}
    for name in names:
        if name in built:
            raise InputError(f"the kernel {name!r} is named twice; name it once")
        built[name] = kernel_from(name)
    return built


def add_settings(parser: argparse.ArgumentParser, cls: type[Settings]) -> None:
    """Add an option for each field of a task's settings; `settings_of` reads them back."""
    from jconv.tasks._fields import fields

    group = parser.add_argument_group("settings", "which a config file may hold as well")
    for name, field in fields(cls).items():
        default = " ".join(map(str, field.default)) if field.many else field.default
        about = f"{field.about} (default: {'none' if default is None else default})".replace("%", "%%")
        options: dict[str, Any] = {"dest": f"setting:{name}", "default": argparse.SUPPRESS, "help": about}
        if field.kind is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options |= {"type": field.parse, "metavar": {int: "N", float: "X"}.get(field.kind, "NAME")}
        if field.many:
            options["nargs"] = "+"
        group.add_argument(f"--{name.replace('_', '-')}", **options)


def settings_of(args: argparse.Namespace, cls: type[S]) -> S:
    """Return a task's settings: its defaults, then the config file's, then those on the command line."""
    from jconv.tasks._fields import fields
    from jconv.tasks._settings import as_dict, read_config, settings_from

    given = {name: value for name, value in vars(args).items() if name.startswith("setting:")}
    typed = {}
    for name, value in given.items():
        name = name.removeprefix("setting:")
        typed[name] = fields(cls)[name].accept(value, f"argument --{name.replace('_', '-')}:")
    if args.config is None:
        return cls(**typed)
    filed = settings_from(cls, read_config(args.config), f"the config file {str(args.config)!r}")
    return cls(**(as_dict(filed) | typed))


def add_output_options(parser: argparse.ArgumentParser, *, out: str, every: int) -> None:
    """Add --out, --checkpoint-every, --resume and --log."""
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(out), help=f"folder for the results (default: {out})"
    )
    parser.add_argument(
        "--checkpoint-every",
        metavar="N",
        type=natural,
        help=f"steps between checkpoints in DIR/checkpoints; 0 for none (default: {every}; with --resume, as before)",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in DIR")
    parser.add_argument(
        "--log",
        nargs="+",
        choices=("jsonl", "tensorboard"),
        default=(),
        help="also write the losses into DIR/log.jsonl, or for TensorBoard into DIR/tensorboard",
    )
    parser.set_defaults(default_every=every)


def callbacks(args: argparse.Namespace, label: str) -> list[Callback]:
    """Return a progress bar, and the logs that were asked for."""
    from jconv.training import JSONLines, ProgressBar, TensorBoard

    makers = {
        "jsonl": lambda: JSONLines(args.out / "log.jsonl"),
        "tensorboard": lambda: TensorBoard(args.out / "tensorboard"),
    }
    return [ProgressBar(label), *(makers[name]() for name in dict.fromkeys(args.log))]


def checkpoints(args: argparse.Namespace, settings: Mapping[str, Any]) -> Checkpoints | None:
    """Return the checkpoints of this run; an unfinished run that was there before is never thrown away unasked."""
    from jconv.training import Checkpoints

    folder = args.out / "checkpoints"
    every = args.checkpoint_every
    if every is None:
        every = (args.resume and Checkpoints(folder).saved_every()) or args.default_every
    if not every:
        if args.resume:
            raise InputError("--resume needs checkpoints; set --checkpoint-every to more than 0")
        return None
    checkpoints = Checkpoints(folder, every=every, settings=settings)
    if not args.resume:
        if checkpoints.unfinished():
            raise InputError(
                f"{str(folder)!r} holds an unfinished run; add --resume to go on with it, delete that folder to start "
                "again, or choose another --out"
            )
        checkpoints.clear()
    return checkpoints
