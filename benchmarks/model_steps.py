"""Training steps of jconv's own models: `python -m benchmarks.model_steps [MODEL …] [--out docs/benchmarks_tasks.md]`.

Each is compared with the same model on Flax's `Conv` and `ConvTranspose` in place of jconv's layers, and with its twin
in PyTorch, channels last: forward, loss, gradient and a step of gradient descent, from the same weights on the same
batch. The sizes are those of the tasks, and such as two cores train. Contenders run in one process, interleaved; times
are medians in milliseconds, ratios say how many times faster jconv is.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from benchmarks.__main__ import machine, milliseconds, ratio, summary, table
from benchmarks.timing import interleaved
from jconv import nn

RATE, CLASSES = 1e-3, 10


class Case(NamedTuple):
    """A model and its twin, and the shape of a batch, channels last."""

    kind: str
    arguments: tuple
    shape: tuple[int, ...]
    shared: dict[str, Any]
    """Options that jconv's class and the twin's have alike."""
    own: dict[str, Any]
    """Options of jconv's class, with which it is what the twin is."""
    call: Callable[[Any, jax.Array], Any] = lambda model, x: model(x)
    module: str = "twins_of_models"
    exact: bool = False
    """Whether the twin takes `exact`."""


def _from_spectrogram(model, x):
    for conv, norm in model.stages:
        x = nnx.relu(norm(conv(x)))
    return model.classes(x.mean((1, 2)))


TASK = {"module": "twins_of_task_models", "exact": True}
train = lambda model, x: model(x, train=True)
CASES = {
    "CNN": Case("CNN", (1, CLASSES, (8, 8)), (128, 8, 8, 1), {}, {"dropout": 0.0}, **TASK),
    "UNet": Case("UNet", (3, 11), (16, 64, 64, 3), {"widths": (16, 32, 64, 128)}, {"norm": "batch", "deep": True},
                 train, **TASK),
    "Detector": Case("Detector", (3, CLASSES), (16, 96, 96, 3), {}, {"norm": "batch"}, train, **TASK),
    "VideoNet": Case("VideoNet", (1, (10, 8)), (32, 8, 16, 16, 1), {}, {}, **TASK),
    "SpectrogramNet": Case("SpectrogramNet", (CLASSES,), (32, 61, 40, 1), {}, {"rate": 8000.0}, _from_spectrogram,
                           **TASK),
    "ResNet-18": Case("ResNet", (3, CLASSES), (16, 32, 32, 3), {"stem": "small"}, {}),
    "ResNet-50": Case("ResNet", (3, CLASSES), (16, 96, 96, 3), {"depth": 50}, {}),
    "MobileNetV2": Case("MobileNetV2", (3, CLASSES), (32, 32, 32, 3), {"stem": "small"}, {"dropout": 0.0}),
    "ConvNeXt-Atto": Case("ConvNeXt", (3, CLASSES), (16, 96, 96, 3), {"variant": "atto"}, {}),
}  # fmt: skip


def with_flax_convolutions(model: nnx.Module) -> nnx.Module:
    """A copy of a module in which Flax's convolution layers stand for jconv's, with the same weights."""
    model = nnx.clone(model)
    for path, layer in list(nnx.iter_modules(model)):
        kinds = {nn.Conv: nnx.Conv, nn.ConvTranspose: nnx.ConvTranspose}
        if type(layer) not in kinds:
            continue
        words = {entry for entry in layer.padding if isinstance(entry, str)}
        options = {"padding": words.pop() if words else layer.padding, "use_bias": layer.use_bias}
        options |= {"strides": layer.strides, "kernel_dilation": layer.kernel_dilation}
        if isinstance(layer, nn.Conv):
            options["feature_group_count"] = layer.feature_group_count
        else:
            options["transpose_kernel"] = layer.transpose_kernel
        made = kinds[type(layer)](layer.in_features, layer.out_features, layer.kernel_size, **options, rngs=nnx.Rngs(0))
        made.kernel, made.bias = layer.kernel, layer.bias
        *above, last = path
        parent = model
        for key in above:
            parent = parent[key] if isinstance(key, int) else getattr(parent, key)
        if isinstance(last, int):
            parent[last] = made
        else:
            setattr(parent, last, made)
    return model


def jax_step(model: nnx.Module, call, x):
    """A function that does one step and returns the loss; the state is updated in place, as in the loop of `fit`."""
    graph, params, variables = nnx.split(model, nnx.Param, ...)

    def loss(params, variables):
        merged = nnx.merge(graph, params, variables, copy=True)
        value = sum(jnp.mean(out**2) for out in jax.tree.leaves(call(merged, x)))
        return value, nnx.split(merged, nnx.Param, ...)[2]

    def step(params, variables):
        (value, variables), gradient = jax.value_and_grad(loss, has_aux=True)(params, variables)
        return jax.tree.map(lambda p, g: p - RATE * g, params, gradient), variables, value

    compiled = jax.jit(step, donate_argnums=(0, 1)).lower(params, variables).compile()
    state = jax.tree.map(jnp.copy, (params, variables))

    def advance():
        nonlocal state
        *state, value = compiled(*state)
        return value

    return advance


def torch_step(model, x):
    """A function that does one step and returns the loss."""
    import torch

    layout = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
    model = model.to(memory_format=layout).train()
    x = torch.from_numpy(x).movedim(-1, 1)  # channels last in memory
    optimizer = torch.optim.SGD(model.parameters(), RATE)

    def step():
        optimizer.zero_grad()
        out = model(x)
        loss = sum((one**2).mean() for one in (out if isinstance(out, tuple) else (out,)))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(name: str, seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of each contender's step, and the loss that each finds at the first."""
    case = CASES[name]
    x = np.random.default_rng(0).standard_normal(case.shape, np.float32)
    model = getattr(nn, case.kind)(*case.arguments, **case.shared, **case.own, rngs=nnx.Rngs(0))
    calls, losses = {}, {}
    if importlib.util.find_spec("torch"):
        kind = getattr(importlib.import_module(f"benchmarks.{case.module}"), case.kind)
        twin = kind(*case.arguments, **case.shared, **({"exact": True} if case.exact else {}))
        model = nn.from_torch(model, {key: _weight(model, key, value) for key, value in twin.state_dict().items()})
        losses["torch"] = torch_step(twin, x)()
        calls["torch"] = torch_step(kind(*case.arguments, **case.shared) if case.exact else twin, x)
    for key, one in (("flax", with_flax_convolutions(model)), ("jconv", model)):
        calls[key] = jax_step(one, case.call, jnp.asarray(x))
        losses[key] = float(calls[key]())
    return interleaved(calls, seconds=seconds), losses


def _weight(model, name: str, value) -> np.ndarray:
    """A copy, since the twin goes on to learn; a kernel (1, 3, 3) of a video is (3, 3) in jconv."""
    array = value.numpy().copy()
    return array.squeeze(2) if name.endswith("space.weight") else array


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(CASES), metavar="MODEL", help=", ".join(CASES))
    parser.add_argument("--seconds", type=float, default=6.0, help="at most so long for each model, in all")
    parser.add_argument("--out", type=Path, help="write the table to this Markdown file")
    options = parser.parse_args()
    if unknown := set(options.models) - set(CASES):
        parser.error(f"unknown model {sorted(unknown)[0]!r}; one of {', '.join(CASES)}")
    rows, over_flax, over_torch = [], [], []
    for name in options.models:
        times, losses = measure(name, options.seconds)
        if max(losses.values()) - min(losses.values()) > 1e-3 * max(losses.values()):
            raise RuntimeError(f"{name}: the contenders do not compute the same loss: {losses}")
        over_flax.append(times["flax"] / times["jconv"])
        over_torch.append(times["torch"] / times["jconv"] if "torch" in times else None)
        row = [name, " × ".join(map(str, CASES[name].shape))]
        row += [milliseconds(times.get(key)) for key in ("flax", "torch", "jconv")]
        rows.append([*row, ratio(over_flax[-1]), ratio(over_torch[-1])])
        print(*rows[-1], flush=True)
        jax.clear_caches()
    head = ["model", "batch", "flax.nnx.Conv", "PyTorch", "jconv", "× Flax", "× PyTorch"]
    text = f"{summary('flax.nnx.Conv', over_flax)}; {summary('PyTorch', over_torch)}.\n\n{table(head, rows)}"
    print(text)
    if options.out:
        intro = (__doc__ or "").split("\n\n", 1)[1].replace("\n", " ").strip()
        options.out.write_text(f"# Training steps of jconv's models\n\n{intro}\n\n{machine()}\n\n{text}\n")


if __name__ == "__main__":
    main()
