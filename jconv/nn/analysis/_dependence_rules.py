"""The boxes of the operands that each operation of a jaxpr reads for a box of its result.

A rule takes (box of the result, shapes of the operands, parameters of the operation) and returns one box for each
operand, or None where it reads nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from jconv import engine
from jconv.nn.analysis._intervals import Box, Interval, Params, Shapes, full, hull

# Acts on each sample alone; operands have the shape of the result, or none.
POINTWISE = frozenset(
    """
    abs acos acosh add add_any and asin asinh atan atan2 atanh cbrt ceil clamp conj convert_element_type copy copy_p cos
    cosh div eq erf erf_inv erfc exp exp2 expm1 floor ge gt imag integer_pow is_finite le log log1p logistic lt max min
    mul ne neg nextafter not optimization_barrier or pow pvary real reduce_precision rem round rsqrt select_n
    sharding_constraint sign sin sinh sqrt square stop_gradient sub tan tanh xor
    """.split()  # noqa: SIM905
)


def _read_windows(
    box: Box,
    taps: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    input_dilation: Sequence[int],
) -> Box | None:
    """Return the samples under windows of some axes; None where they hold only inserted zeros."""
    read = []
    for (a, b), k, s, (before, _), d, stuffing in zip(
        box, taps, strides, padding, dilation, input_dilation, strict=True
    ):
        lo, hi = a * s - before, b * s - before + (k - 1) * d
        read.append((-(-lo // stuffing), hi // stuffing))
    return None if any(lo > hi for lo, hi in read) else tuple(read)


def _jconv(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    window, (lhs, rhs) = params["geometry"], shapes
    space = _read_windows(box[1:-1], rhs[:-2], window.strides, window.padding, window.rhs_dilation, window.lhs_dilation)
    return [None if space is None else (box[0], *space, (0, lhs[-1] - 1)), full(rhs)]


def _lax_convolution(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    (lhs, rhs), numbers = shapes, params["dimension_numbers"]
    space = _read_windows(
        tuple(box[i] for i in numbers.out_spec[2:]), [rhs[i] for i in numbers.rhs_spec[2:]], params["window_strides"],
        params["padding"], params["rhs_dilation"], params["lhs_dilation"],
    )  # fmt: skip
    if space is None:
        return [None, full(rhs)]
    read = list(full(lhs))
    if params["batch_group_count"] == 1:
        read[numbers.lhs_spec[0]] = box[numbers.out_spec[0]]
    for axis, interval in zip(numbers.lhs_spec[2:], space):
        read[axis] = interval
    return [tuple(read), full(rhs)]


def _reduce_window(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    space = _read_windows(
        box, params["window_dimensions"], params["window_strides"], params["padding"],
        params["window_dilation"], params["base_dilation"],
    )  # fmt: skip
    return [space if shape else () for shape in shapes]


def _reduction(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    kept = iter(box)
    (shape,) = shapes
    return [tuple((0, n - 1) if axis in params["axes"] else next(kept) for axis, n in enumerate(shape))]


def _broadcast(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    shape = shapes[0]
    read = tuple((0, 0) if n == 1 else box[axis] for n, axis in zip(shape, params["broadcast_dimensions"]))
    return [read, *(None for _ in shapes[1:])]


def _reshape(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    """Split or merge axes in runs of equal size; the box of a run is the hull of the flat indices that it holds."""
    shape, new = shapes[0], params["new_sizes"]
    if 0 in shape:
        return [full(shape) for shape in shapes]
    read, i, j = [], 0, 0
    while i < len(shape) or j < len(new):
        first, begin = i, j
        i, j = i + (i < len(shape)), j + (j < len(new))
        while math.prod(shape[first:i]) != math.prod(new[begin:j]):
            if math.prod(shape[first:i]) < math.prod(new[begin:j]):
                i += 1
            else:
                j += 1
        read += _run(box[begin:j], new[begin:j], shape[first:i])
    return [tuple(read), *(None for _ in shapes[1:])]


def _run(box: Box, new: Sequence[int], old: Sequence[int]) -> list[Interval]:
    if len([n for n in new if n > 1]) <= 1 >= len([n for n in old if n > 1]):  # only ones come or go
        interval = next((b for b, n in zip(box, new) if n > 1), (0, 0))
        return [interval if n > 1 else (0, 0) for n in old]
    lo = hi = 0
    for (a, b), n in zip(box, new):
        lo, hi = lo * n + a, hi * n + b
    read: list[Interval] = []
    for n in reversed(old[1:]):
        whole = lo // n != hi // n
        read.insert(0, (0, n - 1) if whole else (lo % n, hi % n))
        lo, hi = lo // n, hi // n
    return [(lo, hi), *read] if old else []


def _transpose(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    read = [(0, 0)] * len(box)
    for axis, interval in zip(params["permutation"], box):
        read[axis] = interval
    return [tuple(read)]


def _squeeze(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    kept = iter(box)
    return [tuple((0, 0) if axis in params["dimensions"] else next(kept) for axis in range(len(shapes[0])))]


def _slice(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    steps = params["strides"] or (1,) * len(box)
    return [tuple((a * s + start, b * s + start) for (a, b), s, start in zip(box, steps, params["start_indices"]))]


def _pad(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    read = []
    for (a, b), (before, _, inside) in zip(box, params["padding_config"]):
        read.append((-(-(a - before) // (inside + 1)), (b - before) // (inside + 1)))
    return [None if any(lo > hi for lo, hi in read) else tuple(read), ()]


def _concatenate(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    axis, start, reads = params["dimension"], 0, []
    for number, shape in enumerate(shapes):
        a, b = box[axis][0] - start, box[axis][1] - start
        # Only the first and the last operand may be read beyond their edge.
        low = a if number == 0 else max(a, 0)
        high = b if number == len(shapes) - 1 else min(b, shape[axis] - 1)
        reads.append(None if low > high else (*box[:axis], (low, high), *box[axis + 1 :]))
        start += shape[axis]
    return reads


def _stack(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    """Each operand is one position along a new axis."""
    axis = params["axis"]
    lo, hi = box[axis]
    return [(*box[:axis], *box[axis + 1 :]) if lo <= number <= hi else None for number in range(len(shapes))]


def _split(boxes: Box | list[Box | None], shapes: Shapes, params: Params) -> list[Box | None]:
    parts = boxes if isinstance(boxes, list) else [boxes]
    axis, start, read = params["axis"], 0, None
    for box, size in zip(parts, params["sizes"]):
        if box is not None:
            moved = (*box[:axis], (box[axis][0] + start, box[axis][1] + start), *box[axis + 1 :])
            read = moved if read is None else hull(read, moved)
        start += size
    return [read]


def _reverse(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    size = shapes[0]
    return [tuple((n - 1 - b, n - 1 - a) if i in params["dimensions"] else (a, b)
                  for i, ((a, b), n) in enumerate(zip(box, size)))]  # fmt: skip


def _dot_general(box: Box, shapes: Shapes, params: Params) -> list[Box | None]:
    contracted, batch = params["dimension_numbers"]
    reads, start = [], len(batch[0])
    for shape, summed, shared in zip(shapes, contracted, batch):
        free = [axis for axis in range(len(shape)) if axis not in (*summed, *shared)]
        read = list(full(shape))
        for axis, interval in (*zip(shared, box), *zip(free, box[start:])):
            read[axis] = interval
        start += len(free)
        reads.append(tuple(read))
    return reads


RULES: dict[str, Callable[..., list[Box | None]]] = {
    engine.PRIMITIVE: _jconv,
    "conv_general_dilated": _lax_convolution,
    **{f"reduce_window{kind}": _reduce_window for kind in ("", "_max", "_min", "_sum")},
    **{f"reduce_{kind}": _reduction for kind in ("sum", "max", "min", "prod", "and", "or")},
    "argmax": _reduction,
    "argmin": _reduction,
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "squeeze": _squeeze,
    "slice": _slice,
    "pad": _pad,
    "concatenate": _concatenate,
    "split": _split,
    "stack": _stack,
    "rev": _reverse,
    "dot_general": _dot_general,
}
