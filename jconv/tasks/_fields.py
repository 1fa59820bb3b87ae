"""The fields of a task's settings: their types, their bounds, and the messages where a value does not fit."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import textwrap
import types
import typing
from typing import Any

from jconv._core.errors import InputError
from jconv._core.names import did_you_mean

C = typing.TypeVar("C")

_UNBOUNDED = 1e9
"""Upper bounds beyond this are limits of the integer type, and not worth a word in a message."""


def setting(
    default: Any, about: str, *, least: float | None = None, above: float | None = None, most: float | None = None
) -> Any:
    """Describe one field of a settings dataclass.

    Parameters
    ----------
    default : int, float, bool, str, tuple or None
        The default value.
    about : str
        The line that `--help` shows.
    least, above, most : float, optional
        Bounds of its numbers: at least, more than, at most.

    Returns
    -------
    dataclasses.Field
        Typed as `Any`, so that it can stand behind any annotation.
    """
    return dataclasses.field(default=default, metadata={"about": about, "least": least, "above": above, "most": most})


class Field(typing.NamedTuple):
    """One setting: which values it takes, and how to say so."""

    name: str
    default: Any
    about: str
    kind: Any
    """int, float, bool, str or a tuple of the strings allowed."""
    many: bool
    """Whether it is a list."""
    optional: bool
    """Whether it may be None."""
    least: float | None
    above: float | None
    most: float | None

    def describe(self) -> str:
        """Say which values the field takes.

        >>> Field("size", 8, "", int, False, False, 4, None, 64).describe()
        'an integer from 4 to 64'
        >>> Field("widths", (8,), "", int, True, False, 1, None, None).describe()
        'a list of integers >= 1'
        """
        if isinstance(self.kind, tuple):
            names = ", ".join(map(repr, self.kind))
            return f"a list of strings, each one of {names}" if self.many else f"one of {names}"
        one, several = {
            int: ("an integer", "integers"),
            float: ("a number", "numbers"),
            str: ("a string", "strings"),
            bool: ("true or false", "truth values"),
        }[self.kind]
        return (f"a list of {several}" if self.many else one) + self._bounds()

    def accept(self, value: Any, called: str) -> Any:
        """Return `value` in the field's own type.

        Raises
        ------
        InputError
            When it does not fit. The message begins with `called`, the name under which the user knows the field.
        """
        if value is None and self.optional:
            return None
        if self.many and (not isinstance(value, (list, tuple)) or not value):
            raise InputError(f"{called} must be {self.describe()}, got {value!r}")
        values: Any = value if self.many else (value,)
        if not all(map(self._fits, values)):
            hint = did_you_mean(value, self.kind) if isinstance(self.kind, tuple) and not self.many else ""
            raise InputError(f"{called} must be {self.describe()}, got {value!r}{hint}")
        accepted = tuple(float(v) if self.kind is float else v for v in values)
        return accepted if self.many else accepted[0]

    def parse(self, text: str) -> Any:
        """Read one value from a command line, as far as its type goes."""
        if self.kind in (int, float):
            try:
                return self.kind(text)
            except ValueError:
                return text  # which `accept` refuses, with its reason
        return text

    def _bounds(self) -> str:
        most = None if self.most is None or self.most > _UNBOUNDED else self.most
        if self.least is not None:
            return f" >= {self.least:g}" if most is None else f" from {self.least:g} to {most:g}"
        if self.above is not None:
            return f" > {self.above:g}" + ("" if most is None else f" and <= {most:g}")
        return "" if most is None else f" <= {most:g}"

    def _fits(self, value: Any) -> bool:
        if isinstance(self.kind, tuple):
            return value in self.kind
        if self.kind in (int, float):
            return (
                isinstance(value, int if self.kind is int else (int, float))
                and not isinstance(value, bool)
                and value == value  # not NaN
                and abs(value) != float("inf")
                and (self.least is None or value >= self.least)
                and (self.above is None or value > self.above)
                and (self.most is None or value <= self.most)
            )
        return isinstance(value, self.kind)


@functools.cache
def fields(cls: type) -> dict[str, Field]:
    """Return the fields of a settings dataclass by name."""
    hints = typing.get_type_hints(cls)
    return {field.name: _field(field, hints[field.name]) for field in dataclasses.fields(cls)}


def document_fields(cls: type[C]) -> type[C]:
    """Write a section `Parameters` into the docstring of a settings dataclass, from what `setting` says of each field.

    `--help` prints the same descriptions, so that each is written once.
    """
    lines = ["Parameters", "----------"]
    for field in fields(cls).values():
        about = field.about[:1].upper() + field.about[1:]
        lines.append(f"{field.name} : {field.describe()}{', or None' if field.optional else ''}")
        lines += textwrap.wrap(
            f"{about}. Default {field.default!r}.", 100, initial_indent="    ", subsequent_indent="    "
        )
    if cls.__doc__ is not None:  # None under `python -OO`
        head, *rest = re.split(r"\n\n(?=(?:Raises|Notes|Examples)\n---)", inspect.cleandoc(cls.__doc__))
        cls.__doc__ = "\n\n".join([head, "\n".join(lines), *rest]) + "\n"
    return cls


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
        raise TypeError(f"the setting {field.name} has the type {hint}; see Settings for those that it can have")
    bounds = {name: field.metadata.get(name) for name in ("least", "above", "most")}
    return Field(field.name, field.default, field.metadata.get("about", ""), hint, many, optional, **bounds)
