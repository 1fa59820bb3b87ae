"""Stencil functions of yours under a moving window: `generic_filter`, `generic_filter1d`, `vectorized_filter`."""

from __future__ import annotations

import math
import operator
import warnings
from numbers import Number
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.boundary import pad
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output

_WINDOWS_BYTES = 2**27
# vectorized_filter hands its mode to numpy.pad through this table; its grid-mirror is NumPy's reflect, as in SciPy.
_VECTORIZED_MODES = arguments.MODES | {"grid-mirror": "reflect", "valid": "valid"}


def generic_filter(
    input,
    function,
    size=None,
    footprint=None,
    output=None,
    mode="reflect",
    cval=0.0,
    origin=0,
    extra_arguments=(),
    extra_keywords=None,
    *,
    axes=None,
):
    """Apply a function of the samples in a window at every sample.

    Parameters
    ----------
    input: real image of any rank.
    function: `function(window, *extra_arguments, **extra_keywords)` of a rank-one array of the samples under the
        footprint, to one number. It is traced by JAX and mapped over the image, so it must be made of `jax.numpy`.
    size, footprint, output, mode, cval, origin, axes: see `jconv.ndimage.minimum_filter`.

    Notes
    -----
    The window's samples arrive in the floating dtype that the filter computes in. Blocks of rows bound the memory.
    Gradient: that of `function`. Speaks `scipy.ndimage.generic_filter`.

    >>> generic_filter([1.0, 5.0, 2.0], jnp.max, size=3).tolist()
    [5.0, 5.0, 5.0]
    """
    if size is not None and footprint is not None:
        warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=2)
        size = None
    _check_function(function, TypeError)
    x = arguments.image(input, real=True)
    used = arguments.axes_of(axes, x.ndim)
    window = arguments.on_all_axes(arguments.footprint_of(size, footprint, len(used)), "footprint", used, x.ndim)
    origins = arguments.origins_of(origin, used, x.ndim)
    lefts = [arguments.before(o, s) for o, s in zip(origins, window.shape)]
    rule = arguments.one_mode(mode)
    dtype = _output.dtype_of(output, x)
    work = _output.working_dtype(x.dtype, dtype)
    if x.size:
        padded = pad(x.astype(work), [(b, s - 1 - b) for b, s in zip(lefts, window.shape)], rule, cval)
        stencil = lambda samples: function(samples, *extra_arguments, **(extra_keywords or {}))
        x = _output.store(_mapped(padded, np.argwhere(window), x.shape, stencil), dtype)
    return _output.deliver(x.astype(dtype), output)


def _mapped(padded, offsets, shape, function):
    """`function` of the samples at `offsets`, at every sample, some rows of the first axis at a time."""

    def some(part, rows):
        views = [lax.slice(part, o, [a + b for a, b in zip(o, (rows, *shape[1:]))]) for o in offsets.tolist()]
        windows = jnp.stack(views, axis=-1).reshape(-1, len(views))
        return jax.vmap(function)(windows).reshape(rows, *shape[1:])

    if not shape:
        return function(padded[None])
    row_bytes = math.prod(shape[1:]) * len(offsets) * padded.dtype.itemsize
    rows = max(1, min(shape[0], _WINDOWS_BYTES // row_bytes))
    if rows == shape[0]:
        return some(padded, rows)
    reach = padded.shape[0] - shape[0]
    blocks = -(-shape[0] // rows)
    padded = jnp.pad(padded, [(0, blocks * rows - shape[0])] + [(0, 0)] * (len(shape) - 1), mode="edge")
    block = lambda i: some(lax.dynamic_slice_in_dim(padded, i * rows, rows + reach), rows)
    return lax.map(block, jnp.arange(blocks)).reshape(blocks * rows, *shape[1:])[: shape[0]]


def generic_filter1d(
    input,
    function,
    filter_size,
    axis=-1,
    output=None,
    mode="reflect",
    cval=0.0,
    origin=0,
    extra_arguments=(),
    extra_keywords=None,
):
    """Apply a function of whole extended lines along one axis.

    `function(line, *extra_arguments, **extra_keywords)` takes a line of length n + filter_size - 1, extended at both
    ends, and *returns* its n results; SciPy's writes them into a second argument instead, which JAX arrays do not
    allow. Speaks `scipy.ndimage.generic_filter1d` but for that.
    """
    _check_function(function, TypeError)
    x = arguments.image(input, real=True)
    axis = arguments.axis_of(axis, x.ndim)
    size = arguments.window_size(filter_size, "invalid filter size")
    left = arguments.before(origin, size)
    dtype = _output.dtype_of(output, x)
    if x.size:
        lines = jnp.moveaxis(x.astype(_output.working_dtype(x.dtype, dtype)), axis, -1)
        widths = [(0, 0)] * (x.ndim - 1) + [(left, size - 1 - left)]
        padded = pad(lines, widths, arguments.boundary(mode), cval)
        stencil = lambda line: function(line, *extra_arguments, **(extra_keywords or {}))
        results = jax.vmap(stencil)(padded.reshape(-1, padded.shape[-1]))
        if results.shape != (lines.size // lines.shape[-1], lines.shape[-1]):
            raise ValueError(
                f"`function` must return {lines.shape[-1]} samples for a line of {padded.shape[-1]}, "
                f"got shape {results.shape[1:]}"
            )
        x = _output.store(jnp.moveaxis(results.reshape(lines.shape), -1, axis), dtype)
    return _output.deliver(x.astype(dtype), output)


def vectorized_filter(
    input,
    function,
    *,
    size=None,
    footprint=None,
    output=None,
    mode="reflect",
    cval=None,
    origin=None,
    axes=None,
    batch_memory=2**30,
):
    """Apply a vectorized function to all windows at once.

    Parameters
    ----------
    input: image of any rank and numeric dtype.
    function: `function(windows, axis=…)`, reducing the window axes named by `axis`, such as `jnp.median`.
    size, footprint: the window, one of the two; an integer size stands for all `axes`.
    output: dtype of the result (default: that of the function), or a NumPy array to fill.
    mode: boundary rule as elsewhere, or ``valid`` for no extension and a smaller result.
    cval: value outside, with ``constant`` alone; may be complex.
    origin, axes: as elsewhere.
    batch_memory: bytes of windows handed to the function at once; more are cut along the first axis.

    Notes
    -----
    Gradient: that of `function`. Speaks `scipy.ndimage.vectorized_filter`.

    >>> vectorized_filter([1.0, 5.0, 2.0, 2.0], jnp.median, size=3).tolist()
    [1.0, 2.0, 2.0, 2.0]
    """
    _check_function(function, ValueError)
    x = arguments.image(input)
    window, mask = _window(size, footprint, axes, x.ndim)
    axes = tuple(range(-x.ndim, 0)) if axes is None else (axes,) if np.ndim(axes) == 0 else tuple(axes)
    count = len(axes)
    if count > x.ndim:
        raise ValueError(f"The length of `axes` may not exceed the dimensionality of `input` ({x.ndim}), got {axes}")
    if len(window) != count:
        raise ValueError(
            "`axes` must be compatible with the dimensionality of the window specified by `size` or `footprint`: "
            f"{count} axes, a window of rank {len(window)}"
        )
    origins = _vectorized_origins(origin, count)
    rule = _VECTORIZED_MODES[check.choice("mode", mode, _VECTORIZED_MODES)]
    if rule == "valid" and any(origins):
        raise ValueError(f"`mode='valid'` is incompatible with use of `origin`, got {origin}; leave it out")
    if cval is not None and rule != "constant":
        raise ValueError(f"Use of `cval` is compatible only with `mode='constant'`, got mode={mode!r}")
    if cval is not None and not (is_traced(cval) or isinstance(cval, Number | np.ndarray | jax.Array)):
        raise ValueError(f"`cval` must include only numbers, got {cval!r}")
    if not isinstance(batch_memory, Number) or not batch_memory > 0:  # type: ignore[operator]
        raise ValueError(f"`batch_memory` must be positive number, got {batch_memory!r}; pass a number of bytes")
    apply = function if mask is None else lambda w, axis: function(w[..., mask], axis=-1)
    if x.size == 0:
        return x
    if x.ndim == 0 and window == ():
        return jnp.asarray(function(x, axis=()) if mask is None else apply(x[mask], axis=()))
    ends = tuple(range(-count, 0))
    x = jnp.moveaxis(x, axes, ends)
    if rule != "valid":
        widths = [(0, 0)] * (x.ndim - count) + [(s // 2 + o, (s - 1) // 2 - o) for s, o in zip(window, origins)]
        if any(min(width) < 0 for width in widths):
            raise ValueError(f"invalid origin: {origins} moves a window of {window} off the output sample")
        x = pad(x, widths, rule, 0 if cval is None else jnp.asarray(cval))
    result = jnp.moveaxis(_in_batches(x, window, apply, ends, batch_memory), ends, axes) if count else apply(x, axis=())
    if output is not None:
        result = result.astype(output.dtype if hasattr(output, "dtype") else output)
    return _output.deliver(result, output)


def _in_batches(x, window, apply, ends, batch_memory):
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


def _window(size: Any, footprint: Any, axes: Any, ndim: int) -> tuple[tuple[int, ...], np.ndarray | None]:
    if size is None and footprint is None:
        raise ValueError("Either `size` or `footprint` must be provided.")
    if size is not None and footprint is not None:
        raise ValueError("Either `size` or `footprint` may be provided, not both.")
    if footprint is not None:
        mask = np.asarray(footprint, bool)
        return mask.shape, mask
    count = ndim if axes is None else 1 if np.ndim(axes) == 0 else len(axes)
    given: Any = size
    sizes = (given,) * count if np.ndim(given) == 0 else tuple(given)
    if not all(hasattr(s, "__index__") and s > 0 for s in sizes):
        raise ValueError(f"All elements of `size` must be positive integers, got {size!r}")
    return tuple(map(operator.index, sizes)), None


def _vectorized_origins(origin: Any, count: int) -> tuple[int, ...]:
    origins = (0,) * count if origin is None else (origin,) * count if np.ndim(origin) == 0 else tuple(origin)
    if not all(hasattr(o, "__index__") for o in origins):
        raise ValueError(f"All elements of `origin` must be integers, got {origin!r}")
    if len(origins) != count:
        raise ValueError(
            "`origin` must be an integer or tuple of integers with length equal to the number of axes, "
            f"{count}; got {origin!r}"
        )
    return tuple(map(operator.index, origins))


def _check_function(function: Any, error: type[Exception]) -> None:
    if not callable(function):
        raise error(f"`function` must be a callable. Got {function!r}; pass a function made of jax.numpy")
