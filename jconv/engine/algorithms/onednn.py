"""oneDNN's convolution, through the custom call that jaxlib registers for XLA's own use.

Direct convolution by code generated for the processor at hand (Georganas et al., SC 2018): PyTorch's speed. jaxlib has
the forward primitive only, and reaches the generated code only on its home ground, which `supports` maps (with
`ONEDNN_VERBOSE=1` oneDNN says which code it takes; tests/engine/test_onednn.py reads it). Elsewhere its reference loops
take a thousand times longer, or its products of patches wait for ever in the jaxlib of JAX 0.10: they start parallel
loops inside a parallel loop, which XLA puts into a queue behind the outer one. Whether the call is there and right at
all is probed in a child process (`jconv.engine._onednn_probe`).
"""

from __future__ import annotations

import json
import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core import jax_internals as internals
from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, unit
from jconv.engine._target import LANES
from jconv.engine.algorithms._parts import shapes

MAX_TAPS_PER_AXIS = 64
MAX_DEPTHWISE_TAPS_PER_AXIS = 256
MAX_DENSE_TAPS = 1024
FEW_CHANNELS = 4
"""Fewer input or output channels of a dense layer take other code."""
SLOW_WIDTHS, FAST_WIDTH, WIDE_GROUPS = (12, 13), 14, 64
"""Depthwise kernels so wide over so many groups make it unroll more code than the processor's cache of instructions
holds, and take three times as long as wider ones."""
STEP = 4  # outputs that the code for dilated depthwise kernels computes at once, on the narrowest of processors


def refusal(problem: Problem) -> str | None:
    if problem.target.platform != "cpu" or problem.target.portable:
        return problem.target.onednn_refusal()
    if problem.dtype != "float32":
        return f"float32 only, got {problem.dtype}"
    if not 1 <= problem.ndim <= 3:
        return f"1 to 3 spatial axes, got {problem.ndim}"
    if not unit(problem, "lhs_dilation"):
        return "no input dilation"
    single = problem.in_channels == 1 and problem.multiplier == 1
    depthwise = single and problem.groups > 1
    longest = MAX_DEPTHWISE_TAPS_PER_AXIS if depthwise else MAX_TAPS_PER_AXIS
    if max(problem.taps) > longest or (not single and problem.tap_count > MAX_DENSE_TAPS):
        return "kernels of this size fall into oneDNN's reference code"
    if depthwise and not unit(problem, "rhs_dilation"):
        if problem.ndim == 3:
            return "dilated depthwise kernels in three dimensions fall into oneDNN's reference code"
        if _reaches_past_a_step(problem):
            return "dilated depthwise kernels that reach far beyond the image fall into oneDNN's reference code"
    if problem.groups > 1 and problem.multiplier == 1 and problem.in_channels > 1:
        return "groups of several inputs and one output fall into oneDNN's reference code"
    # A window that lies in the padding alone is outside oneDNN's contract.
    for k, d, pair in zip(problem.taps, problem.rhs_dilation, problem.padding):
        if max(pair) >= d * (k - 1) + 1:
            return "padding as wide as the kernel"
    return problem.target.onednn_refusal()


def _reaches_past_a_step(problem: Problem) -> bool:
    """Whether the padding of the last axis takes part in more than one step of outputs at either end."""
    size, step = problem.out_space[-1], min(STEP, problem.out_space[-1])
    extent = problem.rhs_dilation[-1] * (problem.taps[-1] - 1) + 1
    left = problem.padding[-1][0]
    last = (size - size % step - 1) * problem.strides[-1] + extent
    return max(left, last - problem.space[-1] - left) > step


def _widened(problem: Problem) -> Problem:
    """The same with zeros behind a depthwise kernel's last axis, where oneDNN is faster so."""
    narrow = problem.taps[-1] not in SLOW_WIDTHS or problem.groups < WIDE_GROUPS
    spread = not unit(problem, "strides", "rhs_dilation")
    if narrow or spread or problem.in_channels > 1 or problem.multiplier > 1:
        return problem
    lo, hi = problem.padding[-1]
    more = FAST_WIDTH - problem.taps[-1]
    return problem.replace(
        rhs_shape=(*problem.taps[:-1], FAST_WIDTH, *problem.rhs_shape[-2:]),
        padding=(*problem.padding[:-1], (lo, hi + more)),
    )


def _row(problem: Problem) -> Problem:
    """Signals as images of one row."""
    return problem.replace(
        lhs_shape=(problem.batch, 1, *problem.lhs_shape[1:]),
        rhs_shape=(1, *problem.rhs_shape),
        strides=(1, *problem.strides),
        padding=((0, 0), *problem.padding),
        lhs_dilation=(1, *problem.lhs_dilation),
        rhs_dilation=(1, *problem.rhs_dilation),
    )


def estimate(problem: Problem) -> Estimate:
    widened = _widened(problem)
    memory = math.prod(problem.rhs_shape) * problem.itemsize
    # Zeros written behind a kernel meet samples.
    accuracy = "direct" if widened == problem else "toeplitz"
    return Estimate(_work(widened), widened.flops, memory, accuracy=accuracy)


def _work(problem: Problem) -> dict[str, float]:
    kind = "dense"
    if problem.groups > 1:
        kind = "grouped" if problem.in_channels > 1 else "depthwise"
    # Channels are worked on in vectors: a narrow group wastes lanes.
    channels = problem.groups if kind == "depthwise" and problem.multiplier == 1 else problem.multiplier
    flops = problem.flops * math.ceil(channels / LANES) * LANES / channels
    few_inputs = kind == "dense" and problem.in_channels < FEW_CHANNELS
    few_outputs = kind == "dense" and problem.multiplier < FEW_CHANNELS
    is_gradient = math.prod(problem.out_space) < problem.tap_count
    return {
        "calls": 1.0,
        f"{kind}_flops": flops,
        "narrow_flops": flops if few_inputs else 0.0,
        "narrow_bytes": float(math.prod(problem.out_shape) * problem.itemsize) if few_inputs else 0.0,
        "few_outputs_flops": flops if few_outputs else 0.0,
        # It works on as many outputs at once as a line has.
        "gradient_flops": problem.flops / problem.out_space[-1] if is_gradient else 0.0,
        "bytes": float(problem.io_bytes),
        # The kernel is brought into blocks of channels on each call.
        "kernel_bytes": float(math.prod(problem.rhs_shape) * problem.itemsize),
    }


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    if problem.ndim == 1 and problem.groups > 1:
        # Its code for depthwise lines is 2 to 200 times slower than that for images of one row.
        row = _row(problem)
        return apply(row, lhs.reshape(row.lhs_shape), rhs.reshape(row.rhs_shape), solve).reshape(problem.out_shape)
    widened = _widened(problem)
    if widened != problem:
        return apply(widened, lhs, shapes.pad_to(rhs, problem.ndim - 1, FAST_WIDTH), solve)
    rank = problem.ndim + 2
    space = list(range(1, rank - 1))
    data = {"dims": rank, "data": {"batch_dim": 0, "feature_dim": rank - 1, "spatial_dims": space}}
    kernel = {"input_feature_dim": rank - 2, "output_feature_dim": rank - 1, "spatial_dims": list(range(rank - 2))}
    if problem.tap_count > math.prod(problem.out_space):
        # Such a kernel is an image, whose batch was moved in front of its channels. XLA cancels the way back; oneDNN
        # brings any order into its own.
        if problem.groups == 1:  # as the images were: fused with what comes before, their transposition reads across
            lhs = jnp.swapaxes(lax.optimization_barrier(jnp.swapaxes(lhs, 0, -1)), 0, -1)
        rhs = jnp.moveaxis(rhs, -2, 0)
        kernel = {"input_feature_dim": 0, "output_feature_dim": rank - 1, "spatial_dims": space}
    config = {
        "dims": rank,
        "input": data,
        "kernel": {"dims": rank, "filter": kernel},
        "output": data,
        "window": {
            "size": [],
            "pad_left": [lo for lo, _ in problem.padding],
            "pad_right": [hi for _, hi in problem.padding],
            "strides": list(problem.strides),
            "window_dilations": list(problem.rhs_dilation),
        },
        "feature_groups": problem.groups,
    }
    return internals.custom_call(
        lhs,
        rhs,
        shape=problem.out_shape,
        target="__onednn$convolution",
        config=json.dumps({"outer_dimension_partitions": [], "onednn_conv_config": config}),
    )
