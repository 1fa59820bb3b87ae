"""What a run leaves: metrics, the configuration, and a model file that `predict` reads."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jconv._core.archives import describe, read_npz
from jconv._core.errors import InputError
from jconv._core.files import atomic, output_folder, write_json
from jconv._core.paths import PyTree, name_leaves, name_path
from jconv.tasks._settings import S, Settings, as_dict, settings_from, write_config
from jconv.training import functional, wilson_interval

MODEL = "model.npz"
_ABOUT = "about"
_LEAF = ".value"
"""Flax's variables are nodes with one leaf of this name, which no file needs."""


class SavedModel(NamedTuple):
    """A trained network as it lies in a file; `network` puts it into a module."""

    path: Path
    """The file."""
    task: str
    """The name of the task that trained it, as in `TASKS`."""
    settings: dict[str, Any]
    """The settings of the run; `settings_as` checks them."""
    about: dict[str, Any]
    """What the task noted besides, such as the names of the classes; JSON values."""
    arrays: dict[str, np.ndarray]
    """Parameters and the model's other variables by their paths."""

    def settings_as(self, cls: type[S]) -> S:
        """Return the settings that the model was trained with."""
        return settings_from(cls, self.settings, f"the model {str(self.path)!r}")

    def network(self, module: nnx.Module) -> Callable[..., Any]:
        """Return a jitted function of the module's inputs with the saved parameters in it.

        Raises
        ------
        InputError
            When the arrays of the file are not those of the module.
        """
        apply, params, variables = functional(module)
        expected, saved = describe(_arrays(params, variables)), describe(self.arrays)
        for name in (*expected, *saved):
            if expected.get(name) != saved.get(name):
                raise InputError(
                    f"the model {str(self.path)!r} is another network: its array {name} is "
                    f"{saved.get(name, 'absent')}, here it is {expected.get(name, 'absent')}; train it again"
                )
        params, variables = (self._fill(tree, part) for tree, part in ((params, "params"), (variables, "variables")))
        return jax.jit(lambda *inputs: apply(params, variables, *inputs)[0])

    def _fill(self, tree: PyTree, part: str) -> PyTree:
        back = lambda path, leaf: leaf if _is_key(leaf) else jnp.asarray(self.arrays[_name(part, path)])
        return jax.tree_util.tree_map_with_path(back, tree)


def share_right(right: int, total: int) -> dict[str, Any]:
    """How many of the test examples were right, as `metrics` tells it, with Wilson's interval."""
    return {
        "test_accuracy": right / total,
        "test_accuracy_95_percent_interval": list(wilson_interval(right, total)),
        "test_size": total,
    }


def course(settings: Settings, history: Mapping[str, np.ndarray], seconds: float) -> dict[str, Any]:
    """How the training went, with which every task's `metrics` end."""
    return {
        "final_loss": float(history["loss"][-1]),
        "steps": len(history["loss"]),
        "seconds": round(seconds, 3),
        "seed": settings.seed,
    }


def save_run(
    folder: str | os.PathLike,
    task: str,
    settings: Settings,
    metrics: Mapping[str, Any],
    params: PyTree,
    variables: PyTree = (),
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write `model.npz`, `config.toml` and, last, `metrics.json` into a folder."""
    folder = output_folder(folder)
    text = json.dumps({"task": task, "settings": as_dict(settings), "about": dict(about or {})}, allow_nan=False)
    with atomic(folder / MODEL) as file:
        np.savez(file, **{_ABOUT: np.array(text)}, **_arrays(params, variables))  # pyright: ignore[reportArgumentType]
    write_config(folder / "config.toml", settings, f"jconv train {task} --config config.toml")
    write_json(folder / "metrics.json", metrics)


def load_model(folder: str | os.PathLike[str]) -> SavedModel:
    """Read the model that a run left.

    Parameters
    ----------
    folder : path
        The folder of the run, or the `model.npz` in it.

    Returns
    -------
    SavedModel

    Raises
    ------
    InputError
        When there is no model, it is damaged, holds NaN or infinity, or declares more bytes than `JCONV_MAX_BYTES`
        allows (2 GiB by default). No code in it is ever executed.

    Examples
    --------
    >>> load_model("no_such_folder")
    Traceback (most recent call last):
    jconv.InputError: there is no trained model 'no_such_folder/model.npz'; train one with jconv train TASK --out ...
    """
    path = Path(folder)
    path = path if path.suffix == ".npz" else path / MODEL
    if not path.is_file():
        raise InputError(f"there is no trained model {str(path)!r}; train one with jconv train TASK --out {folder}")
    try:
        arrays = read_npz(path)  # without pickles, so that a model from elsewhere can do no harm
        about = json.loads(str(arrays.pop(_ABOUT)))
        saved = SavedModel(path, about["task"], about["settings"], about["about"], arrays)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        raise InputError(f"{str(path)!r} is not a model of jconv, or is damaged; train it again") from error
    for name, array in arrays.items():
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise InputError(f"the model {str(path)!r} holds NaN or infinity in its array {name}; train it again")
    return saved


def _arrays(params: PyTree, variables: PyTree) -> dict[str, np.ndarray]:
    leaves = name_leaves({"params": params, "variables": variables})
    return {name.removesuffix(_LEAF): np.asarray(leaf) for name, leaf in leaves.items() if not _is_key(leaf)}


def _name(part: str, path: tuple[Any, ...]) -> str:
    return f"{part}.{name_path(path)}".removesuffix(_LEAF)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
