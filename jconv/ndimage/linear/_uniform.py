"""Moving averages: `uniform_filter` and `uniform_filter1d`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.arrays import ArrayLike
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame import passes as _passes
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output


class _Box(NamedTuple):
    """A moving average along one axis."""

    axis: int
    size: int
    origin: int
    mode: str


def uniform_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    origin: int = 0,
) -> jax.Array:
    r"""Average `size` neighbours along one axis.

    .. math:: y[i] = \frac1n \sum_{k=0}^{n-1} x[i + k - \lfloor n/2 \rfloor - o]

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    size : int
        Samples of the window.
    axis : int
        The axis to filter. Default: the last.
    output, mode, cval, origin
        As for `jconv.ndimage.correlate`.

    Returns
    -------
    array, in the shape of `input`
        The averages.

    Raises
    ------
    RuntimeError
        For a size below one or an unknown mode.
    ValueError
        For an origin outside the window.

    Notes
    -----
    Cost, accuracy and gradient are those of `uniform_filter`. `scipy.ndimage.uniform_filter1d`'s API.

    Examples
    --------
    >>> uniform_filter1d([2.0, 8.0, 0.0, 4.0], 3).tolist()
    [4.0, 3.33..., 4.0, 2.66...]
    """
    x = arguments.image(input)
    return _boxes(x, [_Box(arguments.axis_of(axis, x.ndim), size, origin, mode)], output, cval)


def uniform_filter(
    input: ArrayLike,
    size: int | Sequence[int] = 3,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Average a box of neighbours, one axis after the other.

    .. math:: y[i] = \frac1n \sum_{k \in box} x[i + k]

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    size : int or one for each axis
        Samples of the box. Default 3.
    output, mode, cval, origin, axes
        As for `jconv.ndimage.correlate`; `mode` and `origin` may be one for each axis.

    Returns
    -------
    array, in the shape of `input`
        The averages.

    Raises
    ------
    RuntimeError
        For a size below one, an unknown mode, or sequences of another length than `axes`.
    ValueError
        For an origin outside the box or an axis outside the image.

    Notes
    -----
    The cost per sample grows with √`size` at most. Long runs are sums of shorter ones, so that a NaN stays in its
    window and no digits cancel; averages of integers are exact before they are cut. Linear, with the gradient that
    follows. `scipy.ndimage.uniform_filter`'s API.

    Examples
    --------
    >>> uniform_filter([[0.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 0.0]], 3).round(6).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    x = arguments.image(input)
    used = arguments.axes_of(axes, x.ndim)
    sizes = arguments.sequence("size", size, len(used))
    origins = arguments.sequence("origin", origin, len(used))
    modes = arguments.sequence("mode", mode, len(used))
    plan = [_Box(*step) for step in zip(used, sizes, origins, modes)]
    return _boxes(x, [box for box in plan if box.size > 1], output, cval)


def _boxes(x: jax.Array, plan: list[_Box], output: Output, cval: Value) -> jax.Array:
    dtype = _output.dtype_of(output, x, complex_result=jnp.iscomplexobj(x))
    sizes = tuple(arguments.window_size(box.size) for box in plan)
    lefts = tuple(arguments.before(box.origin, size) for box, size in zip(plan, sizes))
    rules = tuple(arguments.boundary(box.mode) for box in plan)
    axes = tuple(box.axis for box in plan)
    if x.size and plan:
        if _passes.in_one_pass(sizes, rules, cval, dtype):
            share = np.full(_passes.on_all(axes, sizes, 1, x.ndim), 1 / math.prod(sizes))
            whole = {
                "rules": tuple(_passes.on_all(axes, rules, "edge", x.ndim)),
                "lefts": tuple(_passes.on_all(axes, lefts, 0, x.ndim)),
            }
            x = _passes.dense(x, share, cval, dtype=dtype, **whole)
        else:
            x = _passes.boxes(x, cval, sizes=sizes, axes=axes, rules=rules, lefts=lefts, dtype=dtype)
    return _output.deliver(x.astype(dtype), output)
