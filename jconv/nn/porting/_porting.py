"""Weights from PyTorch, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from jconv._core import check
from jconv._core.errors import InputError
from jconv._core.names import nearest
from jconv.nn.porting._torch_layout import COUNTER, Entry, counters, entries

Names = Sequence[tuple[str, str]]


def from_torch(
    model: nnx.Module, state_dict: Mapping[str, Any], *, names: str | Names | None = None, skip: Sequence[str] = ()
) -> nnx.Module:
    """Copy a module and give it the weights of a PyTorch `state_dict`.

    Parameters
    ----------
    model : nnx.Module
        Any module of layers of jconv or Flax, of the same architecture; may be abstract, from `nnx.eval_shape`.
    state_dict : mapping of names to arrays
        PyTorch's tensors, or NumPy arrays as safetensors holds them. PyTorch itself is not needed.
    names : str or sequence of (name here, name there), optional
        How `state_dict` names the layers: "own" like the attributes of `model`, with dots between; a key of
        `model.torch_names`, which jconv's models have ("torchvision", "timm"); or a table of the layers, or whole
        branches, whose names differ. By default the one of the first two that fits best.
    skip : sequence of str
        Layers or branches, named as in `model`, that keep their values, such as ("fc",) where the classes differ.
        Default ().

    Returns
    -------
    nnx.Module
        With the dtypes of `model`.

    Raises
    ------
    InputError
        When an entry is missing, is one too many, or has another shape; the message says which, and the nearest name.

    Notes
    -----
    Axes are brought from PyTorch's order to Flax's; numbers change only by the cast to the parameter's dtype. An axis
    of length 1 at the end does not matter: a 1×1 convolution there fits a linear map here. The epsilon of
    normalisations is an option, not a weight: 1e-5 in PyTorch.

    Examples
    --------
    >>> weights = {"weight": np.ones((2, 3)), "bias": np.zeros(2)}
    >>> from_torch(nnx.Linear(3, 2, rngs=nnx.Rngs(0)), weights)(np.ones((1, 3)))
    Array([[3., 3.]], dtype=float32)
    """
    if not isinstance(state_dict, Mapping):
        raise InputError(
            f"`state_dict` must be a mapping of names to arrays, got {type(state_dict).__name__}; "
            "pass model.state_dict()"
        )
    kind, expected = type(model).__name__, list(entries(model))
    table = _choose_table(model, names, state_dict, expected)
    skipped = lambda name: any(name == layer or name.startswith(layer + ".") for layer in skip)
    _check_skip(skip, expected)
    given = {}
    for name, value in state_dict.items():
        here = _rename(name, _invert(table))
        if not skipped(here) and not here.endswith(COUNTER):
            given[here] = (name, value)
    targets = {entry.name: entry for entry in expected if not skipped(entry.name)}
    _check_names(kind, [_rename(name, table) for name in targets], [name for name, _ in given.values()])
    values = {}
    for name, entry in targets.items():
        theirs, value = given[name]
        array = _reshape(theirs, _to_numpy(theirs, value), entry)
        values[entry.path] = jnp.asarray(entry.load(array), entry.dtype)
    copy = nnx.clone(model)
    nnx.update(copy, nnx.from_flat_state(list(values.items())))
    return copy


def to_torch(
    model: nnx.Module, *, names: str | Names | None = None, like: Mapping[str, Any] | None = None
) -> dict[str, np.ndarray]:
    """Export the weights of a module as a PyTorch `state_dict` of NumPy arrays.

    Parameters
    ----------
    model : nnx.Module
        Any module of layers of jconv or Flax.
    names : str or sequence of (name here, name there)
        As in `from_torch`. By default the one that fits `like` best, or the model's own.
    like : mapping of names to arrays, optional
        A `state_dict` of the module that is to load the result; it determines the names, and the number of axes of
        length 1 at the end of each entry.

    Returns
    -------
    dict of names to arrays
        `torch_model.load_state_dict({k: torch.from_to_numpy(v) for k, v in to_torch(model).items()})`.

    Raises
    ------
    InputError
        When `like` has other names or shapes; the message says which, and the nearest name.

    Notes
    -----
    BatchNorm's counters, which Flax does not have, are zeros.

    Examples
    --------
    >>> {name: array.shape for name, array in to_torch(nnx.Linear(3, 2, rngs=nnx.Rngs(0))).items()}
    {'bias': (2,), 'weight': (2, 3)}
    """
    arrays = dict(nnx.to_flat_state(nnx.state(model)))
    expected = list(entries(model))
    table = _choose_table(model, names, like, expected)
    out = {}
    for entry in expected:
        array = np.array(entry.store(np.asarray(arrays[entry.path][...])), order="C")
        out[_rename(entry.name, table)] = array
    # PyTorch's own BatchNorm wants its counter when it loads strictly.
    out |= {_rename(name, table): np.zeros((), np.int64) for name in counters(model)}
    if like is None:
        return out
    _check_names(type(model).__name__, list(out), [name for name in like if name in out or COUNTER not in name])
    for name, array in out.items():
        shape = tuple(like[name].shape)
        if _strip_ones(array.shape) != _strip_ones(shape):
            raise InputError(f"`like[{name!r}]` has shape {shape}, where this model has {array.shape}")
        out[name] = array.reshape(shape)
    return out


def _choose_table(
    model: nnx.Module, names: str | Names | None, state_dict: Mapping[str, Any] | None, expected: Sequence[Entry]
) -> dict[str, str]:
    """Return layers of the model → layers of the `state_dict`, where they differ."""
    if names is not None and not isinstance(names, str):
        return dict(names)
    tables = {"own": {}} | {name: dict(table) for name, table in getattr(model, "torch_names", {}).items()}
    if names is not None:
        return tables[check.choice("names", names, tables)]
    hits = lambda table: sum(_rename(entry.name, table) in (state_dict or {}) for entry in expected)
    return max(tables.values(), key=hits)


def _rename(name: str, table: Mapping[str, str]) -> str:
    """Replace the longest prefix of `name`, of whole parts, that the table knows."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        prefix = ".".join(parts[:count])
        if prefix in table:
            return ".".join((table[prefix], *parts[count:]))
    return name


def _invert(table: Mapping[str, str]) -> dict[str, str]:
    return {there: here for here, there in table.items()}


def _to_numpy(name: str, value: Any) -> np.ndarray:
    """Convert a tensor, of PyTorch or not, to a NumPy array."""
    if isinstance(value, Mapping):
        raise InputError(f"`state_dict[{name!r}]` is itself a mapping; pass that one, if it holds the weights")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value  # NumPy has no such type
    return np.asarray(value)


def _reshape(name: str, array: np.ndarray, entry: Entry) -> np.ndarray:
    if _strip_ones(array.shape) != _strip_ones(entry.shape):
        raise InputError(
            f"`state_dict[{name!r}]` has shape {array.shape}, where this model has {entry.shape} for {entry.name!r}; "
            f"build the model with the same options, or pass skip=({entry.name.rpartition('.')[0]!r},)"
        )
    return array.reshape(entry.shape)


def _strip_ones(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape without its ones at the end."""
    shape = tuple(shape)
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _check_skip(skip: Sequence[str], expected: Iterable[Entry]) -> None:
    """Raise an InputError for a layer to be skipped that does not exist, which is a typing error."""
    known = {
        ".".join(parts[:count])
        for parts in (entry.name.split(".") for entry in expected)
        for count in range(1, len(parts) + 1)
    }
    for layer in skip:
        if layer not in known:
            raise InputError(
                f"`skip` names {layer!r}, which this model does not have{_show_nearest(layer, known)}; "
                "pass the name of a layer as in `model`"
            )


def _check_names(kind: str, expected: Sequence[str], given: Sequence[str]) -> None:
    missing, extra = [n for n in expected if n not in set(given)], [n for n in given if n not in set(expected)]
    if not missing and not extra:
        return
    if given and all(name.startswith("module.") for name in given):
        raise InputError(
            "every name in `state_dict` begins with 'module.', as DataParallel writes them; pass "
            "{name.removeprefix('module.'): array for name, array in state_dict.items()}"
        )
    faults = []
    if missing:
        faults.append(f"`state_dict` lacks {_list_names(missing, extra)} of the {len(expected)} entries of {kind}")
    if extra:
        faults.append(f"it has {_list_names(extra, missing)} that {kind} does not have")
    raise InputError("; ".join(faults) + "; build the model with the same options, or name its layers with `names`")


def _list_names(names: Sequence[str], others: Sequence[str], most: int = 3) -> str:
    """Count names and show the first of them, each with the nearest of the others."""
    shown = [f"{name!r}{_show_nearest(name, others)}" for name in names[:most]]
    return f"{len(names)} ({', '.join(shown)}{', …' if len(names) > most else ''})"


def _show_nearest(name: str, names: Iterable[str]) -> str:
    near = nearest(name, names)
    return f" (nearest: {near!r})" if near else ""
