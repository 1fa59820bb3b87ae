"""Checkpoints (Orbax) that resume to the same bits, and say so when they cannot."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from jconv._core import check
from jconv._core.errors import InputError
from jconv.training.trainer import State

PyTree = Any


class CheckpointError(InputError):
    """A checkpoint that is damaged, or that belongs to another model or other settings."""


class Checkpoints:
    """A folder of checkpoints of one training run.

    Parameters
    ----------
    folder : path
        Made when missing. Each checkpoint is written beside its place and then renamed.
    every : int
        Save when this many steps have passed since the last time, and at the end.
    settings : mapping, optional
        What the run depends on besides its state (JSON values). A run with other settings refuses the checkpoint.
    keep : int
        How many of the newest checkpoints stay.

    Notes
    -----
    A checkpoint holds the state, the history of the metrics, the settings, the shapes and dtypes of every array, and a
    digest of their bytes: storage that lost a piece may otherwise read as zeros.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        *,
        every: int = 100,
        settings: Mapping[str, Any] | None = None,
        keep: int = 2,
    ):
        self.folder = Path(folder).absolute()
        self.every = check.positive_int("every", every)
        self.settings = dict(settings or {})
        self._options = ocp.CheckpointManagerOptions(
            max_to_keep=check.positive_int("keep", keep), enable_async_checkpointing=False
        )

    def due(self, done: int, count: int) -> bool:
        """Whether the last `count` of `done` steps passed a multiple of `every`."""
        return done // self.every > (done - count) // self.every

    def latest(self) -> int | None:
        """The step of the newest checkpoint, or None."""
        if not self.folder.is_dir():
            return None
        return max((int(p.name) for p in self.folder.iterdir() if p.name.isdecimal()), default=None)

    def clear(self) -> None:
        """Delete all checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def save(self, state: State, history: Mapping[str, np.ndarray]) -> None:
        """Save a state and the history that led to it."""
        arrays = _as_arrays(state)
        about = {"settings": self.settings, "arrays": _describe(arrays), "digest": _digest(arrays)}
        with self._manager() as manager:
            manager.save(
                int(state.step),
                args=ocp.args.Composite(
                    state=ocp.args.StandardSave(arrays),
                    history=ocp.args.StandardSave({name: np.asarray(values) for name, values in history.items()}),
                    about=ocp.args.JsonSave(about),
                ),
                force=True,
            )

    def restore(self, like: State) -> tuple[State, dict[str, np.ndarray]] | None:
        """The newest state and its history, or None where there is none; `like` is a state of the same model."""
        step = self.latest()
        if step is None:
            return None
        arrays = _as_arrays(like)
        with self._manager() as manager:
            about = self._read(manager, step, "about", ocp.args.JsonRestore())
            self._refuse_other(step, "settings", about.get("settings"), self.settings)
            self._refuse_other(step, "arrays", about.get("arrays"), _describe(arrays))
            found = self._read(manager, step, "state", ocp.args.StandardRestore(arrays))
            history = self._read(manager, step, "history", ocp.args.StandardRestore())
        if _digest(found) != about.get("digest"):
            raise self._damaged(step, "its arrays are not those that were saved")
        return _from_arrays(found, like), {name: np.asarray(values) for name, values in history.items()}

    def _manager(self) -> ocp.CheckpointManager:
        return ocp.CheckpointManager(self.folder, options=self._options)

    def _read(self, manager: ocp.CheckpointManager, step: int, item: str, args) -> Any:
        try:
            return manager.restore(step, args=ocp.args.Composite(**{item: args}))[item]
        except Exception as error:  # whatever a cut or missing file makes the storage layers raise
            lines = str(error).splitlines() or [type(error).__name__]
            raise self._damaged(step, f"reading its {item} failed: {lines[0][:120]}") from error

    def _damaged(self, step: int, why: str) -> CheckpointError:
        return CheckpointError(
            f"the checkpoint {str(self.folder / str(step))!r} is damaged ({why}); delete that folder to go on from an "
            "earlier one or from the start"
        )

    def _refuse_other(self, step: int, what: str, found: Any, wanted: dict) -> None:
        if found == wanted:
            return
        found = found if isinstance(found, dict) else {}
        name = next(key for key in (*wanted, *found) if wanted.get(key) != found.get(key))
        raise CheckpointError(
            f"the checkpoint {str(self.folder / str(step))!r} belongs to another run: its {name} is "
            f"{found.get(name, 'absent')}, here it is {wanted.get(name, 'absent')}; use the same options or another folder"
        )


def _as_arrays(state: State) -> dict[str, np.ndarray]:
    """The leaves of a state by path, random keys as their data."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {jax.tree_util.keystr(path): np.asarray(_data(leaf)) for path, leaf in leaves}


def _from_arrays(arrays: Mapping[str, np.ndarray], like: State) -> State:
    def back(path, leaf):
        array = jax.numpy.asarray(arrays[jax.tree_util.keystr(path)])
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf)) if _is_key(leaf) else array

    return jax.tree_util.tree_map_with_path(back, like)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _data(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if _is_key(leaf) else leaf


def _describe(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    return {name: f"{a.dtype}{list(a.shape)}" for name, a in arrays.items()}


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
