"""Correlation and convolution with given weights: `correlate`, `convolve`, `correlate1d`, `convolve1d`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from jconv._core.concrete import is_traced
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame import passes as _passes


def correlate(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    r"""Correlate an image with weights of the same rank.

    .. math:: y[i] = \sum_k w[k]\, x[i + k - \lfloor n/2 \rfloor - o]

    Parameters
    ----------
    input: image of any rank, real or complex.
    weights: array with one dimension per filtered axis; traced or not. Complex weights are conjugated.
    output: dtype of the result (default: that of `input`), or a NumPy array to fill.
    mode: what lies outside: ``reflect`` (d c b a | a b c d), ``mirror`` (d c b | a b c d), ``nearest``, ``wrap``,
        ``constant``, or their ``grid-`` names.
    cval: value outside where mode is ``constant``.
    origin: shift of the window to the left, in samples, one or one per axis.
    axes: axes to filter; all of them by default.

    Returns
    -------
    The filtered image, in the shape of `input`.

    Raises
    ------
    RuntimeError, ValueError, TypeError: as SciPy does, for a wrong rank, origin, mode or axis.

    Notes
    -----
    Concrete weights that are an outer product are applied axis by axis; what remains goes to the engine. Whole-number
    images keep SciPy's rounding (toward zero); where results may wrap around there is a RuntimeWarning. Linear in both
    `input` and `weights`, with gradients accordingly. Speaks `scipy.ndimage.correlate`.

    >>> correlate([1.0, 2.0, 3.0], [1, 1]).tolist()
    [2.0, 3.0, 5.0]
    """
    return _filter(input, weights, output, mode, cval, origin, axes, convolution=False)


def convolve(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    r"""Convolve an image with weights of the same rank: `correlate` with the weights flipped along every axis.

    .. math:: y[i] = \sum_k w[k]\, x[i - k + \lfloor n/2 \rfloor + o]

    Parameters, result, errors and gradient are those of `correlate`. Speaks `scipy.ndimage.convolve`.

    >>> convolve([1.0, 2.0, 3.0], [1, 1]).tolist()
    [3.0, 5.0, 6.0]
    """
    return _filter(input, weights, output, mode, cval, origin, axes, convolution=True)


def correlate1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """Correlate along one axis with weights of rank one; see `correlate`. Speaks `scipy.ndimage.correlate1d`.

    >>> correlate1d([[1.0, 2.0, 3.0]], [1, 2]).tolist()
    [[3.0, 5.0, 8.0]]
    """
    return _filter1d(input, weights, axis, output, mode, cval, origin, convolution=False)


def convolve1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """Convolve along one axis with weights of rank one; see `convolve`. Speaks `scipy.ndimage.convolve1d`."""
    return _filter1d(input, weights, axis, output, mode, cval, origin, convolution=True)


def _filter1d(input, weights, axis, output, mode, cval, origin, *, convolution):
    x = arguments.image(input)
    _check_cval(x, cval)
    weights = _weights(weights, 1)
    axis = arguments.axis_of(axis, x.ndim)
    weights, (origin,) = _oriented(weights, [origin], convolution)
    left = arguments.before(origin, weights.shape[0])
    rule = arguments.boundary(mode)
    dtype, work = _dtypes(x, weights, output)
    if x.size:
        x = _passes.separable(x, (weights,), cval, axes=(axis,), rules=(rule,), lefts=(left,), work=work, dtype=dtype)
    return _output.deliver(x.astype(dtype), output)


def _filter(input, weights, output, mode, cval, origin, axes, *, convolution):
    x = arguments.image(input)
    _check_cval(x, cval)
    axes = arguments.axes_of(axes, x.ndim)
    weights = arguments.on_all_axes(_weights(weights), "weights", axes, x.ndim)
    origins = arguments.origins_of(origin, axes, x.ndim)
    weights, origins = _oriented(weights, origins, convolution)
    lefts = tuple(arguments.before(o, size) for o, size in zip(origins, weights.shape))
    rule = arguments.one_mode(mode)
    dtype, work = _dtypes(x, weights, output)
    if x.size:
        # Whole numbers are rounded as the whole sum is: terms may differ from it by a rounding.
        separable = jnp.issubdtype(x.dtype, jnp.inexact) and not is_traced(weights)
        terms = _passes.terms(np.asarray(weights), x.shape, work) if separable else None
        given = terms if terms is not None else weights
        x = _passes.dense(x, given, cval, rules=(rule,) * x.ndim, lefts=lefts, work=work, dtype=dtype)
    return _output.deliver(x.astype(dtype), output)


def _weights(weights: Any, ndim: int | None = None):
    """Weights on the host where they are known, so that their structure can be used."""
    weights = jnp.asarray(weights) if is_traced(weights) else np.asarray(weights)
    if weights.size == 0 or (ndim is not None and weights.ndim != ndim):
        rank = "" if ndim is None else f" of rank {ndim}"
        raise RuntimeError(f"no filter weights given: `weights` must be a non-empty array{rank}, got {weights.shape}")
    if isinstance(weights, np.ndarray) and not np.issubdtype(weights.dtype, np.inexact):
        weights = weights.astype(np.float64)
    return weights


def _oriented(weights, origins, convolution):
    """The correlation that is the convolution asked for: flipped weights, and the window's other end as its origin."""
    if convolution:
        weights = weights[(slice(None, None, -1),) * weights.ndim]
        origins = [-o - (1 - size % 2) for o, size in zip(origins, weights.shape)]
    elif jnp.iscomplexobj(weights):
        weights = weights.conj()
    return weights, origins


def _check_cval(x, cval):
    if jnp.iscomplexobj(cval) and not jnp.iscomplexobj(x):
        raise ValueError(f"Cannot provide a complex-valued cval when the input is real, got {cval}; pass a real one")


def _dtypes(x, weights, output):
    complex_result = jnp.iscomplexobj(x) or jnp.iscomplexobj(weights)
    dtype = _output.dtype_of(output, x, complex_result=complex_result)
    work = _output.working_dtype(x.dtype, dtype)
    if isinstance(weights, np.ndarray) and not complex_result:
        _output.warn_of_overflow(x.dtype, dtype, weights[weights < 0].sum(), weights[weights > 0].sum())
    return dtype, work
