"""The adaptive Wiener filter for noise of local statistics."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.boundary import pad
from jconv.signal._dtypes import ArrayLike, as_array, result_type
from jconv.signal.convolution._linear import boundary_rule


def wiener(
    im: ArrayLike,
    mysize: int | Sequence[int] | None = None,
    noise: ArrayLike | None = None,
    *,
    boundary: str = "fill",
) -> jax.Array:
    r"""Shrink every sample towards its local mean, by how little the local variance exceeds the noise.

    .. math:: y = \mu + \frac{\max(\sigma^2 - \nu^2, 0)}{\sigma^2}\,(x - \mu)

    Parameters
    ----------
    im : array_like
        A signal or image of any rank.
    mysize : int or sequence of ints, optional
        The window of the local mean μ and variance σ². Default 3 along every axis.
    noise : float, optional
        The noise power ν². Default the mean of σ².
    boundary : {"fill", "wrap", "symm", "reflect", "edge"}
        How `im` continues outside, as in `convolve`. The default "fill" takes zeros there, as SciPy does, which draws
        the frame towards zero and raises its variance; "symm" treats the frame as the rest.

    Returns
    -------
    Array of the shape of `im`, floating.

    Raises
    ------
    ValueError, TypeError
        If `mysize` is not a positive integer, or does not hold one for each axis.

    Notes
    -----
    Cost O(log w) passes for each axis of a window of w samples. Variances are sums of squared differences to the mean
    of their own window, so that a large mean costs no digits. Differentiable in `im` and `noise` where σ² differs from
    ν². Follows `scipy.signal.wiener`. Source: J. S. Lim, *Two-Dimensional Signal and Image Processing* (1990), p. 548.

    Examples
    --------
    >>> wiener([1.0, 2.0, 3.0, 2.0], 3, noise=0.0)
    Array([1., 2., 3., 2.], dtype=float...)
    """
    im = as_array("im", im)
    sizes = check.per_axis("mysize", 3 if mysize is None else mysize, im.ndim)
    for i, size in enumerate(sizes):
        check.positive_int(f"mysize[{i}]", size)
    rule = boundary_rule(boundary)
    dtype = result_type(im, np.float64) if im.dtype.kind in "biu" else im.dtype
    x = im.astype(dtype)
    if x.size == 0:
        return x
    mean, variance = window_moments(pad(x, [(n // 2, (n - 1) // 2) for n in sizes], rule), sizes)
    power = jnp.mean(variance) if noise is None else as_array("noise", noise).astype(dtype)
    quiet = variance <= power if dtype.kind != "c" else jnp.real(variance) <= jnp.real(power)
    safe = jnp.where(quiet, 1, variance)
    return jnp.where(quiet, mean, mean + (x - mean) * (1 - power / safe))


def window_moments(x: jax.Array, sizes: Sequence[int]) -> tuple[jax.Array, jax.Array]:
    """Return the mean and the variance of every whole window of `sizes` in `x`.

    Two windows of a and b samples, with means μ and sums of squared differences S, are put together by

        μ = μ_a + (μ_b - μ_a) b / (a + b),    S = S_a + S_b + (μ_b - μ_a)² a b / (a + b)

    (Chan, Golub and LeVeque, *The American Statistician* 37, 1983), which loses no digits to a large mean. Along each
    axis windows of 1, 2, 4, … samples are put together to one of any length.
    """
    moments, count = (x, jnp.zeros_like(x)), 1
    for axis, size in enumerate(sizes):
        moments = _combine_along(moments, axis, size, count)
        count *= size
    mean, squares = moments
    return mean, squares / count


def _combine_along(
    moments: tuple[jax.Array, jax.Array], axis: int, size: int, count: int
) -> tuple[jax.Array, jax.Array]:
    """(mean, squares) of windows of `size` neighbours along `axis`, each of which stands for `count` samples."""

    def combine(
        first: tuple[jax.Array, jax.Array], a: int, second: tuple[jax.Array, jax.Array], b: int
    ) -> tuple[jax.Array, jax.Array]:
        """Windows of a neighbours with the windows of b neighbours that follow them."""
        length = second[0].shape[axis] - a
        mean, squares = (lax.slice_in_dim(v, 0, length, axis=axis) for v in first)
        other, more = (lax.slice_in_dim(v, a, a + length, axis=axis) for v in second)
        step = other - mean
        return mean + step * (b / (a + b)), squares + more + step * step * (count * a * b / (a + b))

    power, length = moments, 1
    result, done = None, 0
    while True:
        if size & length:
            result = power if result is None else combine(result, done, power, length)
            done += length
        if done == size:
            return result if result is not None else power
        power, length = combine(power, length, power, length), 2 * length
