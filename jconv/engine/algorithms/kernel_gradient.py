"""Few outputs, a kernel as large as the image: the shape that the gradient of a kernel takes.

As the adjoint in w of a forward convolution, with x (N, *S, G·I) and ȳ (N, *O, G·m), the problem is

    w̄[k, i, g·m + j] = Σ_{n, o} x[n, s·o + d·k, g·I + i] ȳ[n, o, g·m + j],

one matrix product for each group: the patches of x (N·O rows, taps·I columns), transposed, times ȳ (N·O, m). The
patches are made and multiplied in blocks of rows that stay in cache, and the products accumulated. Narrow groups are
multiplied several at once, which computes cross terms that are thrown away, but runs at the speed of wide ones.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine.algorithms import im2col, products, shapes
from jconv.engine.problem import Problem, unit

NAME = "kernel_gradient"
ACCURACY = "direct"
MAX_OUTPUTS = 128
WIDE = 32
BLOCK_BYTES = 1 << 21


def supports(problem: Problem) -> str | None:
    if not unit(problem, "lhs_dilation"):
        return "no input dilation: polyphase removes it"
    if problem.batch * problem.multiplier == 1:
        return "depthwise: nothing to multiply as matrices"
    outputs = math.prod(problem.out_space)
    if outputs > MAX_OUTPUTS:
        return f"for at most {MAX_OUTPUTS} outputs, got {outputs}"
    if problem.tap_count < outputs:
        return "for kernels larger than the output"
    return None


def _merged(problem: Problem) -> int:
    """How many groups are multiplied at once."""
    width = max(problem.batch, problem.multiplier)
    best = 1
    for count in range(1, problem.groups + 1):
        if problem.groups % count == 0 and count * width <= WIDE:
            best = count
    return best


def _forward(problem: Problem) -> Problem:
    """The forward convolution of which the problem is the kernel gradient, for one image."""
    return problem.replace(
        lhs_shape=(1, *problem.space, problem.batch * problem.groups),
        rhs_shape=(*problem.out_space, problem.batch, problem.out_channels),
        strides=problem.rhs_dilation,
        rhs_dilation=problem.strides,
    )


def _row_blocks(problem: Problem) -> tuple[int, int]:
    """(rows of ȳ in a block, number of blocks in an image)."""
    forward = _forward(problem)
    row = math.prod(problem.taps[1:]) * forward.tap_count * forward.lhs_shape[-1] * problem.itemsize
    rows = max(1, min(problem.taps[0], BLOCK_BYTES // max(row, 1)))
    blocks = -(-problem.taps[0] // rows)
    return -(-problem.taps[0] // blocks), blocks


def _images(problem: Problem) -> int:
    """Images worked on at once, where one of them does not fill a block."""
    forward = _forward(problem)
    image = math.prod(problem.taps) * forward.tap_count * forward.lhs_shape[-1] * problem.itemsize
    return im2col.images_at_once(problem.in_channels, image, BLOCK_BYTES)


def features(problem: Problem) -> dict[str, float]:
    merged = _merged(problem)
    flops = problem.flops * merged
    _, blocks = _row_blocks(problem)
    images = problem.in_channels
    outputs = math.prod(problem.out_space)
    read = images * math.prod(problem.taps) * problem.batch * problem.groups * problem.itemsize
    waste = (1 + 8 / (merged * problem.batch * outputs)) * (1 + 8 / (merged * problem.multiplier))
    return {
        "calls": 1.0,
        "flops": flops,
        **products.features(problem, flops * waste),
        "patch_bytes": float(read * outputs) if outputs > 1 else 0.0,
        "grouped_patch_bytes": float(read * outputs) if problem.groups > merged else 0.0,
        "bytes": float(problem.io_bytes),
        "steps": float(images // _images(problem) * blocks) if outputs > 1 else 1.0,
    }


def memory(problem: Problem) -> int:
    forward = _forward(problem)
    rows, _ = _row_blocks(problem)
    block = rows * math.prod(problem.taps[1:]) * forward.tap_count * forward.lhs_shape[-1]
    return problem.itemsize * (2 * block + 2 * math.prod(problem.lhs_shape) + math.prod(problem.rhs_shape))


def parts(problem: Problem) -> tuple[Problem, ...]:
    return ()


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, run):
    groups, inputs, outputs = problem.groups, problem.batch, problem.multiplier
    images, n = problem.in_channels, problem.ndim
    forward = _forward(problem)
    # Back to the arrays of the forward convolution; XLA cancels these transpositions with those of the gradient.
    x = jnp.transpose(lhs.reshape(inputs, *problem.space, groups, images), (n + 2, *range(1, n + 1), n + 1, 0)).reshape(
        images, *problem.space, groups * inputs
    )
    y = jnp.moveaxis(rhs, -2, 0)

    merged = _merged(problem)
    blocks_of_groups = groups // merged

    def multiply(image, cotangent, block: Problem):
        """(blocks of groups, taps · merged inputs, merged outputs), summed over the rows of one block."""
        rows = im2col.patches(block, image)
        rows = rows.reshape(-1, forward.tap_count, blocks_of_groups, merged * inputs)
        cotangent = cotangent.reshape(-1, blocks_of_groups, merged * outputs)
        if blocks_of_groups == 1:
            out = products.transposed_product(
                problem, rows.reshape(rows.shape[0], -1), cotangent.reshape(rows.shape[0], -1)
            )
            return out[None]
        rows = jnp.moveaxis(rows, 2, 0).reshape(blocks_of_groups, -1, forward.tap_count * merged * inputs)
        return products.transposed_product(problem, rows, jnp.moveaxis(cotangent, 1, 0))

    # `forward` has exactly the output ȳ: samples of x beyond its reach are not read.
    reach = [
        s * (o - 1) + d * (k - 1) + 1
        for s, o, d, k in zip(forward.strides, problem.taps, forward.rhs_dilation, problem.out_space)
    ]
    config = [(lo, r - lo - size, 0) for r, size, (lo, _) in zip(reach, problem.space, problem.padding)]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *config, (0, 0, 0)])
    if forward.tap_count == 1:
        samples = x[(slice(None), *(slice(None, None, s) for s in forward.strides))]
        total = _one_tap(problem, samples, y, merged)
    else:
        rows, blocks = _row_blocks(problem)
        short = blocks * rows - problem.taps[0]
        stride = forward.strides[0]
        x = shapes.pad_to(x, 1, reach[0] + short * stride)
        y = shapes.pad_to(y, 1, blocks * rows)
        height = stride * (rows - 1) + forward.rhs_dilation[0] * (problem.out_space[0] - 1) + 1
        at_once = _images(problem)
        block = forward.replace(lhs_shape=(at_once, height, *x.shape[2:]), padding=((0, 0),) * n)

        def step(total, index):
            image, band = index // blocks * at_once, (index % blocks) * rows
            samples = lax.dynamic_slice(x, (image, band * stride, *([0] * n)), block.lhs_shape)
            cotangent = lax.dynamic_slice(y, (image, band, *([0] * n)), (at_once, rows, *y.shape[2:]))
            return total + multiply(samples, cotangent, block), None

        shape = (blocks_of_groups, forward.tap_count * merged * inputs, merged * outputs)
        total, _ = lax.scan(step, jnp.zeros(shape, x.dtype), jnp.arange(images // at_once * blocks))
    return _unmerge(problem, total, merged)


def _one_tap(problem: Problem, samples, y, merged):
    """A 1×1 kernel: no patches, one product."""
    count = problem.groups // merged
    a = samples.reshape(-1, count, merged * problem.batch)
    b = y.reshape(-1, count, merged * problem.multiplier)
    if count == 1:
        return products.transposed_product(problem, a[:, 0], b[:, 0])[None]
    return products.transposed_product(problem, jnp.moveaxis(a, 1, 0), jnp.moveaxis(b, 1, 0))


def _unmerge(problem: Problem, total, merged):
    """Drop the products between different groups, and bring the result into the canonical shape."""
    inputs, outputs, count = problem.batch, problem.multiplier, problem.groups // merged
    taps = math.prod(problem.out_space)
    total = total.reshape(count, taps, merged, inputs, merged, outputs)
    own = jnp.stack([total[:, :, g, :, g] for g in range(merged)], axis=1)  # (count, merged, taps, inputs, outputs)
    return jnp.transpose(own, (3, 2, 0, 1, 4)).reshape(problem.out_shape)
