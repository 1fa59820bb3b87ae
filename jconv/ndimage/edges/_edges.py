"""Canny's edge detector."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.boundary import pad
from jconv._order.rank import rank_filter
from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage.linear._derivatives import sobel
from jconv.ndimage.linear._gaussian import gaussian_filter


def canny(
    input,
    sigma=1.0,
    low_threshold=0.1,
    high_threshold=0.2,
    mask=None,
    use_quantiles=False,
    *,
    mode="constant",
    cval=0.0,
):
    """Thin, connected edges of a plane, as booleans.

    Smooth by a Gaussian, take the Sobel gradient, keep the maxima across the edge (interpolated between neighbours),
    and of those above `low_threshold` the 8-connected ones that reach `high_threshold`.

    Parameters
    ----------
    input: plane of rank two.
    sigma: of the Gaussian, in samples.
    low_threshold, high_threshold: of the gradient's length, in the image's units; may be traced.
    mask: boolean plane; edges outside and at its border are dropped.
    use_quantiles: whether the thresholds are fractions of the gradient's distribution.

    Notes
    -----
    The result is a set, without derivative. The connection runs until nothing changes, as many steps as the longest
    weak edge has samples. scikit-image's `canny` for floating images (which divides thresholds for whole-number
    images by their dtype's largest value; here they are always in the image's units).

    Source: J. Canny, IEEE PAMI 8 (1986).
    """
    x = arguments.image(input, real=True)
    check.rank("input", x, 2, "filter each plane of a stack under jax.vmap")
    x = x.astype(_output.working_dtype(x.dtype, x.dtype))
    smooth = lambda a: gaussian_filter(a, sigma, mode=mode, cval=cval)
    if mask is None:
        inner = np.zeros(x.shape, bool)
        inner[1:-1, 1:-1] = True
        inside = jnp.ones(x.shape, x.dtype)
    else:
        mask = jnp.asarray(mask, bool)
        if mask.shape != x.shape:
            raise ValueError(f"`mask` must have the shape of `input`, got {mask.shape} and {x.shape}")
        inner = rank_filter(mask, np.ones((3, 3), bool), 0, boundary="constant", cval=False)
        inside, x = mask.astype(x.dtype), jnp.where(mask, x, 0)
    x = smooth(x)
    if mask is not None or arguments.boundary(mode) == "constant":
        x = x / (smooth(inside) + jnp.finfo(x.dtype).eps)
    down, right = sobel(x, 0), sobel(x, 1)
    length = jnp.sqrt(down**2 + right**2)
    if use_quantiles:
        low_threshold, high_threshold = jnp.quantile(length, jnp.array([low_threshold, high_threshold]))
    weak = inner & (length >= low_threshold) & (length > 0) & _is_ridge(length, down, right)
    return _connected(weak, weak & (length >= high_threshold))


def _is_ridge(length, down, right):
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


def _connected(weak, strong):
    """The samples of `weak` that are 8-connected, within `weak`, to one of `strong`."""
    window = np.ones((3, 3), bool)
    grow = lambda a: weak & rank_filter(a, window, 8, boundary="constant", cval=False)
    state = lax.while_loop(lambda s: jnp.any(s[0] != s[1]), lambda s: (s[1], grow(s[1])), (strong, grow(strong)))
    return state[1]
