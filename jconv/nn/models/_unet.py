"""The U-Net, in any number of dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jconv._core import check
from jconv.engine import Plan
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_block import ConvBlock
from jconv.nn.layers._conv_transpose import ConvTranspose
from jconv.nn.layers._pooling import max_pool
from jconv.nn.layers._resize import upsample


class UNet(nnx.Module):
    """Map pictures or volumes to others of the same size: down a pyramid of halved resolutions, and up again.

    On each level two convolutions of 3 taps along each axis; between levels a maximum of 2 taps on the way down, a
    transposed convolution of 2 taps on the way up, where each level also sees the result of the way down; at the end a
    convolution of one tap.

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    widths : sequence of int
        Channels of each level, the finest first. Default (64, 128, 256, 512, 1024).
    rank : int
        Spatial axes: 2 (default) for pictures, 3 for volumes.
    norm : "group", "batch" or "none"
        As in `jconv.nn.ConvBlock`; the original has none. Default "group".
    deep : bool
        Whether every level of the way up has its own last convolution, and their results, up-sampled, are added. Coarse
        levels then learn at once what a thing is, fine ones where its border lies. Default False.
    algorithm : str or Plan
        As in `jconv.nn.Conv`. Default "auto".
    rngs : nnx.Rngs
        Random keys; the stream `params` is used.

    Raises
    ------
    ValueError
        When an axis of the input does not divide by 2 to the number of poolings.

    Notes
    -----
    ``UNet(1, 2, norm="none")`` has the layers of the paper and their 31,030,658 parameters, but pads, so that no border
    is lost. Sources: O. Ronneberger, P. Fischer, T. Brox, U-Net, MICCAI 2015; in three dimensions Ö. Çiçek et al.,
    MICCAI 2016; `deep` as in J. Long, E. Shelhamer, T. Darrell, Fully Convolutional Networks, CVPR 2015.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> UNet(3, 11, widths=(4, 8), rngs=nnx.Rngs(0))(jnp.ones((2, 16, 24, 3))).shape
    (2, 16, 24, 11)
    >>> UNet(1, 2, widths=(4, 8), rank=3, rngs=nnx.Rngs(0))(jnp.ones((1, 4, 6, 8, 1))).shape
    (1, 4, 6, 8, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        rank: int = 2,
        norm: str = "group",
        deep: bool = False,
        algorithm: str | Plan = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        self.rank = check.positive_int("rank", rank)
        if not widths:
            raise ValueError("`widths` must name at least one level, got none")
        self.factor = 2 ** (len(widths) - 1)

        def pair(before: int, width: int) -> nnx.List:
            options: dict[str, Any] = {"norm": norm, "algorithm": algorithm, "rngs": rngs}
            return nnx.List([ConvBlock(n, width, (3,) * rank, **options) for n in (before, width)])

        self.down = nnx.List([pair(*between) for between in pairwise((in_features, *widths))])
        self.up, self.joined = nnx.List(), nnx.List()
        for below, width in pairwise(widths[::-1]):
            self.up.append(ConvTranspose(below, width, (2,) * rank, 2, algorithm=algorithm, rngs=rngs))
            self.joined.append(pair(2 * width, width))
        ends = widths[::-1] if deep else widths[:1]
        self.heads = nnx.List([Conv(w, out_features, (1,) * rank, algorithm=algorithm, rngs=rngs) for w in ends])

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Map `x` (N, *space, in_features) to (N, *space, out_features); `train` as in `ConvBlock`."""
        if x.ndim != self.rank + 2 or any(n % self.factor for n in x.shape[1:-1]):
            raise ValueError(
                f"`x` must have shape (N, {self.rank} spatial axes that divide by {self.factor}, channels), "
                f"got {x.shape}; pad it"
            )
        seen = []
        for level, convolutions in enumerate(self.down):
            x = max_pool(x, (2,) * self.rank, 2) if level else x
            for convolution in convolutions:
                x = convolution(x, train=train)
            seen.append(x)
        levels = [seen.pop()]
        for up, convolutions in zip(self.up, self.joined):
            x = jnp.concatenate([seen.pop(), up(levels[-1])], axis=-1)
            for convolution in convolutions:
                x = convolution(x, train=train)
            levels.append(x)
        coarsest, *finer = zip(self.heads, levels[-len(self.heads) :], strict=True)
        result = coarsest[0](coarsest[1])
        for head, x in finer:
            result = head(x) + upsample(result, (2,) * self.rank)
        return result
