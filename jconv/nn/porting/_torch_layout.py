"""How PyTorch names and lays out the parameters of a layer, and how Flax and jconv do.

    layer           here                                      PyTorch
    Conv            kernel (*taps, in / groups, out)          weight (out, in / groups, *taps)
    ConvTranspose   kernel (*taps, in / groups, out)          weight (in, out / groups, *taps), taps reversed
      with transpose_kernel   (*taps, out / groups, in)       weight (in, out / groups, *taps)
    Linear          kernel (in, out)                          weight (out, in)
    Embed           embedding (entries, features)             weight (entries, features)
    BatchNorm       scale, bias, mean, var                    weight, bias, running_mean, running_var
    other norms     scale, bias                               weight, bias

A parameter of any other module has the same name and axes in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from flax import nnx

from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_transpose import ConvTranspose

COUNTER = "num_batches_tracked"
"""The name under which PyTorch's BatchNorm counts batches, which it uses only where its `momentum` is None."""

_BATCH_NORM = {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}
_NORMS = (nnx.LayerNorm, nnx.GroupNorm, nnx.RMSNorm, nnx.InstanceNorm)


Permutation = Callable[[np.ndarray], np.ndarray]


class Entry(NamedTuple):
    """One array of a model: its path here, its name in PyTorch's way, and its layout there."""

    path: tuple
    name: str
    shape: tuple[int, ...]
    """In PyTorch's layout."""
    dtype: Any
    load: Permutation
    """From PyTorch's layout to this one."""
    store: Permutation
    """And back."""


def entries(model: nnx.Module) -> Iterator[Entry]:
    """Yield the parameters and running averages of a module, in the order in which it holds them."""
    modules = dict(nnx.iter_modules(model))
    for path, variable in nnx.to_flat_state(nnx.state(model, (nnx.Param, nnx.BatchStat))):
        *parent, attribute = path
        module = modules.get(tuple(parent))
        name, load, store = _layout(module, str(attribute))
        empty = np.broadcast_to(np.zeros((), np.int8), variable.shape)  # a view, which costs nothing to permute
        dotted = ".".join(map(str, (*parent, name)))
        yield Entry(path, dotted, store(empty).shape, variable.dtype, load, store)


def counters(model: nnx.Module) -> list[str]:
    """Return the names of PyTorch's counters, one for each BatchNorm."""
    paths = [path for path, module in nnx.iter_modules(model) if isinstance(module, nnx.BatchNorm)]
    return [".".join(map(str, (*path, COUNTER))) for path in paths]


def _layout(module: Any, attribute: str) -> tuple[str, Permutation, Permutation]:
    """Return PyTorch's name of a parameter, and the functions from its layout and back."""
    if attribute == "kernel" and isinstance(module, Conv | nnx.Conv):
        taps = len(module.kernel_size)
        return "weight", _taps_first(taps), _taps_last(taps)
    if attribute == "kernel" and isinstance(module, ConvTranspose | nnx.ConvTranspose):
        taps, groups = len(module.kernel_size), getattr(module, "feature_group_count", 1)
        if module.transpose_kernel:
            return "weight", _taps_first(taps), _taps_last(taps)
        return "weight", lambda w: _reversed_from(w, groups), lambda k: _reversed_to(k, groups)
    if attribute == "kernel" and isinstance(module, nnx.Linear):
        return "weight", np.transpose, np.transpose
    if attribute == "embedding" and isinstance(module, nnx.Embed):
        return "weight", _same, _same
    if isinstance(module, nnx.BatchNorm):
        return _BATCH_NORM[attribute], _same, _same
    if attribute == "scale" and isinstance(module, _NORMS):
        return "weight", _same, _same
    return attribute, _same, _same


def _same(array: np.ndarray) -> np.ndarray:
    return array


def _taps_first(taps: int) -> Permutation:
    return lambda weight: weight.transpose(*range(2, 2 + taps), 1, 0)


def _taps_last(taps: int) -> Permutation:
    return lambda kernel: kernel.transpose(taps + 1, taps, *range(taps))


def _reversed_from(weight: np.ndarray, groups: int) -> np.ndarray:
    """(in, out / groups, *taps) → (*taps, in / groups, out), taps reversed."""
    inputs, outputs, *taps = weight.shape
    grouped = np.flip(weight, tuple(range(2, weight.ndim))).reshape(groups, inputs // groups, outputs, *taps)
    kernel = grouped.transpose(*range(3, 3 + len(taps)), 1, 0, 2)
    return kernel.reshape(*taps, inputs // groups, groups * outputs)


def _reversed_to(kernel: np.ndarray, groups: int) -> np.ndarray:
    """(*taps, in / groups, out) → (in, out / groups, *taps), taps reversed."""
    *taps, inputs, outputs = kernel.shape
    grouped = np.flip(kernel, tuple(range(len(taps)))).reshape(*taps, inputs, groups, outputs // groups)
    weight = grouped.transpose(len(taps) + 1, len(taps), len(taps) + 2, *range(len(taps)))
    return weight.reshape(groups * inputs, outputs // groups, *taps)
