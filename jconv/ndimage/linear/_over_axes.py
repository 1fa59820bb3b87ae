"""Sums over axes of derivatives by functions of yours: `generic_laplace` and `generic_gradient_magnitude`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.arrays import ArrayLike
from jconv.ndimage._frame import arguments, arithmetic
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arithmetic import Arithmetic
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output

Derivative = Callable[..., ArrayLike]


def generic_laplace(
    input: ArrayLike,
    derivative2: Derivative,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Sum second derivatives by a function of yours over the axes.

    .. math:: y = \sum_a d_a^2(x)

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    derivative2 : function
        ``derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)`` returns the second
        derivative along `axis` in the dtype `output`.
    output, mode, cval
        As for `jconv.ndimage.correlate`; `mode` may be one for each axis.
    extra_arguments, extra_keywords : sequence and mapping
        Handed on to the function. Default: none.
    axes : int or sequence of int, optional
        Axes to sum over. Default: all.

    Returns
    -------
    array, in the shape of `input`
        The sum.

    Raises
    ------
    TypeError
        Where `derivative2` is not a function.
    RuntimeError, ValueError
        As `jconv.ndimage.correlate`.

    Notes
    -----
    The gradient is that of the function. `scipy.ndimage.generic_laplace`'s API.

    Examples
    --------
    >>> second = lambda x, axis, output, mode, cval: jnp.roll(x, 1, axis) + jnp.roll(x, -1, axis) - 2 * x
    >>> generic_laplace(jnp.array([0.0, 1.0, 0.0]), second).tolist()
    [1.0, -2.0, 1.0]
    """
    x, dtype, terms = _derivatives(input, derivative2, output, mode, cval, extra_arguments, extra_keywords, axes)
    return _output.deliver(sum(terms[1:], terms[0]) if terms else x.astype(dtype), output)


def generic_gradient_magnitude(
    input: ArrayLike,
    derivative: Derivative,
    output: Output = None,
    mode: str | Sequence[str] = "reflect",
    cval: Value = 0.0,
    extra_arguments: Sequence[Any] = (),
    extra_keywords: Mapping[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Take the root of the sum of squares of first derivatives by a function of yours.

    .. math:: y = \sqrt{\sum_a d_a(x)^2}

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    derivative : function
        Called as `generic_laplace` calls its own; returns the first derivative along an axis.
    output, mode, cval
        As for `jconv.ndimage.correlate`; `mode` may be one for each axis.
    extra_arguments, extra_keywords : sequence and mapping
        Handed on to the function. Default: none.
    axes : int or sequence of int, optional
        Axes to sum over. Default: all.

    Returns
    -------
    array, in the shape of `input`
        The length of the gradient.

    Raises
    ------
    TypeError
        Where `derivative` is not a function.
    RuntimeError, ValueError
        As `jconv.ndimage.correlate`.

    Notes
    -----
    Where the sum vanishes, the derivative of the root is taken as zero. Squares of whole numbers are taken in the
    dtype of the result and wrap around as SciPy's do. `scipy.ndimage.generic_gradient_magnitude`'s API.

    Examples
    --------
    >>> first = lambda x, axis, output, mode, cval: x - jnp.roll(x, 1, axis)
    >>> generic_gradient_magnitude(jnp.array([[0.0, 3.0], [0.0, 0.0]]), first).round(2)
    Array([[3.  , 4.24], [0.  , 3.  ]], dtype=float...)
    """
    x, dtype, terms = _derivatives(input, derivative, output, mode, cval, extra_arguments, extra_keywords, axes)
    if not terms:
        return _output.deliver(x.astype(dtype), output)
    squares = [term * term for term in terms]
    return _output.deliver(_root(sum(squares[1:], squares[0]), dtype), output)


def _derivatives(
    input: ArrayLike,
    derivative: Derivative,
    output: Output,
    mode: str | Sequence[str],
    cval: Value,
    extra_arguments: Sequence[Any],
    extra_keywords: Mapping[str, Any] | None,
    axes: int | Sequence[int] | None,
) -> tuple[jax.Array, np.dtype, list[jax.Array]]:
    """Return the image, the dtype of the result, and in it one derivative for each axis."""
    x = arguments.image(input)
    if not callable(derivative):
        raise TypeError(f"the derivative must be a function, got {type(derivative).__name__}; pass one")
    dtype = _output.dtype_of(output, x, complex_result=jnp.iscomplexobj(x))
    used = arguments.axes_of(axes, x.ndim)
    modes = arguments.sequence("mode", mode, len(used))
    call = lambda axis, rule: derivative(x, axis, dtype, rule, cval, *extra_arguments, **(extra_keywords or {}))
    return x, dtype, [jnp.asarray(call(axis, rule), dtype) for axis, rule in zip(used, modes)]


def _root(squares: jax.Array, dtype: np.dtype) -> jax.Array:
    """Take the square root, of whole numbers to the unit."""
    how = arithmetic.of_sums(squares.dtype, dtype, [np.full(1, 0.5)], 0)
    with how.context():
        return _rooted(squares, how=how, dtype=dtype)


@partial(jax.jit, static_argnames=("how", "dtype"))
def _rooted(squares: jax.Array, *, how: Arithmetic, dtype: np.dtype) -> jax.Array:
    value = squares.astype(how.dtype)
    safe = jnp.where(value == 0, 1, value)
    return _output.store(jnp.where(value == 0, 0, jnp.sqrt(safe)), dtype, rounded=False)
