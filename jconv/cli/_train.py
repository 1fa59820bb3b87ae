"""`jconv train TASK`: networks from random initialization."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jconv._core.extras import needed
from jconv.cli._options import Parser, add_output_options, add_settings, callbacks, checkpoints, settings_of
from jconv.cli._output import hold_output

if TYPE_CHECKING:
    from jconv.tasks import Task


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command; its tasks are looked up when it is used."""
    commands.add_parser(
        "train",
        help="train a network from random initialization",
        description="Train a network from random initialization.",
        example="jconv train digits --out out/digits",
        fill=_add_tasks,
    )


def _add_tasks(parser: Parser) -> None:
    from jconv.tasks import TASKS

    names = parser.add_subparsers(title="tasks", metavar="TASK", required=True, parser_class=Parser)
    for name, task in TASKS.items():
        command = names.add_parser(
            name,
            help=task.summary,
            description=task.description,
            example=task.example or f"jconv train {name} --out out/{name} --seed 1",
        )
        command.add_argument(
            "--config", metavar="FILE", type=Path, help="a TOML file of settings; options given here override it"
        )
        add_output_options(command, out=f"out/{name}", every=200)
        add_settings(command, task.settings)
        command.set_defaults(run=partial(run, task))


def run(task: Task, args: argparse.Namespace) -> None:
    """Train, save, and print what came out."""
    from jconv.tasks._settings import as_dict

    settings = settings_of(args, task.settings)
    needed("matplotlib", "plot")
    with hold_output(args.out):
        result = task.train(
            settings,
            callbacks=callbacks(args, f"learning {task.name}"),
            checkpoints=checkpoints(args, {"task": task.name, **as_dict(settings)}),
        )
        result.save(args.out)
    for message in getattr(result, "skipped", ()):
        print(f"jconv: left out: {message}", file=sys.stderr)
    for message in getattr(result, "warnings", ()):
        print(f"jconv: warning: {message}", file=sys.stderr)
    print(f"{result.summary()}; see {args.out}")
