"""Correlation and convolution with given weights: `correlate`, `convolve`, `correlate1d`, `convolve1d`."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import separable
from jconv._core.arrays import ArrayLike, as_array, as_numpy
from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame import passes as _passes
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage._frame.output import Output
from jconv.ndimage._frame.passes import Weights


def correlate(
    input: ArrayLike,
    weights: ArrayLike,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Correlate an image with weights of the same rank.

    .. math:: y[i] = \sum_k w[k]\, x[i + k - \lfloor n/2 \rfloor - o]

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    weights : array, one dimension for each filtered axis
        Traced or not. Complex weights are conjugated.
    output : dtype or NumPy array, optional
        Dtype of the result, or the array to fill. Default: the dtype of `input`.
    mode : str
        What lies outside: "reflect" (d c b a | a b c d), "mirror" (d c b | a b c d), "nearest", "wrap", "constant", or
        their "grid-" names. Default "reflect".
    cval : number
        Value outside where `mode` is "constant"; may be traced. Default 0.
    origin : int or one for each axis
        Shift of the window to the left, in samples. Default 0.
    axes : int or sequence of int, optional
        Axes to filter. Default: all.

    Returns
    -------
    array, in the shape of `input`
        The filtered image; `output` itself where it is an array.

    Raises
    ------
    RuntimeError
        For weights of another rank or none, an unknown mode, or an `output` of another shape, as SciPy does.
    ValueError
        For an origin outside the window or an axis outside the image.
    TypeError
        For what is not an array of numbers, and for masked arrays.

    Notes
    -----
    A sample reaches as far as the kernel, whatever its value: a NaN spoils the outputs whose window holds it under a
    weight that is not zero (of kernels with more than 32 such weights: under any), and each output errs by its own
    rounding, a few eps·Σ|w||x|. Non-negative weights give non-negative results. `jconv.engine.correlate` is faster for
    large kernels where that is not needed. Known weights that are an outer product are applied axis by axis.
    Whole numbers keep SciPy's rounding (toward zero) in 32-bit mode, too; where results may wrap around there is a
    RuntimeWarning. Linear in both `input` and `weights`, with gradients accordingly. `scipy.ndimage.correlate`'s API.

    Examples
    --------
    >>> correlate([1.0, 2.0, 3.0], [1, 1]).tolist()
    [2.0, 3.0, 5.0]
    """
    return _filter(input, weights, output, mode, cval, origin, axes, convolution=False)


def convolve(
    input: ArrayLike,
    weights: ArrayLike,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    origin: int | Sequence[int] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> jax.Array:
    r"""Convolve an image with weights of the same rank: `correlate` with the weights flipped along every axis.

    .. math:: y[i] = \sum_k w[k]\, x[i - k + \lfloor n/2 \rfloor + o]

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    weights : array, one dimension for each filtered axis
        Traced or not; not conjugated.
    output, mode, cval, origin, axes
        As for `correlate`.

    Returns
    -------
    array, in the shape of `input`
        The filtered image.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As `correlate`.

    Notes
    -----
    Accuracy and gradient are those of `correlate`. `scipy.ndimage.convolve`'s API.

    Examples
    --------
    >>> convolve([1.0, 2.0, 3.0], [1, 1]).tolist()
    [3.0, 5.0, 6.0]
    """
    return _filter(input, weights, output, mode, cval, origin, axes, convolution=True)


def correlate1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int = -1,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    origin: int = 0,
) -> jax.Array:
    r"""Correlate along one axis with weights of rank one.

    .. math:: y[i] = \sum_k w[k]\, x[i + k - \lfloor n/2 \rfloor - o]

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    weights : array (n,)
        Traced or not. Complex weights are conjugated.
    axis : int
        The axis to filter. Default: the last.
    output, mode, cval, origin
        As for `correlate`.

    Returns
    -------
    array, in the shape of `input`
        The filtered image.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As `correlate`.

    Notes
    -----
    Accuracy and gradient are those of `correlate`. `scipy.ndimage.correlate1d`'s API.

    Examples
    --------
    >>> correlate1d([[1.0, 2.0, 3.0]], [1, 2]).tolist()
    [[3.0, 5.0, 8.0]]
    """
    return _filter1d(input, weights, axis, output, mode, cval, origin, convolution=False)


def convolve1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int = -1,
    output: Output = None,
    mode: str = "reflect",
    cval: Value = 0.0,
    origin: int = 0,
) -> jax.Array:
    r"""Convolve along one axis with weights of rank one.

    .. math:: y[i] = \sum_k w[k]\, x[i - k + \lfloor n/2 \rfloor + o]

    Parameters
    ----------
    input : array of any rank, real or complex
        The image.
    weights : array (n,)
        Traced or not; not conjugated.
    axis : int
        The axis to filter. Default: the last.
    output, mode, cval, origin
        As for `correlate`.

    Returns
    -------
    array, in the shape of `input`
        The filtered image.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As `correlate`.

    Notes
    -----
    Accuracy and gradient are those of `correlate`. `scipy.ndimage.convolve1d`'s API.

    Examples
    --------
    >>> convolve1d([[1.0, 2.0, 3.0]], [1, 2]).tolist()
    [[4.0, 7.0, 9.0]]
    """
    return _filter1d(input, weights, axis, output, mode, cval, origin, convolution=True)


def _filter1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int,
    output: Output,
    mode: str,
    cval: Value,
    origin: int,
    *,
    convolution: bool,
) -> jax.Array:
    x = arguments.image(input)
    _check_cval(x, cval)
    axis = arguments.axis_of(axis, x.ndim)
    kernel, (origin,) = _oriented(_weights(weights, 1), [origin], convolution)
    left = arguments.before(origin, kernel.shape[0])
    rule = arguments.boundary(mode)
    dtype = _dtype(x, kernel, output)
    if x.size:
        x = _passes.separable(x, (kernel,), cval, axes=(axis,), rules=(rule,), lefts=(left,), dtype=dtype)
    return _output.deliver(x.astype(dtype), output)


def _filter(
    input: ArrayLike,
    weights: ArrayLike,
    output: Output,
    mode: str,
    cval: Value,
    origin: int | Sequence[int],
    axes: int | Sequence[int] | None,
    *,
    convolution: bool,
) -> jax.Array:
    x = arguments.image(input)
    _check_cval(x, cval)
    used = arguments.axes_of(axes, x.ndim)
    kernel = arguments.on_all_axes(_weights(weights), "weights", used, x.ndim)
    kernel, origins = _oriented(kernel, arguments.origins_of(origin, used, x.ndim), convolution)
    lefts = tuple(arguments.before(o, size) for o, size in zip(origins, kernel.shape))
    rule = arguments.one_mode(mode)
    dtype = _dtype(x, kernel, output)
    if x.size:
        # Whole numbers are cut as the whole sum is: factors may differ from it by a rounding.
        floating = jnp.issubdtype(dtype, jnp.inexact)
        factors = _factors(kernel, _output.working_dtype(x.dtype, dtype)) if floating else None
        parts = kernel if factors is None else factors
        x = _passes.dense(x, parts, cval, rules=(rule,) * x.ndim, lefts=lefts, dtype=dtype, without_zeros=True)
    return _output.deliver(x.astype(dtype), output)


def _weights(weights: ArrayLike, ndim: int | None = None) -> Weights:
    """Weights on the host where they are known, so that their structure can be used."""
    kernel = as_array("weights", weights) if is_traced(weights) else as_numpy("weights", weights)
    if kernel.size == 0 or (ndim is not None and kernel.ndim != ndim):
        rank = "" if ndim is None else f" of rank {ndim}"
        raise RuntimeError(f"no filter weights given: `weights` must be a non-empty array{rank}, got {kernel.shape}")
    if isinstance(kernel, np.ndarray) and kernel.dtype.kind in "biu":
        kernel = kernel.astype(np.float64)
    return kernel


def _factors(weights: Weights, dtype: np.dtype) -> tuple[np.ndarray, ...] | None:
    """Return the 1-D factors, one per axis, of known weights that are their outer product, where passes take less time.

    Each tap is the product to rounding, relative to itself: a small one beside large ones keeps its size. Weights that
    hold zeros are left whole, for a factor would carry a NaN to where they are.
    """
    if not isinstance(weights, np.ndarray) or 2 * sum(weights.shape) >= weights.size or not weights.all():
        return None
    if not np.isfinite(weights).all():
        return None
    wide = weights.astype(np.complex128 if weights.dtype.kind == "c" else np.float64)
    return separable.factor_exactly(wide, 4 * float(jnp.finfo(dtype).eps))


def _oriented(weights: Weights, origins: list[int], convolution: bool) -> tuple[Weights, list[int]]:
    """Turn a convolution into a correlation: flipped weights, and the window's other end as its origin."""
    if convolution:
        flipped = weights[(slice(None, None, -1),) * weights.ndim]
        return flipped, [-o - (1 - size % 2) for o, size in zip(origins, weights.shape)]
    return weights.conj() if jnp.iscomplexobj(weights) else weights, origins


def _check_cval(x: jax.Array, cval: Value) -> None:
    if jnp.iscomplexobj(cval) and not jnp.iscomplexobj(x):
        raise ValueError(f"Cannot provide a complex-valued cval when the input is real, got {cval}; pass a real one")


def _dtype(x: jax.Array, weights: Weights, output: Output) -> np.dtype:
    complex_result = jnp.iscomplexobj(x) or jnp.iscomplexobj(weights)
    dtype = _output.dtype_of(output, x, complex_result=complex_result)
    if isinstance(weights, np.ndarray) and not complex_result:
        low, high = float(weights[weights < 0].sum()), float(weights[weights > 0].sum())
        _output.warn_of_overflow(x.dtype, dtype, low, high)
    return dtype
