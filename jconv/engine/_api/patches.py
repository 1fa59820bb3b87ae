"""Patches of an array: taken out by slices, so that inf stays inf, and put back by their exact adjoint."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike, DTypeLike

from jconv._core import check
from jconv.engine._api.lax import precision_name
from jconv.engine._canonical import crop, lax_arguments
from jconv.engine._problem import Geometry
from jconv.engine.algorithms._parts import products, shapes


def conv_general_dilated_patches(
    lhs: ArrayLike,
    filter_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: lax.ConvGeneralDilatedDimensionNumbers = None,
    precision: lax.PrecisionLike = None,
    preferred_element_type: DTypeLike | None = None,
) -> jax.Array:
    """Copy the patches under a sliding window, as `jax.lax.conv_general_dilated_patches` does by multiplying.

    Parameters
    ----------
    lhs : array of rank n + 2
        By default (N, C, *space).
    filter_shape : sequence of int
        Size of the window along each spatial axis.
    window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers
        As in `jax.lax`.
    precision : ignored
        Nothing is multiplied.
    preferred_element_type : dtype, optional

    Returns
    -------
    array of rank n + 2
        Channel c · taps + k holds tap k of input channel c.

    Raises
    ------
    TypeError, ValueError
        What `jax.lax` raises for these arguments.

    Notes
    -----
    lax multiplies by a kernel of ones and zeros, which turns every inf near a patch into NaN; here inf stays inf, and
    integers stay exact. The gradient adds each patch back to where it was taken.

    Examples
    --------
    >>> conv_general_dilated_patches(jnp.arange(4.0).reshape(1, 1, 4), (2,), (1,), "VALID")[0]
    Array([[0., 1., 2.],
           [1., 2., 3.]], dtype=float...)
    """
    lhs = jnp.asarray(lhs)
    del precision  # nothing is multiplied
    window = (filter_shape, window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers)
    # lax checks the arguments.
    reference = lambda x: lax.conv_general_dilated_patches(x, *window, preferred_element_type=preferred_element_type)
    floating = jnp.issubdtype(lhs.dtype, jnp.inexact)
    out = jax.eval_shape(reference, lhs if floating else lhs.astype(jnp.float32))
    numbers, taken = _take_patches(lhs, *window)
    result = _order_axes(taken, numbers.out_spec)
    return result.astype(out.dtype) if floating else result


def _order_axes(x: jax.Array, spec: Sequence[int]) -> jax.Array:
    """(N, *space, C) in the order of axes of `spec`."""
    return jnp.moveaxis(x, range(x.ndim), (spec[0], *spec[2:], spec[1]))


def _take_patches(
    lhs: jax.Array,
    filter_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None,
    rhs_dilation: Sequence[int] | None,
    dimension_numbers: lax.ConvGeneralDilatedDimensionNumbers,
) -> tuple[lax.ConvDimensionNumbers, jax.Array]:
    """(dimension numbers, patches (N, *out, C · taps), channels before taps) of an array in `lax`'s order of axes."""
    n = lhs.ndim - 2
    numbers = lax.conv_dimension_numbers(lhs.shape, (1, 1, *filter_shape), dimension_numbers)
    kernel_shape = [1] * (n + 2)
    for axis, size in zip(numbers.rhs_spec[2:], filter_shape, strict=True):
        kernel_shape[axis] = size
    window = (window_strides, padding, lhs_dilation, rhs_dilation, numbers)
    arguments = lax_arguments(lhs.shape, kernel_shape, *window)
    lhs_spec = numbers.lhs_spec
    x = jnp.transpose(lhs, (lhs_spec[0], *lhs_spec[2:], lhs_spec[1]))
    taps = tuple(filter_shape)
    crops, geometry = Geometry(
        arguments.strides, arguments.padding, arguments.lhs_dilation, arguments.rhs_dilation, 1
    ).cropped(x.shape[1:-1], taps)
    patches = _patches(geometry, taps, crop(x, crops)) if n else x[:, None]  # without axes an array is its only patch
    patches = jnp.swapaxes(patches, -1, -2)  # (N, *out, C, taps)
    return numbers, patches.reshape(*patches.shape[:-2], -1)


def _patches(geometry: Geometry, taps: tuple[int, ...], x: jax.Array) -> jax.Array:
    """(N, *out, taps, C) from (N, *space, C)."""
    window = shapes.Window(geometry, taps, geometry.out_space(x.shape[1:-1], taps))
    padded = shapes.zero_pad(window, x)
    return jnp.stack([shapes.tap_slice(window, padded, tap) for tap in shapes.tap_indices(window)], axis=-2)


def conv_general_dilated_local(
    lhs: ArrayLike,
    rhs: ArrayLike,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    filter_shape: Sequence[int],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: lax.ConvGeneralDilatedDimensionNumbers = None,
    precision: lax.PrecisionLike = None,
) -> jax.Array:
    """Convolve with a kernel of its own at every output position, as `jax.lax.conv_general_dilated_local`.

    Parameters
    ----------
    lhs : array of rank n + 2
        By default (N, C, *space).
    rhs : array of rank n + 2
        By default (O, C · taps, *out): a matrix at each output position, channels before taps.
    window_strides, padding, filter_shape, lhs_dilation, rhs_dilation, dimension_numbers, precision
        As in `jax.lax`.

    Returns
    -------
    array of rank n + 2
        By default (N, O, *out).

    Raises
    ------
    TypeError, ValueError
        What `jax.lax` raises for these arguments.

    Notes
    -----
    The gradient is that of the sum.

    Examples
    --------
    >>> x, w = jnp.arange(4.0).reshape(1, 1, 4), jnp.ones((1, 2, 3))
    >>> conv_general_dilated_local(x, w, (1,), "VALID", (2,))[0]
    Array([[1., 3., 5.]], dtype=float...)
    """
    lhs, rhs = jnp.asarray(lhs), jnp.asarray(rhs)
    arguments = (window_strides, padding, filter_shape, lhs_dilation, rhs_dilation, dimension_numbers, precision)
    jax.eval_shape(lambda x, w: lax.conv_general_dilated_local(x, w, *arguments), lhs, rhs)
    numbers, taken = _take_patches(
        lhs, filter_shape, window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers
    )
    kernels = jnp.transpose(rhs, (*numbers.rhs_spec[2:], *numbers.rhs_spec[:2]))
    out = jnp.einsum("n...i,...oi->n...o", taken, kernels, precision=products.precision(precision_name(precision)))
    return _order_axes(out, numbers.out_spec)


def unfold(
    x: ArrayLike,
    taps: Sequence[int],
    *,
    strides: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> jax.Array:
    """Copy the sliding windows of an array, channels last.

    Parameters
    ----------
    x : array (*batch, *space, C)
        With as many spatial axes as `taps` has entries.
    taps : sequence of int
        Size of the window along each spatial axis.
    strides : int or sequence of int
        Distance between neighbouring windows.
    padding : int or sequence of int
        Zeros on both sides.
    dilation : int or sequence of int
        Distance between neighbouring taps of a window.

    Returns
    -------
    array (*batch, *out, *taps, C)
        With `(size + 2 p − d (taps − 1) − 1) // s + 1` windows along an axis.

    Raises
    ------
    ValueError
        Where `x` has too few axes, or the window is larger than the padded array.

    Notes
    -----
    Values are copied. The gradient is `fold`.

    Examples
    --------
    >>> unfold(jnp.arange(4.0)[:, None], (2,))[..., 0]
    Array([[0., 1.],
           [1., 2.],
           [2., 3.]], dtype=float...)
    """
    x = jnp.asarray(x)
    taps, geometry = _geometry_of(x.shape, taps, strides, padding, dilation)
    n = len(taps)
    out = _patches(geometry, taps, x.reshape(math.prod(x.shape[: -n - 1]), *x.shape[-n - 1 :]))
    return out.reshape(*x.shape[: -n - 1], *out.shape[1 : n + 1], *taps, x.shape[-1])


def fold(
    patches: ArrayLike,
    space: Sequence[int],
    *,
    strides: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> jax.Array:
    """Add windows back to the positions they were taken from: the adjoint of `unfold`.

    Parameters
    ----------
    patches : array (*batch, *out, *taps, C)
        As `unfold` returns it.
    space : sequence of int
        The spatial shape of the result.
    strides, padding, dilation : int or sequence of int
        As they were given to `unfold`.

    Returns
    -------
    array (*batch, *space, C)

    Raises
    ------
    ValueError
        Where the shape of `patches` is not that of the windows of such an array.

    Notes
    -----
    Where windows overlap their values are added; `fold(unfold(x))` is x times the number of windows that hold each
    sample. The gradient is `unfold`.

    Examples
    --------
    >>> fold(jnp.ones((3, 2, 1)), (4,))[:, 0]
    Array([1., 2., 2., 1.], dtype=float...)
    """
    patches = jnp.asarray(patches)
    n = len(space)
    if patches.ndim < 2 * n + 1:
        raise ValueError(
            f"`patches` must have shape (*batch, *out, *taps, C) for {n} spatial axes, got {patches.shape}"
        )
    batch, taps = patches.shape[: -2 * n - 1], patches.shape[-n - 1 : -1]
    shape = (*batch, *space, patches.shape[-1])
    unfolded = functools.partial(unfold, taps=taps, strides=strides, padding=padding, dilation=dilation)
    whole = jax.ShapeDtypeStruct(shape, patches.dtype)
    expected = jax.eval_shape(unfolded, whole).shape
    if expected != patches.shape:
        raise ValueError(
            f"`patches` must have shape {expected} for a result of shape {shape}, got {patches.shape}; "
            "pass the strides, padding and dilation that unfold was given"
        )
    if not jnp.issubdtype(patches.dtype, jnp.inexact):
        return _fold_exactly(patches, shape, unfolded)
    return jax.linear_transpose(unfolded, whole)(patches)[0]


def _fold_exactly(patches: jax.Array, shape: tuple[int, ...], unfolded: Callable[[jax.Array], jax.Array]) -> jax.Array:
    """Fold integers, which have no linear transpose, by scattering to indices."""
    positions = jnp.arange(1, math.prod(shape) + 1).reshape(shape)  # 0 stands for padding
    index = unfolded(positions)
    flat = jnp.zeros(math.prod(shape) + 1, patches.dtype).at[index.ravel()].add(patches.ravel())
    return flat[1:].reshape(shape)


def _geometry_of(
    shape: Sequence[int],
    taps: Sequence[int],
    strides: int | Sequence[int],
    padding: int | Sequence[int],
    dilation: int | Sequence[int],
) -> tuple[tuple[int, ...], Geometry]:
    """(taps, geometry) of the windows of an array (*batch, *space, C)."""
    taps = check.per_axis("taps", tuple(taps), len(tuple(taps)))
    n = len(taps)
    if len(shape) < n + 1:
        raise ValueError(f"`x` must have {n} spatial axes and a channel axis, got shape {tuple(shape)}")
    pads, space = check.per_axis("padding", padding, n), tuple(shape[-n - 1 : -1])
    geometry = Geometry(
        strides=check.per_axis("strides", strides, n),
        padding=tuple((p, p) for p in pads),
        lhs_dilation=(1,) * n,
        rhs_dilation=check.per_axis("dilation", dilation, n),
        groups=1,
    )
    if 0 in geometry.out_space(space, taps):
        raise ValueError(
            f"`taps` {taps} with dilation {geometry.rhs_dilation} must fit into the padded array, of spatial shape "
            f"{tuple(s + 2 * p for s, p in zip(space, pads))}; pad more, or pass fewer taps"
        )
    return taps, geometry
