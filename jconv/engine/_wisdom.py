"""Wisdom: algorithms that were measured to be fastest, kept in memory and, when asked, in a file.

A file is JSON. It holds for one device kind, JAX version and number of cores; any other file is refused with a
message that says which of them differs, and nothing that a file contains can stop a program.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import jax

from jconv._core.cores import cores
from jconv._core.files import write_json
from jconv.engine._problem import Problem

FORMAT = 2


class WisdomError(ValueError):
    """A wisdom file that cannot be used here; the message says why."""


class Wisdom:
    """Measured choices: {a problem as a line of text: the name of its fastest algorithm}."""

    def __init__(self, choices: dict[str, str] | None = None) -> None:
        self.choices = dict(choices or {})

    @classmethod
    def from_environment(cls) -> Wisdom:
        """Read the choices in the file that `JCONV_WISDOM` names; a file that cannot be used gives a warning."""
        wisdom = cls()
        if path := os.environ.get("JCONV_WISDOM"):
            try:
                wisdom.load(path)
            except WisdomError as error:
                warnings.warn(f"JCONV_WISDOM is not used: {error}", stacklevel=2)
        return wisdom

    def lookup(self, problem: Problem) -> str | None:
        """Return the algorithm that was measured to be fastest, if any was."""
        return self.choices.get(_key(problem)) if self.choices else None

    def remember(self, problem: Problem, algorithm: str) -> None:
        self.choices[_key(problem)] = algorithm

    def forget(self) -> None:
        self.choices.clear()

    def save(self, path: str | os.PathLike) -> None:
        """Write all choices to a file; see `jconv.engine.save_wisdom`."""
        write_json(path, {"format": FORMAT, **_circumstances(), "choices": self.choices})

    def load(self, path: str | os.PathLike) -> int:
        """Add the choices of a file; see `jconv.engine.load_wisdom`."""
        name = os.fspath(path)
        try:
            content = json.loads(Path(path).read_text())
            choices, version = content["choices"], content["format"]
        except OSError as error:
            raise WisdomError(f"cannot read wisdom from {name!r}: {error.strerror}; measure again") from error
        except (ValueError, KeyError, TypeError) as error:
            raise WisdomError(f"{name!r} is not a wisdom file, or is truncated; measure again") from error
        if version != FORMAT:
            raise WisdomError(f"{name!r} has wisdom of format {version!r}, not {FORMAT}; measure again")
        here = _circumstances()
        different = [f"{k} {content.get(k)!r} instead of {v!r}" for k, v in here.items() if content.get(k) != v]
        if different:
            raise WisdomError(f"{name!r} was measured elsewhere: {', '.join(different)}; measure again")
        if not isinstance(choices, dict) or not all(isinstance(v, str) for v in choices.values()):
            raise WisdomError(f"{name!r} is not a wisdom file, or is damaged; measure again")
        self.choices.update(choices)
        return len(choices)


def _key(problem: Problem) -> str:
    """Return a problem as a line of text, the same in every process. It holds what affects the running time.

    On a CPU all products are in full precision, so that "high" is "default" there; `free_borders` does not affect the
    choice.
    """
    geometry, target = problem.geometry, problem.target
    precision = "default" if target.platform == "cpu" and problem.precision == "high" else problem.precision
    facts = {
        "lhs": problem.lhs_shape,
        "rhs": problem.rhs_shape,
        "strides": geometry.strides,
        "padding": geometry.padding,
        "lhs_dilation": geometry.lhs_dilation,
        "rhs_dilation": geometry.rhs_dilation,
        "groups": geometry.groups,
        "dtype": problem.dtype,
        "precision": precision,
        "platform": target.platform,
        "portable": target.portable,
        "partitioned": target.partitioned,
        "terms": None if problem.separable is None else len(problem.separable.terms),
    }
    return json.dumps(facts, separators=(",", ":"))


def _circumstances() -> dict[str, object]:
    device = jax.devices()[0]
    return {"device": device.device_kind, "platform": device.platform, "jax": jax.__version__, "cores": cores()}
