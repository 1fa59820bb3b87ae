"""What the documentation of every public name must have; `python -m tests.public_api [PREFIX]` lists what is missing.

A public name is one in an `__all__`. Its docstring opens with a summary that ends with a full stop, and has the
sections of numpydoc in their order: `Parameters` with the names of the signature in their order, `Returns`,
`Examples`. A class that only holds values may describe its fields in `Attributes`, or each by a string below it, and
needs no example. All arguments and results are annotated, and the object is found where its `__module__` says it is.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import get_origin

import jconv

SECTIONS = (
    "Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns", "See Also", "Notes", "References", "Examples",
)  # fmt: skip
KINDS_WITH_STARS = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def public_callables() -> dict[str, Callable]:
    """Every function and class in an `__all__`, once, by the shortest name under which it is found."""
    modules = ["jconv", *(m.name for m in pkgutil.walk_packages(jconv.__path__, "jconv.") if m.ispkg)]
    found: dict[int, tuple[str, Callable]] = {}
    for name in sorted(modules, key=lambda name: (name.count("."), name)):
        module = importlib.import_module(name)
        for entry in getattr(module, "__all__", ()):
            thing = getattr(module, entry)
            if callable(thing) and not inspect.ismodule(thing) and get_origin(thing) is None:
                found.setdefault(id(thing), (f"{name}.{entry}", thing))
    return dict(sorted(found.values(), key=lambda pair: pair[0]))


def sections(docstring: str) -> dict[str, str]:
    """The text of each section of a numpydoc docstring, in order; what comes before is under the empty name."""
    parts: dict[str, str] = {}
    title, lines = "", []
    text = docstring.splitlines()
    for number, line in enumerate(text):
        underline = text[number + 1] if number + 1 < len(text) else ""
        if line in SECTIONS and re.fullmatch(r"-{3,}", underline):
            parts[title] = "\n".join(lines)
            title, lines = line, []
        elif not (lines == [] and re.fullmatch(r"-{3,}", line)):
            lines.append(line)
    parts[title] = "\n".join(lines)
    return parts


def entries(section: str) -> list[str]:
    """The names that a section of parameters describes, in order."""
    names = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            names += [name.strip() for name in line.split(" : ")[0].split(",")]
    return names


def is_record(cls: type) -> bool:
    """Whether a class only holds values, as results do."""
    return dataclasses.is_dataclass(cls) or hasattr(cls, "_fields")


def described_fields(cls: type) -> list[str]:
    """The fields of a class that have a string below them."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0].body  # pyright: ignore[reportAttributeAccessIssue]
    return [
        field.target.id
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    ]


def parameters(thing: Callable) -> list[inspect.Parameter]:
    """The parameters of a function or of a class's constructor."""
    try:
        if inspect.isclass(thing) and type(thing).__call__ is not type.__call__:  # a metaclass hides the signature
            return list(inspect.signature(thing.__init__).parameters.values())[1:]
        return list(inspect.signature(thing).parameters.values())
    except ValueError:
        return []


def complaints(thing: Callable) -> list[str]:
    """What the documentation and the annotations of a public function or class lack."""
    return [*_of_docstring(thing), *_of_annotations(thing), *_of_place(thing)]


def _of_docstring(thing: Callable) -> Iterator[str]:
    docstring = inspect.cleandoc(getattr(thing, "__doc__", None) or "")
    if not docstring:
        yield "no docstring"
        return
    parts = sections(docstring)
    if not parts[""].split("\n\n")[0].rstrip().endswith("."):
        yield "the summary does not end with a full stop"
    order = [SECTIONS.index(title) for title in parts if title]
    if order != sorted(order):
        yield f"sections out of order: {', '.join(title for title in parts if title)}"
    is_class = inspect.isclass(thing)
    if is_class and (issubclass(thing, BaseException) or getattr(thing, "_is_protocol", False)):
        return
    named = [KINDS_WITH_STARS.get(p.kind, "") + p.name for p in parameters(thing)]
    fields = "Attributes" if is_class and is_record(thing) and "Attributes" in parts else "Parameters"
    documented = entries(parts.get(fields, ""))
    if is_class and is_record(thing) and fields not in parts:
        documented = described_fields(thing)
    if documented != named:
        yield f"{fields} are {documented}, the signature has {named}"
    returns = getattr(thing, "__annotations__", {}).get("return", "")
    if not is_class and returns not in (None, "None") and not {"Returns", "Yields"} & parts.keys():
        yield "no section Returns"
    if "Examples" not in parts and not (is_class and is_record(thing)):
        yield "no section Examples"


def _of_annotations(thing: Callable) -> Iterator[str]:
    if not inspect.isclass(thing):
        functions = {"": thing}
    elif is_record(thing) or issubclass(thing, BaseException):
        functions = {}
    else:
        names = ("__call__",) if getattr(thing, "_is_protocol", False) else ("__init__", "__call__")
        functions = {n: f for n, f in vars(thing).items() if inspect.isfunction(f) and n in names}
    for name, function in functions.items():
        signature = inspect.signature(function)
        bare = [
            p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name not in ("self", "cls")
        ]
        if signature.return_annotation is signature.empty:
            bare.append("return")
        if bare:
            yield f"no annotation{' in ' + name if name else ''}: {', '.join(bare)}"


def _of_place(thing: Callable) -> Iterator[str]:
    try:
        place = importlib.import_module(thing.__module__)
        for name in thing.__qualname__.split("."):
            place = getattr(place, name)
    except (ImportError, AttributeError):
        place = None
    if place is not thing:
        yield f"not found in its module {thing.__module__}"


def main() -> None:
    """Print the complaints of all names with a prefix."""
    prefix = sys.argv[1] if len(sys.argv) > 1 else ""
    count = 0
    for name, thing in public_callables().items():
        if name.startswith(prefix) and (found := complaints(thing)):
            count += 1
            print(name, *found, sep="\n    ")
    print(f"{count} names with complaints")


if __name__ == "__main__":
    main()
