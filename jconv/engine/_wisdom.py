"""Wisdom: algorithms that were measured to be fastest, kept in memory and, when asked, in a file.

A file is JSON. It holds for one device kind, JAX version and number of cores; any other file is refused with a
message that says which of them differs, and nothing that a file contains can stop a program.
"""

from __future__ import annotations

import dataclasses
import json
import os
import warnings
from pathlib import Path

import jax

from jconv._core.cores import cores
from jconv._core.files import write_json
from jconv.engine._problem import Problem

FORMAT = 1

_known: dict[str, str] = {}


class WisdomError(ValueError):
    """A wisdom file that cannot be used here; the message says why."""


def key(problem: Problem) -> str:
    """A problem as a line of text, the same in every process; whether its borders count is no matter of time."""
    facts = dataclasses.asdict(problem)
    del facts["free_borders"]
    return json.dumps(facts, separators=(",", ":"))


def lookup(problem: Problem) -> str | None:
    """The algorithm that was measured to be fastest, if any was."""
    _load_from_environment()
    return _known.get(key(problem)) if _known else None


def remember(problem: Problem, algorithm: str) -> None:
    """Keep a measured answer for this process."""
    _known[key(problem)] = algorithm
    _forget_plans()


def forget_wisdom() -> None:
    """Drop all measured answers of this process.

    >>> forget_wisdom()
    """
    _known.clear()
    _forget_plans()


def _forget_plans() -> None:
    from jconv.engine import _planner as planner

    planner.plan.cache_clear()


def _circumstances() -> dict[str, object]:
    device = jax.devices()[0]
    return {"device": device.device_kind, "platform": device.platform, "jax": jax.__version__, "cores": cores()}


def save_wisdom(path: str | os.PathLike) -> None:
    """Write all measured answers to a file, beside it first and then in its place.

    Parameters
    ----------
    path : the file to write; its folder must exist.

    Raises
    ------
    OSError
        Where the file cannot be written; an existing one is then left as it was.
    """
    content = {"format": FORMAT, **_circumstances(), "choices": _known}
    write_json(path, content)


def load_wisdom(path: str | os.PathLike) -> int:
    """Read measured answers from a file that `save_wisdom` wrote, and use them from now on.

    Parameters
    ----------
    path : the file to read.

    Returns
    -------
    The number of answers read.

    Raises
    ------
    WisdomError
        Where the file is missing, truncated, of another format, or was measured elsewhere. Nothing is changed then.
    """
    try:
        content = json.loads(Path(path).read_text())
        choices, version = content["choices"], content["format"]
    except OSError as error:
        raise WisdomError(f"cannot read wisdom from {os.fspath(path)!r}: {error.strerror}; measure again") from error
    except (ValueError, KeyError, TypeError) as error:
        raise WisdomError(f"{os.fspath(path)!r} is no wisdom file, or a truncated one; measure again") from error
    if version != FORMAT:
        raise WisdomError(f"{os.fspath(path)!r} has wisdom of format {version!r}, not {FORMAT}; measure again")
    here = _circumstances()
    different = [f"{k} {content.get(k)!r} instead of {v!r}" for k, v in here.items() if content.get(k) != v]
    if different:
        raise WisdomError(f"{os.fspath(path)!r} was measured elsewhere: {', '.join(different)}; measure again")
    if not isinstance(choices, dict) or not all(isinstance(v, str) for v in choices.values()):
        raise WisdomError(f"{os.fspath(path)!r} is no wisdom file, or a damaged one; measure again")
    _known.update(choices)
    _forget_plans()
    return len(choices)


_environment_read = False


def _load_from_environment() -> None:
    """Read the file that `JCONV_WISDOM` names, once; what is wrong with it is said in a warning."""
    global _environment_read
    if _environment_read:
        return
    _environment_read = True
    if path := os.environ.get("JCONV_WISDOM"):
        try:
            load_wisdom(path)
        except WisdomError as error:
            warnings.warn(f"JCONV_WISDOM is not used: {error}", stacklevel=2)
