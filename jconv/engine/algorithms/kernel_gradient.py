"""Few outputs, a kernel as large as the image: the shape that the gradient of a kernel takes.

As the adjoint in w of a forward convolution, with x (N, *S, G·I) and ȳ (N, *O, G·m), the problem is

    w̄[k, i, g·m + j] = Σ_{n, o} x[n, s·o + d·k, g·I + i] ȳ[n, o, g·m + j],

a matrix product for each group: the patches of x (N·O rows, taps·I columns), transposed, times ȳ (N·O, m); or, since
windows of the last axis lie in memory as they are, one for each tap of the other axes. The windows are gathered and
multiplied in blocks of rows that stay in cache, and the products accumulated. Narrow groups are multiplied several at
once, which computes cross terms that are thrown away, but runs at the speed of wide ones.

Where ȳ has few channels, its columns are too few for a fast product. Then the taps k₀ of the first axis are laid on ȳ:
with q = o₀ + d k₀,

    w̄[k₀, k₁, i, j] = Σ_{n, q, o₁} x[n, q, o₁ + d k₁, i] ȳ[n, q − d k₀, o₁, j],

so that patches of x along the other axes, (N·Q·O₁, taps₁·I), meet patches of ȳ along the first, (N·Q·O₁, taps₀·m):
a product of as many operations and more equal sides, and fewer copies.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._algorithm import Estimate, Solver
from jconv.engine._problem import Problem, unit
from jconv.engine.algorithms._parts import products, shapes, windows
from jconv.engine.algorithms._parts.blocks import images_per_block

WIDE = 32
NARROW = 16
"""Columns of ȳ up to which taps are laid on it."""
MANY_TAPS = 16
"""Windows of one channel with more taps than this are put together number by number."""
BLOCK_BYTES, SMALL_BLOCK_BYTES = 3 << 20, 2 << 20
LONG_ROW_BYTES = 12 << 20
"""Windows of one row from which another axis is walked over, at the price of a copy of both arrays (a guess)."""


def refusal(problem: Problem) -> str | None:
    if not unit(problem, "lhs_dilation"):
        return "no input dilation: polyphase removes it"
    if problem.batch * problem.multiplier == 1:
        return "depthwise: nothing to multiply as matrices"
    if problem.tap_count < math.prod(problem.out_space):
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


def _on_cotangent(problem: Problem) -> bool:
    """Whether the taps of the first axis are laid on ȳ."""
    few = _merged(problem) * problem.multiplier <= NARROW < problem.groups * problem.batch * problem.out_space[0]
    return few and problem.ndim > 1 and problem.out_space[0] > 1 and problem.rhs_dilation[0] == 1


def _walk(problem: Problem) -> tuple[int, int]:
    """(rows of the first axis to walk over in an image, bytes that are copied for each of them)."""
    inputs, row = problem.batch * problem.groups, math.prod(problem.taps[1:]) * problem.itemsize
    first, *others = problem.out_space
    if not _on_cotangent(problem):
        return problem.taps[0], row * first * math.prod(others) * inputs
    rows = problem.taps[0] + problem.strides[0] * (first - 1)
    return rows, row * (math.prod(others) * inputs + first * problem.out_channels)


def _block_bytes(problem: Problem) -> int:
    """Of the windows worked on at once: they stay in cache, and are few beside the arrays themselves."""
    return min(BLOCK_BYTES, max(SMALL_BLOCK_BYTES, problem.io_bytes // 2))


def _row_blocks(problem: Problem) -> tuple[int, int]:
    """(rows in a block, number of blocks in an image)."""
    total, row = _walk(problem)
    most = max(1, min(total, _block_bytes(problem) // max(row, 1)))
    least = -(-total // most)
    # Rather a number of blocks that divides the rows: then no array is copied to be filled up.
    blocks = next((count for count in range(least, 2 * total // most + 1) if total % count == 0), least)
    return -(-total // blocks), blocks


def _images(problem: Problem) -> int:
    """Images worked on at once, where one of them does not fill a block."""
    return images_per_block(problem.in_channels, math.prod(_walk(problem)), _block_bytes(problem))


def _lanes(problem: Problem) -> int:
    """Blocks worked on side by side: no more than there are cores, nor than results that are small beside a block.

    A block of one row may be larger than it should be: then there are fewer of them.
    """
    groups, cores = problem.in_channels // _images(problem), problem.target.machine.cores
    block = _images(problem) * _row_blocks(problem)[0] * _walk(problem)[1]
    small = min(_block_bytes(problem) // _result_bytes(problem), cores * _block_bytes(problem) // block)
    most = min(cores, groups, max(1, small))
    return max(n for n in range(1, most + 1) if groups % n == 0)


def _result_bytes(problem: Problem) -> int:
    """Bytes of one lane's sum."""
    return math.prod(problem.out_shape) * _merged(problem) * problem.itemsize


def _axes(problem: Problem) -> tuple[int, ...]:
    """The order of axes: the first one is walked over. It is the longest where the windows of a row are too large."""
    usual = tuple(range(problem.ndim))
    if _walk(problem)[1] <= LONG_ROW_BYTES:
        return usual
    longest = max(usual, key=lambda axis: problem.taps[axis])
    return (longest, *(axis for axis in usual if axis != longest))


def _reordered(problem: Problem, axes: tuple[int, ...]) -> Problem:
    names = ("strides", "padding", "lhs_dilation", "rhs_dilation")
    return problem.replace(
        lhs_shape=(problem.batch, *(problem.space[axis] for axis in axes), problem.lhs_shape[-1]),
        rhs_shape=(*(problem.taps[axis] for axis in axes), *problem.rhs_shape[-2:]),
        **{name: tuple(getattr(problem, name)[axis] for axis in axes) for name in names},
    )


def estimate(problem: Problem) -> Estimate:
    problem = _reordered(problem, _axes(problem))
    merged, library = _merged(problem), problem.target.machine.library
    (rows, row), (_, blocks) = _walk(problem), _row_blocks(problem)
    images, inputs = problem.in_channels, problem.batch * problem.groups
    outputs = math.prod(problem.out_space)
    flops = problem.flops * merged * rows / problem.taps[0]
    on_cotangent = problem.out_space[0] if _on_cotangent(problem) else 1
    sides = problem.batch * outputs // on_cotangent, problem.multiplier * on_cotangent
    waste = products.waste(*(merged * side for side in sides))
    patches = float(images * rows * row) if outputs > 1 else 0.0
    work = {
        "calls": 1.0,
        **products.work(problem, flops * waste),
        f"{library}_patch_bytes": patches,
        f"{library}_single_patch_bytes": patches if inputs == 1 and outputs > MANY_TAPS else 0.0,
        "bytes": float(problem.io_bytes),
        "result_bytes": float(_result_bytes(problem)),
        "steps": float(images // _images(problem) * blocks) if outputs > 1 else 1.0,
    }
    # Zeros written around ȳ meet samples of x where its taps are laid on it.
    accuracy = "toeplitz" if _on_cotangent(problem) else "direct"
    written_out = windows.slices(_forward(problem))
    return Estimate(work, flops, _memory(problem), accuracy=accuracy, written_out=written_out)


def _memory(problem: Problem) -> int:
    copies = problem.itemsize * (2 * math.prod(problem.lhs_shape) + math.prod(problem.rhs_shape))
    if math.prod(problem.out_space) == 1:
        return copies + 2 * _result_bytes(problem)
    rows, _ = _row_blocks(problem)
    block = _images(problem) * rows * _walk(problem)[1]
    # The sum so far, the product that is added to it, and their sum.
    return copies + _lanes(problem) * (2 * block + 3 * _result_bytes(problem))


def apply(problem: Problem, lhs: jax.Array, rhs: jax.Array, solve: Solver) -> jax.Array:
    n, axes = problem.ndim, _axes(problem)
    if axes != tuple(range(n)):
        lhs = jnp.transpose(lhs, (0, *(1 + axis for axis in axes), n + 1))
        out = apply(_reordered(problem, axes), lhs, jnp.transpose(rhs, (*axes, n, n + 1)), solve)
        return jnp.transpose(out, (0, *(1 + axes.index(axis) for axis in range(n)), n + 1))
    groups, inputs = problem.groups, problem.batch
    images = problem.in_channels
    forward = _forward(problem)
    # Back to the arrays of the forward convolution; XLA cancels these transpositions with those of the gradient.
    x = jnp.transpose(lhs.reshape(inputs, *problem.space, groups, images), (n + 2, *range(1, n + 1), n + 1, 0)).reshape(
        images, *problem.space, groups * inputs
    )
    y = jnp.moveaxis(rhs, -2, 0)
    # `forward` has exactly the output ȳ: samples of x beyond its reach are not read.
    reach = [
        s * (o - 1) + d * (k - 1) + 1
        for s, o, d, k in zip(forward.strides, problem.taps, forward.rhs_dilation, problem.out_space)
    ]
    config = [(lo, r - lo - size, 0) for r, size, (lo, _) in zip(reach, problem.space, problem.padding)]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *config, (0, 0, 0)])
    if forward.tap_count == 1:
        samples = x[(slice(None), *(slice(None, None, s) for s in forward.strides))]
        return _unmerge(problem, _one_tap(problem, samples, y))
    return _unmerge(problem, _walked(problem, forward, x, y))


def _walked(problem: Problem, forward: Problem, x: jax.Array, y: jax.Array) -> jax.Array:
    """(blocks of groups, taps · merged inputs, merged outputs), summed over blocks of rows."""
    images, n, count = problem.in_channels, problem.ndim, problem.groups // _merged(problem)
    at_once, lanes, (rows, blocks) = _images(problem), _lanes(problem), _row_blocks(problem)
    (stride, *_), (first, *others), far = forward.strides, problem.out_space, forward.rhs_dilation[0]
    on_cotangent, reach = _on_cotangent(problem), far * (first - 1)
    if on_cotangent:
        x = shapes.pad_to(x, 1, blocks * rows)
        y = jnp.pad(y, [(0, 0), (reach, blocks * rows - y.shape[1]), *[(0, 0)] * n])
        tall, taps_on_y, taps_on_x = (rows, rows + reach), first, math.prod(others)
        shape = (1, *others, *forward.rhs_shape[n:])
    else:
        x = shapes.pad_to(x, 1, stride * (blocks * rows - 1) + reach + 1)
        y = shapes.pad_to(y, 1, blocks * rows)
        tall, taps_on_y, taps_on_x = (stride * (rows - 1) + reach + 1, rows), 1, forward.tap_count
        shape = forward.rhs_shape
    share, pieces = lanes * at_once, lanes * count * at_once
    narrow = [size // count for size in (x.shape[-1], y.shape[-1])]
    no_padding = ((0, 0),) * n
    on_x = forward.replace(lhs_shape=(pieces, tall[0], *x.shape[2:-1], narrow[0]), rhs_shape=shape, padding=no_padding)
    on_y = forward.replace(
        lhs_shape=(pieces, tall[1], *y.shape[2:-1], narrow[1]),
        rhs_shape=(taps_on_y, *[1] * n, 1),
        padding=no_padding,
        strides=(1,) * n,
    )

    def matrices(block: Problem, samples: jax.Array, image: jax.Array | int, row: jax.Array | int) -> jax.Array:
        """(lanes · blocks of groups, taps, positions, taps that lie side by side · merged channels)."""
        channels, size = block.lhs_shape[-1], math.prod(samples.shape[1:])
        grid = windows.Grid.of(block, samples.shape, channels)
        # XLA's own products would copy whatever they are to broadcast.
        fits = products.uses_onednn(problem) and samples.size <= windows.MAX_SIZE
        if fits and block.tap_count > 1 and grid.run >= windows.LONG_RUN:
            places = [(lanes, at_once * size), (count, channels), *grid.taps, (at_once, size), *grid.outputs]
            offset = image * size + row * math.prod(samples.shape[2:])
            rows_of_windows = windows.gather_runs(samples, places, grid.run, offset)
            return rows_of_windows.reshape(lanes * count, math.prod(k for k, _ in grid.taps), -1, grid.run)
        samples = lax.dynamic_slice(samples, (image, row, *[0] * n), (share, *block.space, samples.shape[-1]))
        split = jnp.moveaxis(samples.reshape(lanes, at_once, *block.space, count, channels), -2, 1)
        rows_of_windows = windows.patches(block, split.reshape(block.lhs_shape))
        return rows_of_windows.reshape(lanes * count, 1, -1, block.tap_count * channels)

    def term(index: jax.Array | int) -> jax.Array:
        image, band = index // blocks * share, index % blocks * rows
        left = matrices(on_x, x, image, band if on_cotangent else band * stride)
        right = matrices(on_y, y, image, band)
        return products.transposed_product(problem, left[:, :, None], right[:, None])

    steps = images // share * blocks
    if steps == 1:
        total = term(0)
    else:
        start = jnp.zeros(jax.eval_shape(term, 0).shape, x.dtype)
        total, _ = lax.scan(lambda so_far, index: (so_far + term(index), None), start, jnp.arange(steps))
    a, b = total.shape[1:3]
    total = total.reshape(lanes, count, a, b, taps_on_x // a, narrow[0], taps_on_y // b, narrow[1])
    total = jnp.transpose(total.sum(0, dtype=x.dtype), (0, 2, 5, 1, 3, 4, 6))
    total = total.reshape(count, taps_on_y, taps_on_x, *narrow)
    # Walking forwards over ȳ meets the taps that lie on it backwards.
    return jnp.flip(total, 1).reshape(count, -1, narrow[1])


def _one_tap(problem: Problem, samples: jax.Array, y: jax.Array) -> jax.Array:
    """A 1×1 kernel: no patches, one product."""
    merged = _merged(problem)
    count = problem.groups // merged
    a = samples.reshape(-1, count, merged * problem.batch)
    b = y.reshape(-1, count, merged * problem.multiplier)
    if count == 1:
        return products.transposed_product(problem, a[:, 0], b[:, 0])[None]
    return products.transposed_product(problem, jnp.moveaxis(a, 1, 0), jnp.moveaxis(b, 1, 0))


def _unmerge(problem: Problem, total: jax.Array) -> jax.Array:
    """Drop the products between different groups, and bring the result into the canonical shape."""
    merged = _merged(problem)
    inputs, outputs, count = problem.batch, problem.multiplier, problem.groups // merged
    taps = math.prod(problem.out_space)
    total = total.reshape(count, taps, merged, inputs, merged, outputs)
    own = jnp.stack([total[:, :, g, :, g] for g in range(merged)], axis=1)  # (count, merged, taps, inputs, outputs)
    return jnp.transpose(own, (3, 2, 0, 1, 4)).reshape(problem.out_shape)
