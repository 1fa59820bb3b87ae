"""Which part of its inputs a traced function reads for a part of its outputs, by intervals.

A part is a box, one closed interval for each axis. Each operation of the jaxpr, the last first, turns the box that is
asked of its result into boxes of its operands; boxes of a value that is used twice are joined into their hull. Boxes
may reach over the edges, into the padding. An operation without a rule reads all of its operands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

Interval = tuple[int, int]
Box = tuple[Interval, ...]

# Acts on each sample alone; operands have the shape of the result, or none.
POINTWISE = frozenset(
    """
    abs acos acosh add add_any and asin asinh atan atan2 atanh cbrt ceil clamp conj convert_element_type copy copy_p cos
    cosh div eq erf erf_inv erfc exp exp2 expm1 floor ge gt imag integer_pow is_finite le log log1p logistic lt max min
    mul ne neg nextafter not optimization_barrier or pow pvary real reduce_precision rem round rsqrt select_n
    sharding_constraint sign sin sinh sqrt square stop_gradient sub tan tanh xor
    """.split()  # noqa: SIM905
)


def needed_inputs(traced: Any, asked: Sequence[Box | None]) -> list[Box | None]:
    """The box of each input of a `jax.make_jaxpr` that the boxes of its outputs depend on; None where none does."""
    jaxpr = getattr(traced, "jaxpr", traced)
    boxes: dict[Any, Box] = {}

    def ask(variable: Any, box: Box | None) -> None:
        if box is None or hasattr(variable, "val"):  # a literal number
            return
        boxes[variable] = hull(boxes[variable], box) if variable in boxes else box

    for variable, box in zip(jaxpr.outvars, asked):
        ask(variable, box)
    for equation in reversed(jaxpr.eqns):
        wanted = [boxes.get(variable) for variable in equation.outvars]
        if any(box is not None for box in wanted):
            for variable, box in zip(equation.invars, _operands(equation, wanted), strict=True):
                ask(variable, box)
    return [boxes.get(variable) for variable in jaxpr.invars]


def full(shape: Sequence[int]) -> Box:
    """All of an array."""
    return tuple((0, n - 1) for n in shape)


def hull(first: Box, second: Box) -> Box:
    """The smallest box around both."""
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(first, second, strict=True))


def _operands(equation: Any, wanted: list[Box | None]) -> list[Box | None]:
    shapes = [variable.aval.shape for variable in equation.invars]
    name, params = equation.primitive.name, equation.params
    if name in POINTWISE:
        if len(wanted) == len(shapes):  # an optimization barrier passes many
            return wanted
        return [wanted[0] if shape else () for shape in shapes]
    if name in RULES:
        return RULES[name](wanted[0] if len(wanted) == 1 else wanted, shapes, params)
    inner = next((params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params), None)
    if inner is not None and name not in ("scan", "while", "cond"):
        return needed_inputs(inner, wanted)
    return [full(shape) for shape in shapes]


def _window(box: Box, taps, strides, padding, dilation, input_dilation) -> Box | None:
    """The samples under windows of some axes; None where they hold only inserted zeros."""
    read = []
    for (a, b), k, s, (before, _), d, stuffing in zip(
        box, taps, strides, padding, dilation, input_dilation, strict=True
    ):
        lo, hi = a * s - before, b * s - before + (k - 1) * d
        read.append((-(-lo // stuffing), hi // stuffing))
    return None if any(lo > hi for lo, hi in read) else tuple(read)


def _jconv(box: Box, shapes, params):
    window, (lhs, rhs) = params["window"], shapes
    space = _window(box[1:-1], rhs[:-2], window.strides, window.padding, window.rhs_dilation, window.lhs_dilation)
    return [None if space is None else (box[0], *space, (0, lhs[-1] - 1)), full(rhs)]


def _lax_convolution(box: Box, shapes, params):
    (lhs, rhs), numbers = shapes, params["dimension_numbers"]
    space = _window(
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


def _reduce_window(box: Box, shapes, params):
    space = _window(
        box, params["window_dimensions"], params["window_strides"], params["padding"],
        params["window_dilation"], params["base_dilation"],
    )  # fmt: skip
    return [space if shape else () for shape in shapes]


def _reduction(box: Box, shapes, params):
    kept = iter(box)
    (shape,) = shapes
    return [tuple((0, n - 1) if axis in params["axes"] else next(kept) for axis, n in enumerate(shape))]


def _broadcast(box: Box, shapes, params):
    shape = shapes[0]
    read = tuple((0, 0) if n == 1 else box[axis] for n, axis in zip(shape, params["broadcast_dimensions"]))
    return [read, *(None for _ in shapes[1:])]


def _reshape(box: Box, shapes, params):
    """Axes split or merge in runs of equal size; the box of a run is the hull of the flat indices that it holds."""
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


def _transpose(box: Box, shapes, params):
    read = [(0, 0)] * len(box)
    for axis, interval in zip(params["permutation"], box):
        read[axis] = interval
    return [tuple(read)]


def _squeeze(box: Box, shapes, params):
    kept = iter(box)
    return [tuple((0, 0) if axis in params["dimensions"] else next(kept) for axis in range(len(shapes[0])))]


def _slice(box: Box, shapes, params):
    steps = params["strides"] or (1,) * len(box)
    return [tuple((a * s + start, b * s + start) for (a, b), s, start in zip(box, steps, params["start_indices"]))]


def _pad(box: Box, shapes, params):
    read = []
    for (a, b), (before, _, inside) in zip(box, params["padding_config"]):
        read.append((-(-(a - before) // (inside + 1)), (b - before) // (inside + 1)))
    return [None if any(lo > hi for lo, hi in read) else tuple(read), ()]


def _concatenate(box: Box, shapes, params):
    axis, start, reads = params["dimension"], 0, []
    for number, shape in enumerate(shapes):
        a, b = box[axis][0] - start, box[axis][1] - start
        # Only the ends may be asked for what lies beyond the edge.
        low = a if number == 0 else max(a, 0)
        high = b if number == len(shapes) - 1 else min(b, shape[axis] - 1)
        reads.append(None if low > high else (*box[:axis], (low, high), *box[axis + 1 :]))
        start += shape[axis]
    return reads


def _stack(box: Box, shapes, params):
    """Each operand is one position along a new axis."""
    axis = params["axis"]
    lo, hi = box[axis]
    return [(*box[:axis], *box[axis + 1 :]) if lo <= number <= hi else None for number in range(len(shapes))]


def _split(boxes, shapes, params):
    boxes = boxes if isinstance(boxes, list) else [boxes]
    axis, start, read = params["axis"], 0, None
    for box, size in zip(boxes, params["sizes"]):
        if box is not None:
            moved = (*box[:axis], (box[axis][0] + start, box[axis][1] + start), *box[axis + 1 :])
            read = moved if read is None else hull(read, moved)
        start += size
    return [read]


def _reverse(box: Box, shapes, params):
    size = shapes[0]
    return [tuple((n - 1 - b, n - 1 - a) if i in params["dimensions"] else (a, b)
                  for i, ((a, b), n) in enumerate(zip(box, size)))]  # fmt: skip


def _dot_general(box: Box, shapes, params):
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


RULES: dict[str, Callable] = {
    "jconv": _jconv,
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
