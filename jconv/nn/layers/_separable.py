"""The depthwise separable convolution layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from flax import nnx

from jconv.nn.layers._conv import Conv
from jconv.nn.layers._depthwise import DepthwiseConv


class SeparableConv(nnx.Module):
    r"""A depthwise convolution, then a mixture of channels.

    .. math:: y[n, o] = b[o] + \sum_{c} p[c, o] \sum_u x[s\, n + d\, u - p,\; \lfloor c / m \rfloor]\; k[u, 0, c]

    Parameters
    ----------
    in_features, out_features : int
    kernel_size : int or sequence of int
    strides : int or sequence of int
    depth_multiplier : int
        Outputs m of each channel before they are mixed.
    use_bias : bool
        Of the mixture; the depthwise part has none.
    padding, padding_mode, input_dilation, kernel_dilation, kernel_init
        Of the depthwise part, as in `jconv.nn.Conv`.
    **options
        Of both parts, as in `jconv.nn.Conv`.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`.

    Notes
    -----
    Parts `depthwise` and `pointwise`. K · C · m + C · m · O products a sample; a dense convolution takes K · C · O.
    Source: Chollet, "Xception" (2017); Keras's `SeparableConv2D`.

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
        use_bias: bool = True,
        rngs: nnx.Rngs,
        **options: Any,
    ):
        own = ("padding", "padding_mode", "input_dilation", "kernel_dilation", "kernel_init")
        spatial = {name: options.pop(name) for name in own if name in options}
        bias = {"bias_init": options.pop("bias_init")} if "bias_init" in options else {}
        self.depthwise = DepthwiseConv(
            in_features,
            kernel_size,
            strides,
            depth_multiplier=depth_multiplier,
            use_bias=False,
            rngs=rngs,
            **spatial,
            **options,
        )
        self.pointwise = Conv(
            in_features * depth_multiplier,
            out_features,
            (1,) * len(self.depthwise.kernel_size),
            use_bias=use_bias,
            rngs=rngs,
            **bias,
            **options,
        )

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to (…, *space, in_features), with any number of leading axes, also none."""
        return self.pointwise(self.depthwise(inputs))

    def init_cache(self, batch: Sequence[int] = (), *, space: Sequence[int] = (), dtype: Any = None) -> jax.Array:
        """What stands before the first sample, as `jconv.nn.Conv.init_cache`."""
        return self.depthwise.init_cache(batch, space=space, dtype=dtype)

    def step(self, cache: jax.Array, inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The cache after, and the outputs for, the next samples, as `jconv.nn.Conv.step`."""
        cache, outputs = self.depthwise.step(cache, inputs)
        return cache, self.pointwise(outputs)
