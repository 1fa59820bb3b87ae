"""Patches as rows, in blocks that stay in cache, times the kernel as one matrix (Chellapilla et al., 2006).

The outputs are worked on in blocks of rows of the first spatial axis; a block's patches (rows × taps·I) are about half
a megabyte, so that the matrix product finds them in the second-level cache. Written in one piece, patches spill and
lose all that they gain. Groups become a batch of matrix products.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, unit
from jconv.engine._target import LANES
from jconv.engine.algorithms._parts import products, shapes, windows
from jconv.engine.algorithms._parts.blocks import images_per_block

BLOCK_BYTES = 1 << 20


def refusal(problem: Problem) -> str | None:
    if not unit(problem, "lhs_dilation"):
        return "no input dilation: polyphase removes it"
    if problem.in_channels == 1 and problem.groups > 1:
        return "depthwise: nothing to multiply as matrices"
    return None


def _image_bytes(problem: Problem) -> int:
    """Bytes of the patches of one image."""
    channels = problem.in_channels * problem.groups
    return math.prod(problem.out_space) * problem.tap_count * channels * problem.itemsize


def _block_rows(problem: Problem) -> int:
    """Output rows in a block: of the first spatial axis, all of the others."""
    out = problem.out_space[0]
    rows = max(1, BLOCK_BYTES * out // max(1, _image_bytes(problem)))
    blocks = -(-out // min(rows, out))
    return -(-out // blocks)


def estimate(problem: Problem) -> Estimate:
    written_out = windows.slices(problem)
    return Estimate(_work(problem), flops=problem.flops, memory=_memory(problem), written_out=written_out)


def _work(problem: Problem) -> dict[str, float]:
    rows = _block_rows(problem)
    blocks = -(-problem.out_space[0] // rows)
    images = images_per_block(problem.batch, _image_bytes(problem), BLOCK_BYTES) if blocks == 1 else 1
    depth = problem.tap_count * problem.in_channels
    outputs = math.prod(problem.out_space)
    patches = float(problem.batch * outputs * depth * problem.groups * problem.itemsize)
    return {
        "calls": 1.0,
        **products.work(problem, problem.flops * products.waste(depth, problem.multiplier)),
        "patch_bytes": patches,
        "grouped_patch_bytes": patches if problem.groups > 1 else 0.0,
        # Patches of few channels are put together from pieces shorter than a vector.
        "narrow_patch_bytes": patches if problem.in_channels * problem.groups < LANES else 0.0,
        "gradient_patch_bytes": patches if problem.tap_count > outputs else 0.0,
        "strided_patch_bytes": patches if max(problem.strides) > 1 else 0.0,
        "steps": float(blocks * problem.batch // images),
    }


def _memory(problem: Problem) -> int:
    padded = math.prod(n + sum(p) for n, p in zip(problem.space, problem.padding))
    block = _block_rows(problem) * math.prod(problem.out_space[1:]) * problem.tap_count
    return problem.itemsize * problem.lhs_shape[-1] * (problem.batch * padded + 2 * block)


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    groups, inputs, outputs = problem.groups, problem.in_channels, problem.multiplier
    if groups == 1:
        weights = rhs.reshape(-1, outputs)
    else:
        weights = jnp.moveaxis(rhs.reshape(-1, groups, outputs), 1, 0)

    def multiply(block: Problem, padded: jax.Array) -> jax.Array:
        if groups == 1:
            rows = windows.patches(block, padded).reshape(-1, block.tap_count * inputs)
            return products.product(problem, rows, weights).reshape(block.out_shape)
        split = jnp.moveaxis(padded.reshape(*padded.shape[:-1], groups, inputs), -2, 0)
        split = split.reshape(-1, *padded.shape[1:-1], inputs)
        rows = windows.patches(block.replace(lhs_shape=split.shape, groups=1), split)
        out = products.product(problem, rows.reshape(groups, -1, block.tap_count * inputs), weights)
        return jnp.moveaxis(out, 0, 1).reshape(block.out_shape)

    rows = _block_rows(problem)
    blocks = -(-problem.out_space[0] // rows)
    stride, (before, after) = problem.strides[0], problem.padding[0]
    longer = (before, after + (blocks * rows - problem.out_space[0]) * stride)
    padded = shapes.zero_pad(problem.replace(padding=(longer, *problem.padding[1:])), lhs)
    if problem.tap_count == 1 and groups == 1:
        return multiply(problem, padded[:, : stride * (problem.out_space[0] - 1) + 1])
    reach = stride * (rows - 1) + problem.rhs_dilation[0] * (problem.taps[0] - 1) + 1
    images = images_per_block(problem.batch, _image_bytes(problem), BLOCK_BYTES) if blocks == 1 else 1
    block = problem.replace(lhs_shape=(images, reach, *padded.shape[2:]), padding=((0, 0),) * problem.ndim)
    steps = problem.batch // images * blocks
    if steps == 1:
        return multiply(block, padded[:, :reach])

    def step(_: None, index: jax.Array) -> tuple[None, jax.Array]:
        start = (index // blocks * images, (index % blocks) * rows * stride, *([0] * problem.ndim))
        return None, multiply(block, lax.dynamic_slice(padded, start, block.lhs_shape))

    _, out = lax.scan(step, None, jnp.arange(steps))
    out = out.reshape(problem.batch, blocks * rows, *out.shape[3:])
    return out[:, : problem.out_space[0]]
