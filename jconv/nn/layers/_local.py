"""The locally connected layer: a convolution whose kernel is another one at every output."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn import dtypes

from jconv.engine import conv_general_dilated_local
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad


class ConvLocal(nnx.Module):
    r"""A convolution with unshared weights, as `flax.linen.ConvLocal`.

    .. math:: y[n, o] = b[n, o] + \sum_{c, u} x[s\, n + d\, u - p,\; c]\; k[n, (c, u), o]

    Parameters
    ----------
    in_features, out_features : int
    kernel_size : int or sequence of int
    strides : int or sequence of int
    space : sequence of int
        The spatial shape of the inputs, which the number of weights depends on.
    padding, padding_mode, input_dilation, kernel_dilation, use_bias, mask, dtype, param_dtype, precision, kernel_init,
    bias_init, promote_dtype, rngs
        As in `jconv.nn.Conv`.

    Raises
    ------
    ValueError, TypeError
        When an option does not fit, or when an input has another shape than the layer was made for.

    Notes
    -----
    `kernel` has shape (*out, in_features · taps, out_features), channels before taps, and `bias` (*out, out_features):
    Flax's parameters. One matrix product for each output sample. The gradients are those of the sum.

    Examples
    --------
    >>> layer = ConvLocal(3, 8, (3, 3), 2, space=(16, 16), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 16, 16, 3))).shape
    (2, 8, 8, 8)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        space: Sequence[int],
        padding: pad.Padding = "SAME",
        padding_mode: str = "zeros",
        input_dilation: int | Sequence[int] | None = 1,
        kernel_dilation: int | Sequence[int] | None = 1,
        use_bias: bool = True,
        mask: jax.Array | None = None,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        precision: Any = None,
        kernel_init: Callable = _layer.KERNEL_INIT,
        bias_init: Callable = _layer.BIAS_INIT,
        promote_dtype: Callable = dtypes.promote_dtype,
        rngs: nnx.Rngs,
    ):
        self.in_features, self.out_features = _layer.features(in_features, out_features)
        self.kernel_size = _layer.kernel_sizes(kernel_size)
        rank = len(self.kernel_size)
        self.space = _layer.sizes("space", space, rank)
        self.strides = _layer.sizes("strides", strides, rank)
        self.input_dilation = _layer.sizes("input_dilation", input_dilation, rank)
        self.kernel_dilation = _layer.sizes("kernel_dilation", kernel_dilation, rank)
        self.padding = pad.canonical(padding, rank)
        self.padding_mode = pad.padding_mode(padding_mode, self.padding)
        self.dtype, self.param_dtype, self.precision = dtype, param_dtype, precision
        self.promote_dtype, self.use_bias = promote_dtype, use_bias
        out = []
        for entry, size, axis in zip(self.padding, self.space, self._axes(), strict=True):
            pair = pad.width(entry, size, axis)
            _layer.check_reach((size,), (pair,), (axis,))
            out.append(((size - 1) * axis.input_dilation + 1 + sum(pair) - axis.reach) // axis.stride + 1)
        self.kernel_shape = (*out, in_features * math.prod(self.kernel_size), out_features)
        self.mask = _layer.check_mask(mask, self.kernel_shape)
        self.kernel = _layer.parameter(kernel_init, rngs, self.kernel_shape, param_dtype)
        self.bias: nnx.Param | None = _layer.bias(use_bias, bias_init, rngs, (*out, out_features), param_dtype)

    def _axes(self) -> list[pad.Axis]:
        return pad.axes(self.kernel_size, self.strides, self.kernel_dilation, self.input_dilation)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to (…, *space, in_features), with any number of leading axes, also none."""
        rank = len(self.kernel_size)
        _layer.check_inputs(inputs, rank, self.in_features)
        if inputs.shape[-rank - 1 : -1] != self.space:
            raise ValueError(
                f"`inputs` must have the spatial shape {self.space} that the layer was made for, got {inputs.shape}"
            )
        kernel = _layer.masked(self.kernel[...], self.mask)
        bias = None if self.bias is None else self.bias[...]
        inputs, kernel, bias = self.promote_dtype((inputs, kernel, bias), dtype=self.dtype)

        def run(x):
            x, zeros = pad.extend(x, self.padding, self._axes(), self.padding_mode)
            return conv_general_dilated_local(
                x,
                kernel,
                self.strides,
                zeros,
                self.kernel_size,
                self.input_dilation,
                self.kernel_dilation,
                _layer.channels_last(rank),
                precision=self.precision,
            )

        outputs = _layer.batched(run, inputs, rank)
        return outputs if bias is None else outputs + bias
