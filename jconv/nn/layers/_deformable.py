"""The layer that learns where its taps look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
from flax import nnx
from flax.nnx.nn import initializers

from jconv._core import check
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._deform_conv import deform_conv

_IDLE = ("mask", "padding_mode", "input_dilation", "precision", "preferred_element_type", "conv_general_dilated",
         "algorithm")  # fmt: skip
"""Options of `Conv` that nothing here would heed."""


class DeformableConv(nnx.Module):
    r"""A convolution that learns where its taps look: the offsets are themselves a convolution of the input.

    .. math:: y = b + \mathrm{deform\_conv}(x, \Delta(x), k, m(x))

    with Δ, and in version 2 m = 2 sigmoid(·), from a convolution with the same window, zero at first: it starts as the
    plain convolution.

    Parameters
    ----------
    in_features, out_features : int
    kernel_size, strides, kernel_dilation, padding, feature_group_count, use_bias, dtype, param_dtype, kernel_init,
    bias_init, promote_dtype, kernel_metadata, bias_metadata, rngs
        As in `jconv.nn.Conv`; `padding` is zeros.
    offset_groups : int
        Groups of neighbouring channels with offsets of their own.
    modulated : bool
        Version 2: every tap also has a factor. False is version 1.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`; where `offset_groups` does not divide `in_features`, or for an option not listed here.

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

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        padding: pad.Padding = "SAME",
        kernel_dilation: int | Sequence[int] | None = 1,
        feature_group_count: int = 1,
        offset_groups: int = 1,
        modulated: bool = True,
        rngs: nnx.Rngs,
        **options: Any,
    ):
        if idle := [name for name in _IDLE if name in options]:
            raise TypeError(f"`{idle[0]}` has no use here; leave it out, or use Conv")
        geometry: dict[str, Any] = {"padding": padding, "kernel_dilation": kernel_dilation}
        self.offset_groups, self.modulated = check.positive_int("offset_groups", offset_groups), modulated
        if in_features % offset_groups:
            raise ValueError(f"`offset_groups` must divide `in_features`, got {offset_groups} for {in_features}")
        plain = Conv(
            in_features,
            out_features,
            kernel_size,
            strides,
            feature_group_count=feature_group_count,
            rngs=rngs,
            **geometry,
            **options,
        )
        pad.canonical(padding, plain.rank, ("SAME", "SAME_LOWER", "VALID"))
        self.in_features, self.out_features, self.kernel_size = in_features, out_features, plain.kernel_size
        self.strides, self.kernel_dilation, self.padding = plain.strides, plain.kernel_dilation, plain.padding
        self.dtype, self.promote_dtype = plain.dtype, plain.promote_dtype
        self.kernel, self.bias = plain.kernel, plain.bias
        rank, count = plain.rank, math.prod(plain.kernel_size)
        zeros = initializers.zeros_init()
        self.offsets = Conv(
            in_features,
            offset_groups * count * (rank + modulated),
            kernel_size,
            strides,
            kernel_init=zeros,
            dtype=plain.dtype,
            param_dtype=plain.param_dtype,
            rngs=rngs,
            **geometry,
        )

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to (…, *space, in_features), with any number of leading axes, also none."""
        rank, count = len(self.kernel_size), math.prod(self.kernel_size)
        _layer.check_inputs(inputs, rank, self.in_features)
        found = self.offsets(inputs)
        split = self.offset_groups * count * rank
        offset = found[..., :split].reshape(*found.shape[:-1], self.offset_groups, count, rank)
        mask = None
        if self.modulated:
            mask = 2 * jax.nn.sigmoid(found[..., split:].reshape(*found.shape[:-1], self.offset_groups, count))
        bias = None if self.bias is None else self.bias[...]
        inputs, kernel, bias = self.promote_dtype((inputs, self.kernel[...], bias), dtype=self.dtype)
        outputs = deform_conv(
            inputs,
            offset,
            kernel,
            mask=mask,
            strides=self.strides,
            padding=self.padding,
            dilation=self.kernel_dilation,
        )
        return outputs if bias is None else outputs + bias
