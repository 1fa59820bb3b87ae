"""Vectorized functions of yours on all windows at once: `vectorized_filter`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from numbers import Number
from typing import SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.arrays import ArrayLike, as_numpy
from jconv._core.boundary import pad
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output
from jconv.ndimage._generic import check_function

_MODES = arguments.MODES | {"grid-mirror": "reflect", "valid": "valid"}
"""SciPy hands the mode of this filter to numpy.pad through a table of its own, whose grid-mirror is NumPy's reflect."""


def vectorized_filter(
    input: ArrayLike,
    function: Callable[..., jax.Array],
    *,
    size: int | Sequence[int] | None = None,
    footprint: ArrayLike | None = None,
    output: Output = None,
    mode: str = "reflect",
    cval: Value | None = None,
    origin: int | Sequence[int] | None = None,
    axes: int | Sequence[int] | None = None,
    batch_memory: float = 2**30,
) -> jax.Array:
    r"""Apply a vectorized function to all windows at once.

    .. math:: y[i] = f(x[i + k]), \quad k \in window

    Parameters
    ----------
    input : array of any rank
        The image, of any numeric dtype.
    function : function
        ``function(windows, axis=…)``, reducing the window axes named by `axis`, such as `jnp.median`.
    size : int or one for each axis
        The window, unless `footprint` is given; an integer stands for all `axes`.
    footprint : array of bool, one dimension for each filtered axis
        The window, unless `size` is given.
    output : dtype or NumPy array, optional
        Dtype of the result, or the array to fill. Default: the dtype of the function's results.
    mode : str
        Boundary rule as elsewhere, or "valid" for no extension and a smaller result. Default "reflect".
    cval : number, optional
        Value outside, with "constant" alone; may be complex. Default 0.
    origin, axes
        As for `jconv.ndimage.correlate`.
    batch_memory : number
        Bytes of windows handed to the function at once; more are cut along the first axis. Default 2³⁰.

    Returns
    -------
    array, in the shape of `input` but where `mode` is "valid"
        The function's results.

    Raises
    ------
    ValueError
        For arguments that do not fit together, as SciPy does, or too small a `batch_memory`.

    Notes
    -----
    The gradient is that of `function`. `scipy.ndimage.vectorized_filter`'s API.

    Examples
    --------
    >>> vectorized_filter([1.0, 5.0, 2.0, 2.0], jnp.median, size=3).tolist()
    [1.0, 2.0, 2.0, 2.0]
    """
    check_function(function, ValueError)
    x = arguments.image(input)
    window, mask = _window(size, footprint, axes, x.ndim)
    used = tuple(range(-x.ndim, 0)) if axes is None else tuple(axes) if isinstance(axes, Iterable) else (axes,)
    count = len(used)
    if count > x.ndim:
        raise ValueError(
            f"The length of `axes` may not exceed the dimensionality of `input` ({x.ndim}), got {axes}; name each once"
        )
    if len(window) != count:
        raise ValueError(
            "`axes` must be compatible with the dimensionality of the window specified by `size` or `footprint`: "
            f"{count} axes, a window of rank {len(window)}"
        )
    origins = _origins(origin, count)
    rule = _MODES[check.choice("mode", mode, _MODES)]
    if rule == "valid" and any(origins):
        raise ValueError(f"`mode='valid'` is incompatible with use of `origin`, got {origin}; leave it out")
    if cval is not None and rule != "constant":
        raise ValueError(f"Use of `cval` is compatible only with `mode='constant'`, got mode={mode!r}")
    if cval is not None and not (is_traced(cval) or isinstance(cval, Number | np.ndarray | jax.Array)):
        raise ValueError(f"`cval` must include only numbers, got {cval!r}")
    arguments.sets_size("batch_memory", batch_memory, "pass a number of bytes")
    if not isinstance(batch_memory, Number) or not batch_memory > 0:  # type: ignore[operator]
        raise ValueError(f"`batch_memory` must be positive number, got {batch_memory!r}; pass a number of bytes")
    apply = function if mask is None else lambda w, axis: function(w[..., mask], axis=-1)
    if x.size == 0:
        return x
    if x.ndim == 0 and window == ():
        return jnp.asarray(function(x, axis=()) if mask is None else apply(x[mask], axis=()))
    ends = tuple(range(-count, 0))
    x = jnp.moveaxis(x, used, ends)
    if rule != "valid":
        widths = [(0, 0)] * (x.ndim - count) + [(s // 2 + o, (s - 1) // 2 - o) for s, o in zip(window, origins)]
        if any(min(width) < 0 for width in widths):
            raise ValueError(f"invalid origin: {origins} moves a window of {window} off the output sample")
        x = pad(x, widths, rule, 0 if cval is None else jnp.asarray(cval))
    result = jnp.moveaxis(_in_batches(x, window, apply, ends, batch_memory), ends, used) if count else apply(x, axis=())
    if output is not None:
        result = result.astype(_output.dtype_of(output, result))
    return _output.deliver(result, output)


def _in_batches(
    x: jax.Array,
    window: tuple[int, ...],
    apply: Callable[..., jax.Array],
    ends: tuple[int, ...],
    batch_memory: float,
) -> jax.Array:
    """Apply the function to all windows, as many rows at a time as the memory allows."""
    shape = x.shape[: x.ndim - len(window)] + tuple(a - b + 1 for a, b in zip(x.shape[x.ndim - len(window) :], window))
    row = math.prod(shape[1:]) * math.prod(window) * x.dtype.itemsize
    rows = int(min(shape[0], batch_memory // row))
    if rows < 1:
        raise ValueError(
            f"`batch_memory` is insufficient for minimum chunk size. It must be at least {row} bytes here."
        )
    reach = x.shape[0] - shape[0]
    parts = []
    for start in range(0, shape[0], rows):
        part = x[start : min(start + rows, shape[0]) + reach]
        views = part
        for axis, size in zip(range(x.ndim - len(window), x.ndim), window):
            length = part.shape[axis] - size + 1
            views = jnp.stack([lax.slice_in_dim(views, k, k + length, axis=axis) for k in range(size)], axis=-1)
        parts.append(apply(views, axis=ends))
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)


def _window(
    size: int | Sequence[int] | None, footprint: ArrayLike | None, axes: int | Sequence[int] | None, ndim: int
) -> tuple[tuple[int, ...], np.ndarray | None]:
    """Return the window's shape, and its mask where it is not full."""
    if size is None and footprint is None:
        raise ValueError("Either `size` or `footprint` must be provided.")
    if size is not None and footprint is not None:
        raise ValueError("Either `size` or `footprint` may be provided, not both.")
    if footprint is not None:
        mask = as_numpy("footprint", footprint).astype(bool)
        return mask.shape, mask
    count = ndim if axes is None else len(tuple(axes)) if isinstance(axes, Iterable) else 1
    sizes = tuple(size) if isinstance(size, Iterable) else (size,) * count  # None stands beside a footprint alone
    if not all(isinstance(s, SupportsIndex) and operator.index(s) > 0 for s in sizes):
        raise ValueError(f"All elements of `size` must be positive integers, got {size!r}")
    return tuple(map(operator.index, sizes)), None  # type: ignore[arg-type]


def _origins(origin: int | Sequence[int] | None, count: int) -> tuple[int, ...]:
    """One origin for each of `count` axes."""
    given = 0 if origin is None else origin
    origins = tuple(given) if isinstance(given, Iterable) else (given,) * count
    if not all(isinstance(o, SupportsIndex) for o in origins):
        raise ValueError(f"All elements of `origin` must be integers, got {origin!r}")
    if len(origins) != count:
        raise ValueError(
            "`origin` must be an integer or tuple of integers with length equal to the number of axes, "
            f"{count}; got {origin!r}"
        )
    return tuple(map(operator.index, origins))
