"""A network for videos whose convolutions are split in space and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from flax import nnx
from flax.nnx.nn import initializers
from jax.typing import DTypeLike

from jconv.engine import Plan
from jconv.nn.layers import _dtypes
from jconv.nn.layers._conv import Conv


class SpaceTimeConv(nnx.Module):
    """Convolve videos by 3×3 taps in space, then 3 in time, each with group normalisation and ReLU: (2+1)-D.

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output, the latter a multiple of 8.
    strides : (int, int)
        In time, and in space. Default (1, 1).
    dtype, algorithm
        As in `jconv.nn.Conv`.
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`.

    Notes
    -----
    Parts `space`, `time` and `norms`. Source: D. Tran et al., *A closer look at spatiotemporal convolutions for action
    recognition*, CVPR 2018.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> SpaceTimeConv(1, 8, strides=(1, 2), rngs=nnx.Rngs(0))(jnp.ones((2, 4, 6, 6, 1))).shape
    (2, 4, 3, 3, 8)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        strides: tuple[int, int] = (1, 1),
        dtype: DTypeLike | None = None,
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        time, space = strides
        shared: dict[str, Any] = {
            "dtype": dtype,
            "algorithm": algorithm,
            "kernel_init": initializers.he_normal(),
            "rngs": rngs,
        }
        self.space = Conv(in_features, out_features, (3, 3), strides=space, **shared)
        self.time = Conv(out_features, out_features, (3, 1, 1), strides=(time, 1, 1), **shared)
        make_norm = lambda: nnx.GroupNorm(out_features, num_groups=None, group_size=8, dtype=dtype, rngs=rngs)
        self.norms = nnx.List([make_norm(), make_norm()])

    @_dtypes.with_standard_promotion
    def __call__(self, x: jax.Array) -> jax.Array:
        """Map (N, T, H, W, in_features) to (N, T / time, H / space, W / space, out_features)."""
        for conv, norm in zip((self.space, self.time), self.norms):
            x = nnx.relu(norm(conv(x)))
        return x


class VideoNet(nnx.Module):
    """Classify videos in several ways at once: (2+1)-D convolutions, a pooling, and a dense layer for each way.

    The pooling takes the largest value over all places, since an object may be anywhere, and the mean over time.

    Parameters
    ----------
    in_features : int
        Channels of the videos.
    classes : sequence of int
        Number of classes for each dense layer, such as (10, 8) for ten digits and eight directions.
    widths : sequence of int
        Channels of each stage; the second and the third halve rows and columns, and the third halves time, too. Default
        (16, 32, 64, 64).
    dtype, algorithm
        As in `jconv.nn.Conv`.
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`.

    Notes
    -----
    Splitting a 3-D kernel into one in space and one in time takes fewer parameters between equally many channels, has
    one more ReLU, and learns more easily: see `SpaceTimeConv`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> digit, direction = VideoNet(1, (10, 8), rngs=nnx.Rngs(0))(jnp.ones((2, 8, 16, 16, 1)))
    >>> digit.shape, direction.shape
    ((2, 10), (2, 8))
    """

    def __init__(
        self,
        in_features: int,
        classes: Sequence[int],
        *,
        widths: Sequence[int] = (16, 32, 64, 64),
        dtype: DTypeLike | None = None,
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        self.stages = nnx.List()
        for index, width in enumerate(widths):
            strides = (2 if index == 2 else 1, 2 if index in (1, 2) else 1)
            stage = SpaceTimeConv(in_features, width, strides=strides, dtype=dtype, algorithm=algorithm, rngs=rngs)
            self.stages.append(stage)
            in_features = width
        self.heads = nnx.List([nnx.Linear(in_features, count, dtype=dtype, rngs=rngs) for count in classes])

    def __call__(self, videos: jax.Array) -> tuple[jax.Array, ...]:
        """Return logits (N, count) of each dense layer for videos (N, T, H, W, in_features)."""
        x = videos
        for stage in self.stages:
            x = stage(x)
        x = x.max(axis=(2, 3)).mean(axis=1)
        return tuple(head(x) for head in self.heads)
