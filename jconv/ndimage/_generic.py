"""Functions of yours under a moving window or along lines: `generic_filter`, `generic_filter1d`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core.arrays import ArrayLike
from jconv._core.boundary import pad
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output

_WINDOWS_BYTES = 2**27
"""More bytes of windows than these are not held at once."""


def generic_filter(
    input: ArrayLike,
    function: Callable[..., jax.Array],
    size: int | Sequence[int] | None = None,
    footprint: ArrayLike | None = None,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    origin: int | Sequence[int] = 0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Apply a function of the samples in a window at every sample.

    .. math:: y[i] = f(x[i + k]), \quad k \in footprint

    Parameters
    ----------
    input : array of any rank, real
        The image.
    function : function
        ``function(window, *extra_arguments, **extra_keywords)`` of a rank-one array of the samples under the
        footprint, to one number. It is traced by JAX and mapped over the image, so it must be made of `jax.numpy`.
    size : int or one for each axis, optional
        Size of a full window; ignored, with a warning, where there is a footprint.
    footprint : array of bool, one dimension for each filtered axis, optional
        The window.
    output, mode, cval, origin
        As for `jconv.ndimage.correlate`.
    extra_arguments, extra_keywords : sequence and mapping
        Handed on to the function. Default: none.
    axes : int or sequence of int, optional
        As for `jconv.ndimage.correlate`.

    Returns
    -------
    array, in the shape of `input`
        The function's results.

    Raises
    ------
    TypeError
        Where `function` is not a function, or the image is complex.
    RuntimeError
        Where neither `size` nor `footprint` is given, and as `jconv.ndimage.correlate`.

    Notes
    -----
    The window's samples arrive in the floating dtype that the filter computes in. Blocks of rows bound the memory.
    The gradient is that of `function`. `scipy.ndimage.generic_filter`'s API.

    Examples
    --------
    >>> generic_filter([1.0, 5.0, 2.0], jnp.max, size=3).tolist()
    [5.0, 5.0, 5.0]
    """
    if size is not None and footprint is not None:
        warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=2)
        size = None
    check_function(function, TypeError)
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
        x = _output.store(_map_windows(padded, np.argwhere(window), x.shape, stencil), dtype)
    return _output.deliver(x.astype(dtype), output)


def _map_windows(
    padded: jax.Array, offsets: np.ndarray, shape: tuple[int, ...], function: Callable[[jax.Array], jax.Array]
) -> jax.Array:
    """Apply `function` to the samples at `offsets`, at every sample, some rows of the first axis at a time."""

    def some(part: jax.Array, rows: int) -> jax.Array:
        views = [lax.slice(part, o, [a + b for a, b in zip(o, (rows, *shape[1:]))]) for o in offsets.tolist()]
        windows = jnp.stack(views, axis=-1).reshape(-1, len(views))
        return jnp.reshape(jax.vmap(function)(windows), (rows, *shape[1:]))

    if not shape:
        return jnp.asarray(function(padded[None]))
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
    input: ArrayLike,
    function: Callable[..., jax.Array],
    filter_size: int,
    axis: int = -1,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    origin: int = 0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
) -> jax.Array:
    r"""Apply a function of whole extended lines along one axis.

    .. math:: y[:] = f(x[-\lfloor n/2 \rfloor - o], \dots, x[N - 1 + \lfloor (n-1)/2 \rfloor - o])

    Parameters
    ----------
    input : array of any rank, real
        The image.
    function : function
        ``function(line, *extra_arguments, **extra_keywords)`` takes a line of length N + filter_size - 1, extended at
        both ends, and *returns* its N results.
    filter_size : int
        n, the samples that a result depends on.
    axis : int
        The axis of the lines. Default: the last.
    output, mode, cval, origin
        As for `jconv.ndimage.correlate`.
    extra_arguments, extra_keywords : sequence and mapping
        Handed on to the function. Default: none.

    Returns
    -------
    array, in the shape of `input`
        The function's results.

    Raises
    ------
    TypeError
        Where `function` is not a function, or the image is complex.
    ValueError
        Where it returns another number of samples, and for an origin outside the window.
    RuntimeError
        For a size below one or an unknown mode.

    Notes
    -----
    The gradient is that of `function`. `scipy.ndimage.generic_filter1d`'s API, but that SciPy's function writes its
    results into a second argument, which JAX arrays do not allow.

    Examples
    --------
    >>> generic_filter1d([1.0, 5.0, 2.0], lambda line: line[2:] - line[:-2], 3).tolist()
    [4.0, 1.0, -3.0]
    """
    check_function(function, TypeError)
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
                f"got shape {results.shape[1:]}; the line is extended at both ends"
            )
        x = _output.store(jnp.moveaxis(results.reshape(lines.shape), -1, axis), dtype)
    return _output.deliver(x.astype(dtype), output)


def check_function(function: object, error: type[Exception]) -> None:
    """Raise unless `function` can be called."""
    if not callable(function):
        raise error(f"`function` must be a callable. Got {function!r}; pass a function made of jax.numpy")
