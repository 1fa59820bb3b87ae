"""`convolve2d`, `correlate2d` and `sepfir2d`: images under a boundary rule."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jconv import engine
from jconv._core import check
from jconv.signal._dtypes import ArrayLike, as_array, cast, result_type
from jconv.signal.convolution._convolve import convolve, fill, is_zero, reverse_conj
from jconv.signal.convolution._extent import Mode, Span, check_mode, spans, valid_needs_swap
from jconv.signal.convolution._linear import boundary_rule, linear


def convolve2d(
    in1: ArrayLike,
    in2: ArrayLike,
    mode: Mode = "full",
    boundary: str = "fill",
    fillvalue: ArrayLike = 0,
    *,
    algorithm: str | engine.Plan = "auto",
) -> jax.Array:
    r"""Convolve two 2-D arrays under a boundary rule.

    .. math:: y[i, j] = \sum_{k, l} x[i - k, j - l]\, h[k, l]

    Parameters
    ----------
    in1, in2 : array_like, shapes (n1, n2) and (k1, k2)
        The image x and the kernel h.
    mode : {"full", "valid", "same"}
        As in `convolve`. Default "full".
    boundary : {"fill", "wrap", "symm", "reflect", "edge"}
        How `in1` continues outside; SciPy documents the first three. Default "fill".
    fillvalue : scalar
        The value outside under "fill". Default 0.
    algorithm
        As in `jconv.engine.correlate`. "auto" admits only sums, as SciPy's: a NaN or a bright pixel reaches as far as
        the kernel and no further. `convolve` chooses FFTs too. Default "auto".

    Returns
    -------
    Array, shape by `mode`, dtype by NumPy's promotion. Where an array is empty, zeros of that shape.

    Raises
    ------
    ValueError
        If an array is not 2-D, a word is unknown, `fillvalue` is not a scalar of the dtype, or neither array contains
        the other in "valid".

    Notes
    -----
    Differentiable in both arrays and `fillvalue`. Follows `scipy.signal.convolve2d`; "reflect" means NumPy's
    reflection, where SciPy takes the word without documenting it and pads zeros.

    Examples
    --------
    >>> convolve2d([[1, 2], [3, 4]], [[1, 1]], boundary="wrap")
    Array([[3, 3, 3], [7, 7, 7]], dtype=int...)
    """
    x, h = _images(in1, in2)
    rule, outside = _check_words(mode, boundary, fillvalue, x.dtype)
    if mode == "valid" and valid_needs_swap(x.shape, h.shape):
        x, h = h, x
    if outside is None and rule == "constant" and h.size > x.size:
        return _linear_or_zeros(h, x, outside, spans(mode, x.shape, h.shape), rule, algorithm)
    return _linear_or_zeros(x, h, outside, spans(mode, x.shape, h.shape), rule, algorithm)


def correlate2d(
    in1: ArrayLike,
    in2: ArrayLike,
    mode: Mode = "full",
    boundary: str = "fill",
    fillvalue: ArrayLike = 0,
    *,
    algorithm: str | engine.Plan = "auto",
) -> jax.Array:
    r"""Cross-correlate two 2-D arrays under a boundary rule.

    .. math:: z[i, j] = \sum_{k, l} x[i + k, j + l]\, \overline{y[k, l]}

    Parameters
    ----------
    in1, in2, mode, boundary, fillvalue, algorithm
        As in `convolve2d`; mode "same" starts at sample k // 2 of the full correlation.

    Returns
    -------
    Array, shape by `mode`, dtype by NumPy's promotion. Where an array is empty, zeros of that shape.

    Raises
    ------
    ValueError
        As `convolve2d`.

    Notes
    -----
    Differentiable in both arrays and `fillvalue`. Follows `scipy.signal.correlate2d`, also where `in2` is the larger
    one in "valid": there SciPy conjugates `in1` in place of `in2`, unlike `correlate`.

    Examples
    --------
    >>> correlate2d([[1, 2], [3, 4]], [[1, 2]], mode="valid")
    Array([[ 5], [11]], dtype=int...)
    """
    x, h = _images(in1, in2)
    rule, outside = _check_words(mode, boundary, fillvalue, x.dtype)
    h = reverse_conj(h)
    if mode == "valid" and valid_needs_swap(x.shape, h.shape):
        x, h = h, x
        if jnp.iscomplexobj(x):
            x, h = x.conj(), h.conj()
    kept = spans(mode, x.shape, h.shape)
    if mode == "same":
        kept = tuple((k // 2, n) for n, k in zip(x.shape, h.shape, strict=True))
    return _linear_or_zeros(x, h, outside, kept, rule, algorithm)


def sepfir2d(input: ArrayLike, hrow: ArrayLike, hcol: ArrayLike) -> jax.Array:
    r"""Filter an image with a row filter and a column filter, the image mirrored at its edges.

    .. math:: y[i, j] = \sum_{k, l} x[i - k, j - l]\, h_{col}[k]\, h_{row}[l]

    with k and l counted from the middle of the filters.

    Parameters
    ----------
    input : array_like, shape (n1, n2)
        The image.
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
    Cost n1 n2 (k1 + k2); the rounding of each pixel is that of its sum. Differentiable in all arguments. Follows
    `scipy.signal.sepfir2d`.

    Examples
    --------
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
    if x.size == 0:
        return x
    y = convolve(x, row[None, :], "same", "direct", boundary="symm")
    return convolve(y, col[:, None], "same", "direct", boundary="symm")


def _images(in1: ArrayLike, in2: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Both arguments as 2-D arrays of one dtype."""
    x, h = as_array("in1", in1), as_array("in2", in2)
    for name, image in (("in1", x), ("in2", h)):
        check.rank(name, image, 2, "use jconv.signal.convolve for other ranks, jax.vmap for batches")
    dtype = result_type(x, h)
    return cast(x, dtype), cast(h, dtype)


def _check_words(mode: Mode, boundary: str, fillvalue: ArrayLike, dtype: np.dtype) -> tuple[str, jax.Array | None]:
    """Return the boundary rule and the value outside, None for zeros; refuse unknown words and odd values."""
    check_mode(mode)
    rule = boundary_rule(boundary)
    value = fill(fillvalue, dtype)
    return rule, None if rule != "constant" or is_zero(fillvalue) else value


def _linear_or_zeros(
    x: jax.Array, h: jax.Array, outside: jax.Array | None, kept: tuple[Span, ...], rule: str,
    algorithm: str | engine.Plan,
) -> jax.Array:  # fmt: skip
    if x.size == 0 or h.size == 0:
        return jnp.zeros([length for _, length in kept], x.dtype)
    return linear(x, h, outside, spans=kept, rule=rule, algorithm=algorithm)
