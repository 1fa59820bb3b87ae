"""The depthwise separable convolution layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import jax
from flax import nnx
from jax.typing import DTypeLike

from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_layer import ConvOptions
from jconv.nn.layers._depthwise import DepthwiseConv

_OF_DEPTHWISE = ("padding", "padding_mode", "input_dilation", "kernel_dilation", "kernel_init")
_OF_POINTWISE = ("use_bias", "bias_init")


class SeparableConv(nnx.Module):
    r"""Convolve every channel by itself, then mix the channels.

    .. math:: y[n, o] = b[o] + \sum_{c} p[c, o] \sum_u x[s\, n + d\, u - p,\; \lfloor c / m \rfloor]\; k[u, 0, c]

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    kernel_size, strides : int or sequence of int
        Of the depthwise part, as in `jconv.nn.Conv`.
    depth_multiplier : int
        Outputs m of each channel before they are mixed. Default 1.
    rngs, **options
        As in `jconv.nn.Conv`: `padding`, `padding_mode`, `input_dilation`, `kernel_dilation` and `kernel_init` of the
        depthwise part, `use_bias` and `bias_init` of the mixture, all others of both. The depthwise part has no bias.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`.

    Notes
    -----
    Parts `depthwise` and `pointwise`. K · C · m + C · m · O products a sample; a dense convolution takes K · C · O. The
    gradients are those of the sums. Source: Chollet, "Xception" (2017); Keras's `SeparableConv2D`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = SeparableConv(3, 8, (5, 5), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 32, 32, 3))).shape
    (2, 32, 32, 8)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        depth_multiplier: int = 1,
        rngs: nnx.Rngs,
        **options: Unpack[ConvOptions],
    ) -> None:
        spatial: ConvOptions = {k: v for k, v in options.items() if k not in _OF_POINTWISE}  # type: ignore[assignment]
        mixing: ConvOptions = {k: v for k, v in options.items() if k not in _OF_DEPTHWISE}  # type: ignore[assignment]
        spatial["use_bias"] = False
        self.depthwise = DepthwiseConv(
            in_features, kernel_size, strides, depth_multiplier=depth_multiplier, rngs=rngs, **spatial
        )
        one_tap = (1,) * self.depthwise.rank
        self.pointwise = Conv(in_features * depth_multiplier, out_features, one_tap, rngs=rngs, **mixing)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to an array (…, *space, in_features), with any number of leading axes, also none."""
        return self.pointwise(self.depthwise(inputs))

    def init_cache(
        self, batch: Sequence[int] = (), *, space: Sequence[int] = (), dtype: DTypeLike | None = None
    ) -> jax.Array:
        """Make the cache that stands before the first sample of a stream, as `jconv.nn.Conv.init_cache`."""
        return self.depthwise.init_cache(batch, space=space, dtype=dtype)

    def step(self, cache: jax.Array, inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Apply the layer to the next samples of a stream, as `jconv.nn.Conv.step`."""
        cache, outputs = self.depthwise.step(cache, inputs)
        return cache, self.pointwise(outputs)
