"""Training steps of jconv's own models: `python -m benchmarks.tasks [MODEL …] [--out docs/benchmarks_tasks.md]`.

Each beside the same model with `flax.nnx.Conv` in place of jconv's layer, and beside its twin in PyTorch, channels
last: forward, loss, gradient and a step of gradient descent, from the same weights on the same batch. Contenders run in
one process, interleaved; times are medians in milliseconds, ratios say how many times faster jconv is.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchmarks.__main__ import machine, milliseconds, ratio, summary, table
from benchmarks.timing import interleaved
from jconv.nn import Conv, ConvNeXt, MobileNetV2, ResNet, from_torch
from jconv.training import functional

RATE, CLASSES = 1e-3, 10


class Case(NamedTuple):
    """A model as its class, the options that jconv and PyTorch share, and the batch."""

    kind: Callable[..., nnx.Module]
    options: dict
    size: int
    batch: int = 16
    jconv_only: dict = {}  # noqa: RUF012


CASES = {
    "ResNet-18": Case(ResNet, {"stem": "small"}, 32),
    "ResNet-50": Case(ResNet, {"depth": 50}, 96),
    "MobileNetV2": Case(MobileNetV2, {"stem": "small"}, 32, 32, {"dropout": 0.0}),
    "ConvNeXt-Atto": Case(ConvNeXt, {"variant": "atto"}, 96),
    "ConvNeXt-Tiny": Case(ConvNeXt, {}, 64),
}


def data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W, 3) and labels."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((case.batch, case.size, case.size, 3), np.float32)
    return images, rng.integers(0, CLASSES, case.batch)


def jax_step(model: nnx.Module, images, labels):
    """The compiled step, and the state that it starts from."""
    apply, params, variables = functional(model)

    def loss(params, variables):
        logits, variables = apply(params, variables, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), variables

    def step(params, variables):
        (value, variables), gradient = jax.value_and_grad(loss, has_aux=True)(params, variables)
        return jax.tree.map(lambda p, g: p - RATE * g, params, gradient), variables, value

    return jax.jit(step).lower(params, variables).compile(), (params, variables)


def torch_step(model, images, labels):
    """A function that does one step and returns the loss."""
    import torch

    model = model.to(memory_format=torch.channels_last).train()
    x = torch.from_numpy(images).permute(0, 3, 1, 2)  # channels last in memory
    y, optimizer = torch.from_numpy(labels), torch.optim.SGD(model.parameters(), RATE)

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(name: str, seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of each contender's step, and the loss that each finds at the first."""
    case = CASES[name]
    images, labels = data(case)
    build = lambda **more: case.kind(3, CLASSES, **case.options, **case.jconv_only, **more, rngs=nnx.Rngs(0))
    contenders = {"flax": build(conv=nnx.Conv), "jconv": build(conv=Conv)}
    calls, losses = {}, {}
    if importlib.util.find_spec("torch"):
        from benchmarks import torch_models

        twin = getattr(torch_models, case.kind.__name__)(3, CLASSES, **case.options)
        weights = {key: value.numpy().copy() for key, value in twin.state_dict().items()}
        contenders = {key: from_torch(model, weights) for key, model in contenders.items()}
        calls["torch"] = torch_step(twin, images, labels)
        losses["torch"] = calls["torch"]()
    for key, model in contenders.items():
        step, state = jax_step(model, jnp.asarray(images), jnp.asarray(labels))
        losses[key] = float(step(*state)[2])
        calls[key] = functools.partial(step, *state)
    return interleaved(calls, seconds=seconds), losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(CASES), metavar="MODEL", help=", ".join(CASES))
    parser.add_argument("--seconds", type=float, default=8.0, help="at most so long for each model, in all")
    parser.add_argument("--out", type=Path, help="write the table to this Markdown file")
    options = parser.parse_args()
    if unknown := set(options.models) - set(CASES):
        parser.error(f"unknown model {sorted(unknown)[0]!r}; one of {', '.join(CASES)}")
    rows, over_flax, over_torch = [], [], []
    for name in options.models:
        times, losses = measure(name, options.seconds)
        spread = max(losses.values()) - min(losses.values())
        if spread > 1e-4 * max(losses.values()):
            raise RuntimeError(f"{name}: the contenders do not compute the same loss: {losses}")
        over_flax.append(times["flax"] / times["jconv"])
        over_torch.append(times["torch"] / times["jconv"] if "torch" in times else None)
        case = CASES[name]
        shape = f"{case.batch} × {case.size}² × 3"
        row = [name, shape, *(milliseconds(times.get(key)) for key in ("flax", "torch", "jconv"))]
        rows.append([*row, ratio(over_flax[-1]), ratio(over_torch[-1])])
        print(*rows[-1], flush=True)
        jax.clear_caches()
    head = ["model", "images", "flax.nnx.Conv", "PyTorch", "jconv", "× Flax", "× PyTorch"]
    text = f"{summary('flax.nnx.Conv', over_flax)}; {summary('PyTorch', over_torch)}.\n\n{table(head, rows)}"
    print(text)
    if options.out:
        intro = (__doc__ or "").split("\n\n", 1)[1].replace("\n", " ").strip()
        options.out.write_text(f"# Training steps of jconv's models\n\n{intro}\n\n{machine()}\n\n{text}\n")


if __name__ == "__main__":
    main()
