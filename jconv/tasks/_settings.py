"""The settings of a run: a frozen dataclass for each task, the same for Python, the command line and TOML files."""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import jax.numpy as jnp
from jax.typing import DTypeLike

from jconv._core.errors import InputError
from jconv._core.files import atomic
from jconv._core.names import list_known
from jconv.tasks._fields import document_fields, fields, setting


@document_fields
@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings that every task has; a task's own settings add to them and change their defaults.

    A field's type is int, float, bool, str, a `Literal` of strings, a tuple of one of these, or one of these or None.

    Raises
    ------
    InputError
        When a value has another type or lies outside its bounds.

    Examples
    --------
    >>> Settings(steps=5).batch_size
    64
    """

    seed: int = setting(0, "decides everything random", least=0, most=2**31 - 1)
    steps: int = setting(1000, "training steps", least=1, most=2**31 - 1)
    batch_size: int = setting(64, "examples in each step", least=1)
    learning_rate: float = setting(3e-3, "peak of the schedule: a short rise, then a cosine fall", above=0)
    precision: Literal["float32", "bfloat16"] = setting(
        "float32", "of the network's computation; parameters are float32"
    )
    accumulate: int = setting(1, "parts in which each batch is worked through, to save memory", least=1)
    devices: int = setting(1, "local devices over which each batch is spread", least=1)

    @property
    def dtype(self) -> DTypeLike | None:
        """The `dtype` for `training.functional`: bfloat16, or None for the layers' own."""
        return jnp.bfloat16 if self.precision == "bfloat16" else None

    def __post_init__(self) -> None:
        for name, field in fields(type(self)).items():
            object.__setattr__(self, name, field.accept(getattr(self, name), f"`{name}`"))


S = TypeVar("S", bound=Settings)


def check_widths(widths: tuple[int, ...]) -> None:
    """Raise an InputError unless all widths are multiples of 8, as group normalisation in groups of 8 channels asks."""
    if wrong := [width for width in widths if width % 8]:
        raise InputError(f"`widths` must be multiples of 8, got {wrong[0]}; round it up or down")


def settings_from(cls: type[S], values: Mapping[str, Any], source: str) -> S:
    """Make settings from names and values.

    Parameters
    ----------
    cls : type of Settings
        The task's settings, such as `DigitsSettings`.
    values : mapping of str to value
        As a TOML or JSON file holds them; fields that are missing keep their defaults.
    source : str
        Where the values come from; messages begin with it.

    Returns
    -------
    Settings
        An instance of `cls`.

    Raises
    ------
    InputError
        When a name is unknown (the nearest known one is named) or a value does not fit.

    Examples
    --------
    >>> settings_from(Settings, {"step": 5}, "run.toml")
    Traceback (most recent call last):
    jconv.InputError: run.toml: there is no setting 'step'; did you mean 'steps'? Known settings: seed, steps, ...
    """
    known = fields(cls)
    for name in values:
        if name not in known:
            raise InputError(f"{source}: there is no setting {name!r}{list_known(name, known, 'Known settings')}")
    return cls(**{name: known[name].accept(value, f"{source}: `{name}`") for name, value in values.items()})


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the keys and values of a TOML file.

    Parameters
    ----------
    path : path
        The file, such as the `config.toml` that a run leaves.

    Returns
    -------
    dict of str to value

    Raises
    ------
    InputError
        When the file cannot be read or is not TOML.

    Examples
    --------
    >>> read_config("no_such_file.toml")
    Traceback (most recent call last):
    jconv.InputError: cannot read the config file 'no_such_file.toml': No such file or directory
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the config file {str(path)!r}: {error.strerror or error}") from error
    except ValueError as error:  # bad TOML or bad UTF-8
        raise InputError(f"the config file {str(path)!r} is not TOML: {error}") from error


def write_config(path: str | os.PathLike[str], settings: Settings, comment: str) -> None:
    """Write settings as a TOML file that `read_config` reads; None is left out, since TOML has no word for it."""
    values = {name: value for name, value in as_dict(settings).items() if value is not None}
    # Numbers, strings, truth values and lists of them are spelled alike in JSON and in TOML.
    lines = [f"# {comment}", *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())]
    with atomic(path) as file:
        file.write(("\n".join(lines) + "\n").encode())


def as_dict(settings: Settings) -> dict[str, Any]:
    """Return the settings by name, as JSON values."""
    return json.loads(json.dumps(dataclasses.asdict(settings)))
