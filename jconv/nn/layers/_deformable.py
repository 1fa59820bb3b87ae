"""The layer that learns where its taps look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Unpack

import jax
from flax import nnx
from flax.nnx.nn import initializers

from jconv._core import check
from jconv.nn.layers import _layer
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_layer import ConvLayer, ConvOptions
from jconv.nn.layers._deform_conv import deform_conv


class DeformableConv(ConvLayer):
    r"""Convolve with taps that are moved by learned offsets, which are themselves a convolution of the input.

    .. math:: y = b + \mathrm{deform\_conv}(x, \Delta(x), k, m(x))

    with Δ, and in version 2 m = 2 sigmoid(·), from a convolution with the same window, zero at first: it starts as the
    plain convolution.

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    kernel_size, strides : int or sequence of int
        As in `jconv.nn.Conv`.
    offset_groups : int
        Groups of neighbouring channels, each with its own offsets. Default 1.
    modulated : bool
        Whether every tap also has a factor m, which is version 2; False is version 1. Default True.
    rngs, **options
        As in `jconv.nn.Conv`, without `mask`, `padding_mode`, `input_dilation`, `precision`, `preferred_element_type`,
        `conv_general_dilated` and `algorithm`; `padding` is "SAME" (default), "SAME_LOWER", "VALID", or numbers.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`; where `offset_groups` does not divide `in_features`, or for an option without use here.

    Notes
    -----
    Parameters `kernel` and `bias` as in `jconv.nn.Conv`, and the part `offsets`, a `jconv.nn.Conv`. The factor 2 lets m
    start at 1; the paper's starts at 1/2. Sources and gradient: `deform_conv`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> layer = DeformableConv(4, 8, (3, 3), offset_groups=2, rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 16, 16, 4))).shape
    (2, 16, 16, 8)
    """

    PADDINGS = ("SAME", "SAME_LOWER", "VALID")
    UNUSED = ("mask", "padding_mode", "input_dilation", "precision", "preferred_element_type", "conv_general_dilated",
              "algorithm")  # fmt: skip

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        offset_groups: int = 1,
        modulated: bool = True,
        rngs: nnx.Rngs,
        **options: Unpack[ConvOptions],
    ) -> None:
        self._check_options(options)
        self.offset_groups, self.modulated = check.positive_int("offset_groups", offset_groups), modulated
        if in_features % offset_groups:
            raise ValueError(f"`offset_groups` must divide `in_features`, got {offset_groups} for {in_features}")
        super().__init__(in_features, out_features, kernel_size, strides, rngs=rngs, **options)
        numbers = self.rank + modulated  # for each tap: a displacement along each axis, and the factor
        self.offsets = Conv(
            in_features,
            offset_groups * math.prod(self.kernel_size) * numbers,
            kernel_size,
            strides,
            padding=self.padding,
            kernel_dilation=self.kernel_dilation,
            kernel_init=initializers.zeros_init(),
            dtype=self.dtype,
            param_dtype=self.param_dtype,
            rngs=rngs,
        )

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to an array (…, *space, in_features), with any number of leading axes, also none."""
        _layer.check_inputs(inputs, self.rank, self.in_features)
        count = math.prod(self.kernel_size)
        moves = self.offsets(inputs)
        split = self.offset_groups * count * self.rank
        offset = moves[..., :split].reshape(*moves.shape[:-1], self.offset_groups, count, self.rank)
        mask = None
        if self.modulated:
            mask = 2 * jax.nn.sigmoid(moves[..., split:].reshape(*moves.shape[:-1], self.offset_groups, count))
        inputs, kernel, bias = self._promote(inputs, self.kernel[...])
        outputs = deform_conv(
            inputs,
            offset,
            kernel,
            mask=mask,
            strides=self.strides,
            padding=self.padding,
            dilation=self.kernel_dilation,
        )
        return _layer.add_bias(outputs, bias)
