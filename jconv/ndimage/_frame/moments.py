"""Means, variances and covariances of moving boxes, without cancellation.

Along one axis the variance is the mean of squared differences to the mean. That of a box follows by the law of total
variance: the mean of its lines' variances plus the variance of their means. Both are sums of squares, whereas
E[x²] − E[x]² loses all digits of an image whose brightness far exceeds its contrast. Long runs are merged from shorter
ones in the same way (T. F. Chan, G. H. Golub and R. J. LeVeque, *The American Statistician* 37, 1983).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jconv.ndimage._frame.passes import split


class Moments(NamedTuple):
    """Means of two images, the variance of the first, and the covariance of both, over a window at each sample."""

    first: jax.Array
    second: jax.Array
    variance: jax.Array
    covariance: jax.Array

    def views(self, start: int, length: int, axis: int) -> Moments:
        """Those of the windows from `start` on."""
        return Moments(*(lax.slice_in_dim(a, start, start + length, axis=axis) for a in self))


def window_moments(first: jax.Array, second: jax.Array, size: int, axes: Sequence[int]) -> Moments:
    """Compute the moments of boxes of `size` samples along each of `axes`, without padding."""
    zero = jnp.zeros_like(first)
    moments = Moments(first, second, zero, zero)
    for axis in axes:
        moments = Moments(*lax.optimization_barrier(tuple(_along(moments, size, axis))))
    return moments


def _along(moments: Moments, size: int, axis: int) -> Moments:
    """Compute the moments of runs of `size` neighbouring windows."""
    length = moments.first.shape[axis] - size + 1
    count = split(size)
    if count == 1:
        parts = [(1 / size, moments.views(i, length, axis)) for i in range(size)]
    else:
        run = size // count
        runs = Moments(*lax.optimization_barrier(tuple(_along(moments, run, axis))))
        parts = [(run / size, runs.views(i * run, length, axis)) for i in range(count)]
        parts += [(1 / size, moments.views(i, length, axis)) for i in range(count * run, size)]
    # Means are taken of differences to the first one, so that they are exact where all are equal.
    base_1, base_2 = parts[0][1].first, parts[0][1].second
    first = base_1 + sum(share * (part.first - base_1) for share, part in parts[1:])
    second = base_2 + sum(share * (part.second - base_2) for share, part in parts[1:])
    variances = [share * (part.variance + (part.first - first) ** 2) for share, part in parts]
    covariances = [share * (part.covariance + (part.first - first) * (part.second - second)) for share, part in parts]
    return Moments(first, second, reduce(operator.add, variances), reduce(operator.add, covariances))
