"""`jconv train TASK`: networks from random initialization."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv.cli._options import Parser, add_output_options, add_settings, callbacks, checkpoints, settings_of


def add(commands) -> None:
    """Add the command; what its tasks are is looked up when it is used."""
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
            example=f"jconv train {name} --out out/{name} --seed 1",
        )
        command.add_argument(
            "--config", metavar="FILE", type=Path, help="a TOML file of settings; options given here override it"
        )
        add_output_options(command, out=f"out/{name}", every=200)
        add_settings(command, task.settings)
        command.set_defaults(run=partial(run, task))


def run(task, args: argparse.Namespace) -> None:
    """Train, save, and say what came out."""
    from jconv.tasks._settings import as_dict

    settings = settings_of(args, task.settings)
    needed("jconv.plotting", "plot")
    output_folder(args.out)
    result = task.train(
        settings,
        callbacks=callbacks(args, f"learning {task.name}"),
        checkpoints=checkpoints(args, {"task": task.name, **as_dict(settings)}),
    )
    result.save(args.out)
    print(f"{result.summary()}; see {args.out}")
