"""Checkpoints (Orbax) that resume to the same bits, and say so when they cannot."""

from __future__ import annotations

import hashlib
import json
import math
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
from jconv._core.archives import describe
from jconv._core.errors import InputError
from jconv._core.files import write_json
from jconv._core.limits import check_bytes, max_bytes
from jconv._core.paths import name_leaves, name_path
from jconv.training._trainer import State

_SHORTEST_CALL = 4
"""A guess: calls of fewer steps than a fourth of what was asked spend their time between calls."""


class CheckpointError(InputError):
    """A checkpoint that is damaged, or that belongs to another model or other settings."""


class Saved(NamedTuple):
    """The content of a checkpoint."""

    state: State
    history: dict[str, np.ndarray]
    best: State | None
    """The state that early stopping would return; None without it."""


class Checkpoints:
    """A folder of checkpoints of one training run.

    Parameters
    ----------
    folder : path
        Made when missing.
    every : int
        Save where a call of `fit` passes a multiple of this many steps, and at the end. Default 100.
    settings : mapping of str to JSON values, optional
        What the run depends on besides its state. A run with other settings refuses the checkpoint.
    keep : int
        How many of the newest checkpoints stay. Default 2.

    Raises
    ------
    ValueError
        When `every` or `keep` is less than 1.

    Notes
    -----
    A checkpoint is a folder `STEP`, written by Orbax, with the state and the history of the metrics, and a seal
    `STEP.json`, written last, with the settings, the shapes and dtypes of the arrays, and a digest of the folder's
    files. Without its seal a checkpoint is unfinished and does not count; with another digest it is damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Checkpoints(folder, every=50).steps()
    []
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every: int = 100,
        settings: Mapping[str, Any] | None = None,
        keep: int = 2,
    ) -> None:
        self.folder = Path(folder).absolute()
        self.every = check.positive_int("every", every)
        self.keep = check.positive_int("keep", keep)
        self.settings = json.loads(json.dumps(dict(settings or {})))  # as they will be read back

    def due(self, done: int, count: int) -> bool:
        """Return whether the last `count` of `done` steps passed a multiple of `every`."""
        return done // self.every > (done - count) // self.every

    def steps_per_call(self, most: int) -> int:
        """Return how many steps, at most `most`, a call should take to end wherever states are to be saved.

        That is the largest number that divides `every`. Where only much smaller numbers divide it, `most` comes back,
        and states are saved at the next end of a call.
        """
        best = max(count for count in range(1, most + 1) if self.every % count == 0)
        return best if best * _SHORTEST_CALL >= most else most

    def steps(self) -> list[int]:
        """Return the steps of the finished checkpoints, in rising order."""
        seals = self.folder.glob("*.json")
        return sorted(int(s.stem) for s in seals if s.stem.isdecimal() and (self.folder / s.stem).is_dir())

    def clear(self) -> None:
        """Delete all checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def unfinished(self) -> bool:
        """Return whether there is a checkpoint, and the newest is not the end of its run."""
        steps = self.steps()
        return bool(steps) and not _read_seal(self.folder / str(steps[-1])).get("final", False)

    def saved_every(self) -> int | None:
        """Return the `every` of the run that made the newest checkpoint; None where there is none."""
        steps = self.steps()
        every = _read_seal(self.folder / str(steps[-1])).get("every") if steps else None
        return every if isinstance(every, int) and every > 0 else None

    def save(
        self, state: State, history: Mapping[str, np.ndarray], *, best: State | None = None, final: bool = False
    ) -> None:
        """Save a state and the history that led to it, and delete what `keep` no longer covers.

        Parameters
        ----------
        state : State
            The state to save; its step names the checkpoint.
        history : mapping of str to array
            The metrics of all steps so far.
        best : State, optional
            The state that early stopping would return.
        final : bool
            Whether the run ends here. Default False.
        """
        arrays, step = _arrays(state), int(state.step)
        folder, seal = self.folder / str(step), self.folder / f"{step}.json"
        seal.unlink(missing_ok=True)
        for left in self.folder.glob(f"{step}.*-checkpoint-tmp*"):  # by a process that was killed while it saved this
            shutil.rmtree(left, ignore_errors=True)
        with _checkpointer() as checkpointer:
            content = {"state": arrays, "history": {name: np.asarray(values) for name, values in history.items()}}
            if best is not None:
                content["best"] = _arrays(best)
            checkpointer.save(folder, args=ocp.args.StandardSave(content), force=True)
        about = {"settings": self.settings, "arrays": describe(arrays), "digest": _digest(folder), "final": final}
        write_json(seal, {**about, "every": self.every})
        for old in self.steps()[: -self.keep]:
            (self.folder / f"{old}.json").unlink()
        finished = set(map(str, self.steps()))
        for other in self.folder.iterdir():  # what is no longer kept, and what a killed process left
            if other.is_dir() and other.name not in finished:
                shutil.rmtree(other)

    def restore(self, like: State) -> Saved | None:
        """Read the newest checkpoint.

        Parameters
        ----------
        like : State
            A state of the same model, such as `trainer.init(…)`.

        Returns
        -------
        Saved or None
            None where there is no checkpoint.

        Raises
        ------
        CheckpointError
            When it is damaged, or belongs to another model or other settings.
        """
        if not (steps := self.steps()):
            return None
        folder = self.folder / str(steps[-1])
        about = _read_seal(folder)
        if about.get("digest") != _digest(folder):
            raise CheckpointError(
                f"the checkpoint {str(folder)!r} is damaged: its files are not those that were saved; "
                "delete that folder to go on from an earlier one, or start again"
            )
        arrays = _arrays(like)
        _refuse_other(folder, "option", about["settings"], self.settings)
        _refuse_other(folder, "array", about["arrays"], describe(arrays))
        with _checkpointer() as checkpointer:
            declared = _read_shapes(checkpointer, folder)
            _check_declared(folder, declared, describe(arrays))
            targets = jax.tree.map(lambda d: np.zeros(d.shape, d.dtype), declared)  # as NumPy arrays, not on devices
            content = checkpointer.restore(folder, args=ocp.args.StandardRestore(targets))
        best = _state(content["best"], like) if "best" in content else None
        history = {name: np.asarray(values) for name, values in content["history"].items()}
        return Saved(_state(content["state"], like), history, best)


def _checkpointer() -> ocp.Checkpointer:
    return ocp.Checkpointer(ocp.StandardCheckpointHandler())


def _read_seal(folder: Path) -> dict[str, Any]:
    """Read the content of a checkpoint's seal; nothing when it cannot be read."""
    seal = folder.with_name(f"{folder.name}.json")
    try:
        about = json.loads(seal.read_text()) if seal.stat().st_size <= max_bytes() else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) and {"settings", "arrays", "digest"} <= about.keys() else {}


def _digest(folder: Path) -> str:
    """Return a digest of the names and bytes of all files under a folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _refuse_other(folder: Path, what: str, saved: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    for name in (*here, *saved):
        if saved.get(name) != here.get(name):
            raise CheckpointError(
                f"the checkpoint {str(folder)!r} belongs to another run: its {what} {name} is "
                f"{saved.get(name, 'absent')}, here it is {here.get(name, 'absent')}; use the same options, "
                "or start again"
            )


def _read_shapes(checkpointer: ocp.Checkpointer, folder: Path) -> dict[str, dict[str, Any]]:
    """Read the shapes and dtypes that a checkpoint declares, without reading its arrays."""
    metadata: Any = checkpointer.metadata(folder)
    item = getattr(metadata, "item_metadata", metadata)
    return getattr(item, "tree", item)


def _check_declared(folder: Path, declared: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, str]) -> None:
    """Refuse files that would become other arrays than those of this model, or more than the limit."""
    leaves = [leaf for part in declared.values() for leaf in part.values()]
    check_bytes(
        f"the checkpoint {str(folder)!r}", sum(math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize for leaf in leaves)
    )
    for part in ("state", "best"):
        if part in declared:
            shapes = {name: f"{np.dtype(leaf.dtype)}{list(leaf.shape)}" for name, leaf in declared[part].items()}
            _refuse_other(folder, "array", shapes, arrays)


def _arrays(state: State) -> dict[str, np.ndarray]:
    """Return the leaves of a state by their paths, random keys as their data."""
    return {
        name: np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
        for name, leaf in name_leaves(state).items()
    }


def _state(arrays: Mapping[str, np.ndarray], like: State) -> State:
    def back(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
        array = jnp.asarray(arrays[name_path(path)])
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf)) if _is_key(leaf) else array

    return jax.tree_util.tree_map_with_path(back, like)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
