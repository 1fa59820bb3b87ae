"""Checkpoints (Orbax) that resume to the same bits, and say so when they cannot."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from jconv._core import check
from jconv._core.errors import InputError
from jconv._core.files import write_json
from jconv.training._trainer import State


class CheckpointError(InputError):
    """A checkpoint that is damaged, or that belongs to another model or other settings."""


class Saved(NamedTuple):
    """What a checkpoint gives back."""

    state: State
    history: dict[str, np.ndarray]
    best: State | None
    """The state that early stopping would return; None without it."""


class Checkpoints:
    """A folder of checkpoints of one training run.

    Parameters
    ----------
    folder : path
        Made when missing. Each checkpoint is written beside its place and then renamed.
    every : int
        Save where a call of `fit` passes a multiple of this many steps, and at the end.
    settings : mapping, optional
        What the run depends on besides its state (JSON values). A run with other settings refuses the checkpoint.
    keep : int
        How many of the newest checkpoints stay.

    Notes
    -----
    A checkpoint is a folder `STEP`, written by Orbax, with the state and the history of the metrics, and a seal
    `STEP.json`, written last, with the settings, the shapes and dtypes of the arrays, and a digest of the folder's
    files. Without its seal a checkpoint is unfinished and does not count; with a digest that differs it is damaged.
    """

    def __init__(
        self, folder: str | os.PathLike, *, every: int = 100, settings: Mapping[str, Any] | None = None, keep: int = 2
    ):
        self.folder = Path(folder).absolute()
        self.every = check.positive_int("every", every)
        self.keep = check.positive_int("keep", keep)
        self.settings = json.loads(json.dumps(dict(settings or {})))  # as they will be read back

    def due(self, done: int, count: int) -> bool:
        """Whether the last `count` of `done` steps passed a multiple of `every`."""
        return done // self.every > (done - count) // self.every

    def steps(self) -> list[int]:
        """The steps of the finished checkpoints, in rising order."""
        seals = self.folder.glob("*.json")
        return sorted(int(s.stem) for s in seals if s.stem.isdecimal() and (self.folder / s.stem).is_dir())

    def clear(self) -> None:
        """Delete all checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def unfinished(self) -> bool:
        """Whether there is a checkpoint, and the newest is not the end of its run."""
        steps = self.steps()
        return bool(steps) and not _seal(self.folder / str(steps[-1])).get("final", False)

    def save(
        self, state: State, history: Mapping[str, np.ndarray], *, best: State | None = None, final: bool = False
    ) -> None:
        """Save a state and the history that led to it, and delete what `keep` no longer covers.

        `best` is kept beside them; `final` notes that the run ends here.
        """
        arrays, step = _arrays(state), int(state.step)
        folder, seal = self.folder / str(step), self.folder / f"{step}.json"
        seal.unlink(missing_ok=True)
        with _checkpointer() as checkpointer:
            content = {"state": arrays, "history": {name: np.asarray(values) for name, values in history.items()}}
            if best is not None:
                content["best"] = _arrays(best)
            checkpointer.save(folder, args=ocp.args.StandardSave(content), force=True)
        about = {"settings": self.settings, "arrays": _shapes(arrays), "digest": _digest(folder), "final": final}
        write_json(seal, about)
        for old in self.steps()[: -self.keep]:
            (self.folder / f"{old}.json").unlink()
            shutil.rmtree(self.folder / str(old))

    def restore(self, like: State) -> Saved | None:
        """The newest state and what belongs to it, or None where there is none; `like` is a state of the same model."""
        if not (steps := self.steps()):
            return None
        folder = self.folder / str(steps[-1])
        about = _seal(folder)
        if about.get("digest") != _digest(folder):
            raise CheckpointError(
                f"the checkpoint {str(folder)!r} is damaged: its files are not those that were saved; "
                "delete that folder to go on from an earlier one, or start anew"
            )
        _refuse_other(folder, "option", about["settings"], self.settings)
        _refuse_other(folder, "array", about["arrays"], _shapes(_arrays(like)))
        with _checkpointer() as checkpointer:
            content = checkpointer.restore(folder, args=ocp.args.StandardRestore())
        best = _state(content["best"], like) if "best" in content else None
        return Saved(_state(content["state"], like), {n: np.asarray(v) for n, v in content["history"].items()}, best)


def _checkpointer() -> ocp.Checkpointer:
    return ocp.Checkpointer(ocp.StandardCheckpointHandler())


def _seal(folder: Path) -> dict[str, Any]:
    """What the seal of a checkpoint says; nothing when it cannot be read."""
    try:
        about = json.loads(folder.with_name(f"{folder.name}.json").read_text())
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) and {"settings", "arrays", "digest"} <= about.keys() else {}


def _digest(folder: Path) -> str:
    """Of the names and bytes of all files under a folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _refuse_other(folder: Path, what: str, found: Mapping, wanted: Mapping) -> None:
    for name in (*wanted, *found):
        if found.get(name) != wanted.get(name):
            raise CheckpointError(
                f"the checkpoint {str(folder)!r} belongs to another run: its {what} {name} is "
                f"{found.get(name, 'absent')}, here it is {wanted.get(name, 'absent')}; use the same options, "
                "or start anew"
            )


def _arrays(state: State) -> dict[str, np.ndarray]:
    """The leaves of a state by their paths, random keys as their data."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {_name(path): np.asarray(jax.random.key_data(v) if _is_key(v) else v) for path, v in leaves}


def _state(arrays: Mapping[str, np.ndarray], like: State) -> State:
    def back(path, leaf):
        array = jnp.asarray(arrays[_name(path)])
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf)) if _is_key(leaf) else array

    return jax.tree_util.tree_map_with_path(back, like)


def _name(path) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    return {name: f"{a.dtype}{list(a.shape)}" for name, a in arrays.items()}
