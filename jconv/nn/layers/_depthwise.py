"""The depthwise convolution layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from flax import nnx

from jconv._core import check
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_layer import ConvOptions


class DepthwiseConv(Conv):
    r"""Convolve every channel with its own kernels.

    .. math:: y[n, c m + j] = b[c m + j] + \sum_u x[s\, n + d\, u - p,\; c]\; k[u, 0, c m + j]

    for channel c and j < m, the multiplier.

    Parameters
    ----------
    in_features : int
        Channels of the input.
    kernel_size, strides : int or sequence of int
        As in `jconv.nn.Conv`.
    depth_multiplier : int
        Outputs m of each channel. Default 1.
    rngs, **options
        As in `jconv.nn.Conv`, without `feature_group_count`.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`.

    Notes
    -----
    `kernel` has shape (*kernel_size, 1, in_features · m), as in `flax.nnx.Conv` with as many groups as channels. The
    gradients are those of the sum.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = DepthwiseConv(3, (5, 5), depth_multiplier=2, rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 32, 32, 3))).shape
    (2, 32, 32, 6)
    """

    def __init__(
        self,
        in_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        depth_multiplier: int = 1,
        rngs: nnx.Rngs,
        **options: Unpack[ConvOptions],
    ) -> None:
        if "feature_group_count" in options:
            raise TypeError("`feature_group_count` is the number of channels here; use Conv to choose it")
        self.depth_multiplier = check.positive_int("depth_multiplier", depth_multiplier)
        options["feature_group_count"] = in_features = check.positive_int("in_features", in_features)
        super().__init__(in_features, in_features * depth_multiplier, kernel_size, strides, rngs=rngs, **options)
