"""Canny's edge detector."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core.arrays import ArrayLike, as_array
from jconv._core.boundary import pad
from jconv._core.concrete import is_traced
from jconv._order.rank import rank_filter
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame.arguments import Number
from jconv.ndimage._frame.bordered import Value
from jconv.ndimage.edges._hysteresis import connected_to
from jconv.ndimage.enhancement._enhance import gaussian_smooth
from jconv.ndimage.linear._derivatives import sobel


def canny(
    input: ArrayLike,
    sigma: Number | Sequence[Number] = 1.0,
    low_threshold: Number = 0.1,
    high_threshold: Number = 0.2,
    mask: ArrayLike | None = None,
    use_quantiles: bool = False,
    *,
    mode: str = "constant",
    cval: Value = 0.0,
    radius: int | None = None,
) -> jax.Array:
    """Find thin, connected edges of a plane.

    Smooth by a Gaussian, take the Sobel gradient, keep the maxima across the edge (interpolated between neighbours),
    and of those above `low_threshold` the 8-connected ones that reach `high_threshold`.

    Parameters
    ----------
    input : array (H, W), real
        The plane.
    sigma : number or one for each axis
        Of the Gaussian, in samples. Default 1.
    low_threshold, high_threshold : number
        Of the gradient's length, in the image's units, or quantiles in 0 … 1; may be traced. Defaults 0.1 and 0.2.
    mask : array of bool (H, W), optional
        Edges outside and at its border are dropped. Default: the whole plane.
    use_quantiles : bool
        Whether the thresholds are fractions of the gradient's distribution. Default False.
    mode, cval
        Boundary rule of the Gaussian, as for `jconv.ndimage.correlate`. Default: zeros outside, evened out by what of
        the Gaussian lies inside.
    radius : int, optional
        Radius of the Gaussian's kernel in samples; must be given where `sigma` is traced. Default: four standard
        deviations.

    Returns
    -------
    array of bool (H, W)
        Where edges are.

    Raises
    ------
    ValueError
        For an image of another rank, a mask of another shape, a `low_threshold` above `high_threshold` or NaN, or
        quantiles outside 0 … 1.
    TypeError
        For a traced `sigma` without `radius`.

    Notes
    -----
    The result is a set, without derivative. Weak edges are joined by their labels in about log₂ of the longest edge's
    length steps. scikit-image's `canny` for floating images (which divides thresholds for whole-number images by their
    dtype's largest value; here they are always in the image's units). Source: J. Canny, IEEE PAMI 8 (1986).

    Examples
    --------
    >>> canny(jnp.zeros((9, 9)).at[:, 4].set(0.5).at[:, 5:].set(1.0), 0.5)[4].astype(int).tolist()
    [0, 0, 0, 0, 1, 0, 0, 0, 0]
    """
    x = arguments.plane(input)
    x = x.astype(_output.working_dtype(x.dtype, x.dtype))
    arguments.in_order("low_threshold", low_threshold, "high_threshold", high_threshold)
    smooth = lambda a: gaussian_smooth(a, sigma, mode, cval, radius=radius)
    if mask is None:
        inner = np.zeros(x.shape, bool)
        inner[1:-1, 1:-1] = True
        inside = jnp.ones(x.shape, x.dtype)
    else:
        valid = as_array("mask", mask).astype(bool)
        if valid.shape != x.shape:
            raise ValueError(f"`mask` must have the shape of `input`, got {valid.shape} and {x.shape}; crop one")
        inner = rank_filter(valid, np.ones((3, 3), bool), 0, boundary="constant", cval=False)
        inside, x = valid.astype(x.dtype), jnp.where(valid, x, 0)
    x = smooth(x)
    if mask is not None or arguments.boundary(mode) == "constant":
        x = x / (smooth(inside) + jnp.finfo(x.dtype).eps)
    down, right = sobel(x, 0), sobel(x, 1)
    length = jnp.sqrt(down**2 + right**2)
    if use_quantiles:
        low_threshold, high_threshold = _quantiles(length, low_threshold, high_threshold)
    weak = jnp.asarray(inner) & (length >= low_threshold) & (length > 0) & _is_ridge(length, down, right)
    return connected_to(weak & (length >= high_threshold), weak)


def _quantiles(length: jax.Array, low: Number, high: Number) -> jax.Array:
    """Return the lengths of gradients below which fractions `low` and `high` of the samples lie, NaN left aside."""
    for name, value in (("low_threshold", low), ("high_threshold", high)):
        if not is_traced(value) and not 0 <= float(value) <= 1:
            raise ValueError(f"`{name}` must lie in 0 … 1 with use_quantiles, got {value}; pass a fraction")
    return jnp.nanquantile(length, jnp.stack([jnp.asarray(q, length.dtype) for q in (low, high)]))


def _is_ridge(length: jax.Array, down: jax.Array, right: jax.Array) -> jax.Array:
    """Whether the gradient is no longer in its own direction, nor against it, by linear interpolation."""
    padded = pad(length, [(1, 1), (1, 1)], "constant")
    at = lambda i, j: lax.slice(padded, (1 + i, 1 + j), (1 + i + length.shape[0], 1 + j + length.shape[1]))
    steep, wide = jnp.abs(down), jnp.abs(right)
    vertical = steep > wide
    share = jnp.where(vertical, wide, steep) / jnp.maximum(jnp.maximum(steep, wide), jnp.finfo(length.dtype).tiny)
    # Both components of one sign point along the main diagonal.
    main = ((down >= 0) & (right >= 0)) | ((down <= 0) & (right <= 0))
    straight_ahead = jnp.where(vertical, jnp.where(main, at(1, 0), at(-1, 0)), at(0, 1))
    straight_back = jnp.where(vertical, jnp.where(main, at(-1, 0), at(1, 0)), at(0, -1))
    diagonal_ahead = jnp.where(main, at(1, 1), at(-1, 1))
    diagonal_back = jnp.where(main, at(-1, -1), at(1, -1))
    ahead = diagonal_ahead * share + straight_ahead * (1 - share)
    back = diagonal_back * share + straight_back * (1 - share)
    return (ahead <= length) & (back <= length)
