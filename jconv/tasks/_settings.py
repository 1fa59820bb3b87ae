"""What a run is told: a frozen dataclass for each task, the same for Python, the command line and TOML files."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import os
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import jax.numpy as jnp

from jconv._core.errors import InputError
from jconv._core.files import atomic

_WHOLE, _REAL = "a whole number", "a number"


def setting(
    default: Any, about: str, *, least: float | None = None, above: float | None = None, most: float | None = None
) -> Any:
    """A field of a task's settings: its default, a line for `--help`, and the bounds of its numbers."""
    return dataclasses.field(default=default, metadata={"about": about, "least": least, "above": above, "most": most})


@dataclasses.dataclass(frozen=True)
class Settings:
    """What every task is told; a task's own settings add to these and change their defaults.

    A field's type is int, float, bool, str, a `Literal` of strings, a tuple of one of these, or one of these or None.

    Raises
    ------
    InputError
        When a value has another type or lies outside its bounds.
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
    def dtype(self) -> Any:
        """What `functional` takes: bfloat16, or None for the layers' own."""
        return jnp.bfloat16 if self.precision == "bfloat16" else None

    def __post_init__(self):
        for name, found in fields(type(self)).items():
            object.__setattr__(self, name, found.accept(getattr(self, name), f"`{name}`"))


S = TypeVar("S", bound=Settings)


def check_widths(widths: tuple[int, ...]) -> None:
    """An InputError unless all widths are multiples of 8, as group normalisation in groups of 8 channels asks."""
    if wrong := [width for width in widths if width % 8]:
        raise InputError(f"`widths` must be multiples of 8, got {wrong[0]}")


class Field(typing.NamedTuple):
    """One setting: what it takes, and how to say so."""

    name: str
    default: Any
    about: str
    kind: Any
    """int, float, bool, str or a tuple of the strings allowed."""
    many: bool
    """Whether it is a list."""
    optional: bool
    least: float | None
    above: float | None
    most: float | None

    @property
    def wanted(self) -> str:
        """What it takes, in words."""
        if self.kind in (int, float):
            word = _WHOLE if self.kind is int else _REAL
            if self.least is not None:
                word += f" from {self.least:g} up" if self.most is None or self.most > 1e9 else f" from {self.least:g}"
            elif self.above is not None:
                word += f" above {self.above:g}"
            if self.most is not None and self.most <= 1e9:
                word += f" to {self.most:g}"
        else:
            word = {bool: "true or false", str: "a text"}.get(self.kind) or f"one of {', '.join(map(repr, self.kind))}"
        return f"a list of which each is {word}" if self.many else word

    def accept(self, value: Any, called: str) -> Any:
        """`value` as the field keeps it, else an InputError that begins with what the field is `called`."""
        if value is None and self.optional:
            return None
        values: Any = value if self.many else (value,)
        if self.many and (not isinstance(value, (list, tuple)) or not value):
            raise InputError(f"{called} must be {self.wanted}, got {value!r}")
        if not all(map(self._fits, values)):
            hint = ""
            if isinstance(self.kind, tuple) and not self.many:
                near = difflib.get_close_matches(str(value), self.kind, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(f"{called} must be {self.wanted}, got {value!r}{hint}")
        kept = tuple(float(v) if self.kind is float else v for v in values)
        return kept if self.many else kept[0]

    def _fits(self, value: Any) -> bool:
        if isinstance(self.kind, tuple):
            return value in self.kind
        if self.kind in (int, float):
            types_of = int if self.kind is int else (int, float)
            return (
                isinstance(value, types_of)
                and not isinstance(value, bool)
                and value == value  # no NaN
                and abs(value) != float("inf")
                and (self.least is None or value >= self.least)
                and (self.above is None or value > self.above)
                and (self.most is None or value <= self.most)
            )
        return isinstance(value, self.kind)

    def parse(self, text: str) -> Any:
        """One value from a command line, as far as its type goes."""
        if self.kind in (int, float):
            try:
                return self.kind(text)
            except ValueError:
                return text  # which `accept` refuses, with its reason
        return text


@functools.cache
def fields(cls: type[Settings]) -> dict[str, Field]:
    """The fields of a task's settings by name."""
    hints = typing.get_type_hints(cls)
    return {f.name: _field(f, hints[f.name]) for f in dataclasses.fields(cls)}


def _field(field: dataclasses.Field, hint: Any) -> Field:
    optional = many = False
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        (hint,) = (t for t in typing.get_args(hint) if t is not type(None))
        optional = True
    if typing.get_origin(hint) is tuple:
        hint, many = typing.get_args(hint)[0], True
    if typing.get_origin(hint) is typing.Literal:
        hint = typing.get_args(hint)
    if hint not in (int, float, bool, str) and not isinstance(hint, tuple):
        raise TypeError(f"the setting {field.name} has the type {hint}; see Settings for those that can be")
    bounds = {name: field.metadata.get(name) for name in ("least", "above", "most")}
    return Field(field.name, field.default, field.metadata.get("about", ""), hint, many, optional, **bounds)


def settings_from(cls: type[S], values: Mapping[str, Any], source: str) -> S:
    """Settings with the given values; an InputError names a key that is none, with the nearest, or a value's fault.

    >>> settings_from(Settings, {"step": 5}, "run.toml")
    Traceback (most recent call last):
    jconv._core.errors.InputError: run.toml: there is no setting 'step'; did you mean 'steps'? ...
    """
    known = fields(cls)
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(f"{source}: there is no setting {name!r}{hint} Known settings: {', '.join(known)}")
    return cls(**{name: known[name].accept(value, f"{source}: `{name}`") for name, value in values.items()})


def read_config(path: str | os.PathLike) -> dict[str, Any]:
    """The keys and values of a TOML file, else an InputError."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the config file {str(path)!r}: {error.strerror or error}") from error
    except ValueError as error:  # bad TOML or bad UTF-8
        raise InputError(f"the config file {str(path)!r} is no TOML: {error}") from error


def write_config(path: str | os.PathLike, settings: Settings, comment: str) -> None:
    """Write settings as a TOML file that `read_config` reads; what is None is left out, as TOML has no word for it."""
    values = {name: value for name, value in as_dict(settings).items() if value is not None}
    # Numbers, texts, truth values and lists of them are spelled alike in JSON and in TOML.
    lines = [f"# {comment}", *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())]
    with atomic(path) as file:
        file.write(("\n".join(lines) + "\n").encode())


def as_dict(settings: Settings) -> dict[str, Any]:
    """The settings by name, as JSON values."""
    return json.loads(json.dumps(dataclasses.asdict(settings)))
