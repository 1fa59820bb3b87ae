"""The locally connected layer: a convolution whose kernel is another one at every output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Unpack

import jax
from flax import nnx

from jconv.engine import conv_general_dilated_local
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad
from jconv.nn.layers._conv_layer import ConvLayer, ConvOptions


class ConvLocal(ConvLayer):
    r"""Convolve with unshared weights, as `flax.linen.ConvLocal`.

    .. math:: y[n, o] = b[n, o] + \sum_{c, u} x[s\, n + d\, u - p,\; c]\; k[n, (c, u), o]

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    kernel_size, strides : int or sequence of int
        As in `jconv.nn.Conv`.
    space : int or sequence of int
        The spatial shape of the inputs, which the number of weights depends on.
    rngs, **options
        As in `jconv.nn.Conv`, without `feature_group_count`, `conv_general_dilated`, `preferred_element_type` and
        `algorithm`.

    Raises
    ------
    ValueError, TypeError
        When an option does not fit, or when an input has another shape than the layer was made for.

    Notes
    -----
    `kernel` has shape (*out, in_features · taps, out_features), channels before taps, and `bias` (*out, out_features):
    Flax's parameters. One matrix product for each output sample, of samples that are copied, so that causal padding is
    causal to the last bit. The gradients are those of the sum.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = ConvLocal(3, 8, (3, 3), 2, space=(16, 16), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 16, 16, 3))).shape
    (2, 8, 8, 8)
    """

    UNUSED = ("feature_group_count", "conv_general_dilated", "preferred_element_type", "algorithm")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        space: int | Sequence[int],
        rngs: nnx.Rngs,
        **options: Unpack[ConvOptions],
    ) -> None:
        self._check_options(options)
        self.space = _layer.sizes("space", space, len(_layer.kernel_sizes(kernel_size)))
        super().__init__(in_features, out_features, kernel_size, strides, rngs=rngs, **options)

    def _out_space(self) -> tuple[int, ...]:
        out = []
        for entry, size, axis in zip(self.padding, self.space, self._axes(), strict=True):
            pair = pad.width(entry, size, axis)
            _layer.check_reach((size,), (pair,), (axis,))
            out.append(((size - 1) * axis.input_dilation + 1 + sum(pair) - axis.reach) // axis.stride + 1)
        return tuple(out)

    def _kernel_shape(self) -> tuple[int, ...]:
        return (*self._out_space(), self.in_features * math.prod(self.kernel_size), self.out_features)

    def _bias_shape(self) -> tuple[int, ...]:
        return (*self._out_space(), self.out_features)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to an array (…, *space, in_features), with any number of leading axes, also none."""
        _layer.check_inputs(inputs, self.rank, self.in_features)
        if inputs.shape[-self.rank - 1 : -1] != self.space:
            raise ValueError(
                f"`inputs` must have the spatial shape {self.space} that the layer was made for, got {inputs.shape}"
            )
        inputs, kernel, bias = self._promote(inputs, self.effective_kernel())

        def run(x: jax.Array) -> jax.Array:
            x, zeros = pad.extend(x, self.padding, self._axes(), self.padding_mode)
            return conv_general_dilated_local(
                x,
                kernel,
                self.strides,
                zeros,
                self.kernel_size,
                self.input_dilation,
                self.kernel_dilation,
                _layer.channels_last(self.rank),
                precision=self.precision,
            )

        return _layer.add_bias(_layer.map_batch(run, inputs, self.rank), bias)
