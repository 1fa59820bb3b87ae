"""One layer's forward, input gradient and kernel gradient, by jconv, lax and PyTorch."""

from __future__ import annotations

import dataclasses
import functools
import re

import numpy as np
from jax import lax

from benchmarks.layer_calls import PASSES, arguments, passes
from benchmarks.layer_calls import data as data  # offered to the other benchmarks
from benchmarks.layers import Layer
from jconv.engine import _primitive
from jconv.engine._canonical import canonicalize, cropped_shape, lax_arguments
from jconv.engine._planner import default_planner
from jconv.engine._policy import AUTO, Policy
from jconv.engine._problem import Problem
from jconv.engine._target import Target


@dataclasses.dataclass(frozen=True)
class Forced(Policy):
    """A policy that keeps a named algorithm for the gradients too, so that it can be timed there."""

    def for_gradient(self):
        return self


def by_lax(layer: Layer, arrays, precision: str = "default"):
    return passes(functools.partial(lax.conv_general_dilated, precision=precision, **arguments(layer)), arrays)


def by_jconv(layer: Layer, arrays, policy: Policy = AUTO, precision: str = "default"):
    options = arguments(layer)

    def convolve(x, w):
        canonical = canonicalize(lax_arguments(x.shape, w.shape, **options), x.shape, w.shape)
        lhs, rhs = canonical.into(x, w)
        return canonical.back(_primitive.convolve(lhs, rhs, canonical.geometry, precision=precision, policy=policy))

    return passes(convolve, arrays)


def same_program(one, other) -> bool:
    """Whether two functions with their operands compile to the same program but for its names."""
    first, second = _anonymous(*one), _anonymous(*other)
    elided = any("{...}" in line for line in first)  # a large constant, which may differ
    return first == second and not elided


def _anonymous(function, operands) -> list[str]:
    """The instructions of a compiled program, named in their order."""
    names: dict[str, str] = {}
    text = re.sub(r", metadata=\{[^}]*\}", "", function.lower(*operands).compile().as_text())
    text = re.sub(r"%[\w.\-]+", lambda found: names.setdefault(found[0], f"%{len(names)}"), text)
    return [line for line in text.splitlines() if " = " in line]


def problems(layer: Layer, target: Target | None = None) -> dict[str, Problem]:
    """The canonical problems of the three passes; by default for this process and its CPU."""
    target = target or default_planner().target("cpu", portable=False)
    canonical = canonicalize(lax_arguments(layer.x, layer.kernel, **arguments(layer)), layer.x, layer.kernel)
    crops, geometry = canonical.geometry.cropped(canonical.lhs_shape[1:-1], canonical.rhs_shape[:-2])
    shape = cropped_shape(canonical.lhs_shape, crops)
    forward = Problem(geometry, shape, canonical.rhs_shape, "float32", "default", target)
    gradients = _primitive.input_gradient_problem(forward), _primitive.kernel_gradient_problem(forward)
    return dict(zip(PASSES, (forward, *gradients)))


def by_torch(layer: Layer, arrays):
    """The same in PyTorch, channels-last, its fastest form; None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    n = layer.ndim
    formats = {1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d}

    def tensor(a, order):
        t = torch.from_numpy(np.ascontiguousarray(np.transpose(np.asarray(a), order)))
        return t.contiguous(memory_format=formats[n])

    image = (0, n + 1, *range(1, n + 1))
    x, ct = tensor(arrays[0], image), tensor(arrays[2], image)
    w = arrays[1]
    if layer.transposed:
        w = tensor(w[(slice(None, None, -1),) * n], (n, n + 1, *range(n)))
        lo, _ = arguments(layer)["padding"][0]
        options = {"padding": layer.kernel[0] - 1 - lo}
        convolve = getattr(torch, f"conv_transpose{n}d")
    else:
        w = tensor(w, (n + 1, n, *range(n)))
        taps = [(k - 1) * layer.dilation + 1 for k in layer.kernel[:n]]
        pads = lax.padtype_to_pads(layer.x[1:-1], taps, (layer.strides,) * n, layer.padding)
        if any(lo != hi for lo, hi in pads):  # PyTorch pads both sides alike: the rest is padded beforehand
            x = torch.nn.functional.pad(x, [p for pair in reversed(pads) for p in pair])
            x = x.contiguous(memory_format=formats[n])
            pads = [(0, 0)] * n
        options = {"padding": tuple(lo for lo, _ in pads), "dilation": layer.dilation}
        convolve = getattr(torch, f"conv{n}d")
    options |= {"stride": layer.strides, "groups": layer.groups}
    x.requires_grad_(True)
    w.requires_grad_(True)
    # Where lax crops one sample more behind than before, PyTorch's result is cut, which costs nothing.
    cut = (..., *(slice(size) for size in ct.shape[2:]))

    def forward():
        with torch.no_grad():
            return convolve(x, w, **options)[cut]

    y = convolve(x, w, **options)[cut]
    assert tuple(y.shape) == tuple(ct.shape), (layer, y.shape, ct.shape)

    return {
        "forward": forward,
        "dx": lambda: torch.autograd.grad(y, x, ct, retain_graph=True)[0],
        "dw": lambda: torch.autograd.grad(y, w, ct, retain_graph=True)[0],
    }
