"""`convolve2d`, `correlate2d` and `sepfir2d`: images under a boundary rule."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.signal._dtypes import as_array, cast, result_type
from jconv.signal.convolution._convolve import convolve, fill, is_zero, reverse_conj
from jconv.signal.convolution._extent import check_mode, spans, valid_needs_swap
from jconv.signal.convolution._linear import boundary_rule, linear


def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0, *, algorithm: Any = "auto"
) -> jax.Array:
    r"""Convolve two 2-D arrays under a boundary rule.

    .. math:: y[i, j] = \sum_{k, l} x[i - k, j - l]\, h[k, l]

    Parameters
    ----------
    in1, in2 : array_like, shapes (n1, n2) and (k1, k2)
    mode : {"full", "valid", "same"}
        As in `convolve`.
    boundary : {"fill", "wrap", "symm", "reflect", "edge"}
        How `in1` continues outside; SciPy documents the first three.
    fillvalue : scalar
        The value outside under "fill".
    algorithm
        As in `jconv.engine.correlate`. "auto" admits only what is as accurate as the sum itself, as SciPy's; `convolve`
        chooses FFTs too.

    Returns
    -------
    Array, shape by `mode`, dtype by NumPy's promotion.

    Raises
    ------
    ValueError
        If an array is not 2-D or empty, a word is unknown, `fillvalue` is no scalar of the dtype, or neither array
        contains the other in "valid".

    Notes
    -----
    Differentiable in both arrays and `fillvalue`. Mirrors `scipy.signal.convolve2d`; "reflect" means NumPy's
    reflection, where SciPy takes the word without documenting it and pads zeros.

    >>> convolve2d([[1, 2], [3, 4]], [[1, 1]], boundary="wrap")
    Array([[3, 3, 3], [7, 7, 7]], dtype=int...)
    """
    in1, in2 = _images(in1, in2)
    _checked(mode, boundary, fillvalue, in1, in2)
    return convolve(
        in1, in2, mode, boundary=boundary, fillvalue=fillvalue, algorithm=algorithm, precision=_precision(algorithm)
    )


def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0, *, algorithm: Any = "auto"
) -> jax.Array:
    r"""Cross-correlate two 2-D arrays under a boundary rule.

    .. math:: z[i, j] = \sum_{k, l} x[i + k, j + l]\, \overline{y[k, l]}

    Parameters
    ----------
    in1, in2, mode, boundary, fillvalue, algorithm
        As in `convolve2d`; mode "same" starts at sample k // 2 of the full correlation.

    Returns
    -------
    Array, shape by `mode`, dtype by NumPy's promotion.

    Raises
    ------
    ValueError
        As `convolve2d`.

    Notes
    -----
    Differentiable in both arrays and `fillvalue`. Mirrors `scipy.signal.correlate2d`, also where `in2` is the larger
    one in "valid": there SciPy conjugates `in1` in place of `in2`, unlike `correlate`.

    >>> correlate2d([[1, 2], [3, 4]], [[1, 2]], mode="valid")
    Array([[ 5], [11]], dtype=int...)
    """
    in1, in2 = _images(in1, in2)
    rule, outside = _checked(mode, boundary, fillvalue, in1, in2)
    dtype = result_type(in1, in2)
    x, h = cast(in1, dtype), cast(reverse_conj(in2), dtype)
    if mode == "valid" and valid_needs_swap(x.shape, h.shape):
        x, h = h, x
        if jnp.iscomplexobj(x):
            x, h = x.conj(), h.conj()
    kept = spans(mode, x.shape, h.shape)
    if mode == "same":
        kept = tuple((k // 2, n) for n, k in zip(x.shape, h.shape, strict=True))
    return linear(x, h, outside, spans=kept, rule=rule, algorithm=algorithm, precision=_precision(algorithm))


def _precision(algorithm: Any) -> str | None:
    """SciPy's functions of these names are direct sums: small results beside large ones keep their digits."""
    return "highest" if algorithm == "auto" else None


def sepfir2d(input: Any, hrow: Any, hcol: Any) -> jax.Array:
    r"""Filter an image with a row filter and a column filter, the image mirrored at its edges.

    .. math:: y[i, j] = \sum_{k, l} x[i - k, j - l]\, h_{col}[k]\, h_{row}[l]

    with k and l counted from the middle of the filters.

    Parameters
    ----------
    input : array_like, shape (n1, n2)
    hrow, hcol : array_like, 1-D of odd length
        The filters along a row (the last axis) and along a column (the first).

    Returns
    -------
    Array of the shape of `input`, in the dtype of `input` promoted with float32.

    Raises
    ------
    ValueError
        If the ranks are wrong or a filter has even length.

    Notes
    -----
    Cost n1 n2 (k1 + k2). Differentiable in all arguments. Mirrors `scipy.signal.sepfir2d`.

    >>> sepfir2d([[1.0, 2.0], [3.0, 4.0]], [0.5, 0, 0.5], [1.0])
    Array([[1.5, 1.5], [3.5, 3.5]], dtype=float...)
    """
    x, row, col = as_array("input", input), as_array("hrow", hrow), as_array("hcol", hcol)
    if x.ndim != 2:
        word = "object too deep" if x.ndim > 2 else "object of too small depth"
        raise ValueError(f"{word}: `input` must have rank 2, got shape {x.shape}; use jax.vmap for batches")
    for name, h in (("hrow", row), ("hcol", col)):
        if h.ndim != 1:
            word = "object too deep" if h.ndim > 1 else "object of too small depth"
            raise ValueError(f"{word}: `{name}` must have rank 1, got shape {h.shape}; pass one filter")
        if h.size % 2 == 0:
            raise ValueError(f"`{name}` must be of odd length, got {h.size}; append a zero to keep its middle")
    dtype = result_type(x, jnp.float32)
    if dtype.kind != "c" and (jnp.iscomplexobj(row) or jnp.iscomplexobj(col)):
        dtype = result_type(dtype, jnp.complex64)
    x, row, col = cast(x, dtype), cast(row, dtype), cast(col, dtype)
    y = convolve(x, row[None, :], "same", boundary="symm")
    return convolve(y, col[:, None], "same", boundary="symm")


def _images(in1: Any, in2: Any) -> tuple[jax.Array, jax.Array]:
    in1, in2 = as_array("in1", in1), as_array("in2", in2)
    for name, x in (("in1", in1), ("in2", in2)):
        check.rank(name, x, 2, "use jconv.signal.convolve for other ranks, jax.vmap for batches")
        check.not_empty(name, x)
    return in1, in2


def _checked(mode: str, boundary: str, fillvalue: Any, in1: jax.Array, in2: jax.Array):
    check_mode(mode)
    rule = boundary_rule(boundary)
    value = fill(fillvalue, result_type(in1, in2))
    return rule, None if rule != "constant" or is_zero(fillvalue) else value
