"""The layer that mixes several kernels for every sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp
from flax import nnx

from jconv._core import check
from jconv.nn.layers import _layer
from jconv.nn.layers._conv_layer import ConvLayer, ConvOptions
from jconv.nn.layers._per_sample import conv_per_sample


class DynamicConv(ConvLayer):
    r"""Convolve with a mixture of kernels, which each sample chooses by attention.

    .. math:: k(x) = \sum_i \pi_i(x)\, k_i, \quad b(x) = \sum_i \pi_i(x)\, b_i, \quad
        \pi(x) = \mathrm{softmax}((W_2\, \mathrm{relu}(W_1\, \bar x) + c) / \tau)

    with x̄ the mean of the sample over space, and biases c.

    Parameters
    ----------
    in_features, out_features : int
        Channels of the input and of the output.
    kernel_size, strides : int or sequence of int
        As in `jconv.nn.Conv`.
    kernels : int
        How many kernels are mixed. Default 4.
    reduction : int
        The attention's hidden layer has in_features // reduction units, at least one. Default 4.
    temperature : float
        τ; large values mix evenly, which helps the first steps of training. Default 1.
    rngs, **options
        As in `jconv.nn.Conv`, without `input_dilation`, `mask`, `conv_general_dilated` and `preferred_element_type`.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`; where `temperature` is not positive.

    Notes
    -----
    Parameters `kernel` (kernels, *kernel_size, in_features // groups, out_features), `bias` (kernels, out_features);
    the parts `squeeze` and `excite`, dense layers. The gradient passes through the attention. The attention sees the
    whole sample: with causal padding the sums are causal, and their weights are not. Source: Chen et al., "Dynamic
    convolution: attention over convolution kernels" (2020).

    Examples
    --------
    >>> layer = DynamicConv(4, 8, (3, 3), rngs=nnx.Rngs(0))
    >>> layer(jnp.ones((2, 16, 16, 4))).shape
    (2, 16, 16, 8)
    """

    UNUSED = ("input_dilation", "mask", "conv_general_dilated", "preferred_element_type")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        kernels: int = 4,
        reduction: int = 4,
        temperature: float = 1.0,
        rngs: nnx.Rngs,
        **options: Unpack[ConvOptions],
    ) -> None:
        self._check_options(options)
        self.kernels = check.positive_int("kernels", kernels)
        if not temperature > 0:
            raise ValueError(f"`temperature` must be positive, got {temperature}; 1.0 is neutral")
        self.temperature = temperature
        super().__init__(in_features, out_features, kernel_size, strides, rngs=rngs, **options)
        hidden = max(in_features // check.positive_int("reduction", reduction), 1)
        dense: dict[str, Any] = {"dtype": self.dtype, "param_dtype": self.param_dtype, "rngs": rngs}
        self.squeeze = nnx.Linear(in_features, hidden, use_bias=False, **dense)
        self.excite = nnx.Linear(hidden, self.kernels, **dense)

    def _make_kernel(self, init: _layer.Initializer, metadata: Mapping[str, Any] | None, rngs: nnx.Rngs) -> None:
        # One draw for each kernel: an initializer would take the axis of kernels for taps.
        keys = jax.random.split(rngs.params(), self.kernels)
        draws = [init(key, self.kernel_shape, self.param_dtype) for key in keys]
        self.kernel = nnx.Param(jnp.stack(draws), **(metadata or {}))

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.kernels, self.out_features)

    def attention(self, inputs: jax.Array) -> jax.Array:
        """Return the shares (N, kernels) of the kernels for inputs (N, *space, in_features)."""
        mean = jnp.mean(inputs, tuple(range(1, inputs.ndim - 1)))
        return jax.nn.softmax(self.excite(jax.nn.relu(self.squeeze(mean))) / self.temperature)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Apply the layer to an array (…, *space, in_features), with any number of leading axes, also none."""
        _layer.check_inputs(inputs, self.rank, self.in_features)
        inputs, kernel, bias = self._promote(inputs, self.kernel[...])

        def run(x: jax.Array) -> jax.Array:
            shares = self.attention(x).astype(x.dtype)
            y = conv_per_sample(
                x,
                jnp.tensordot(shares, kernel, 1),
                strides=self.strides,
                padding=self.padding,
                padding_mode=self.padding_mode,
                dilation=self.kernel_dilation,
                feature_group_count=self.feature_group_count,
                precision=self.precision,
                algorithm=self.algorithm,
            )
            return y if bias is None else y + (shares @ bias).reshape(len(x), *(1,) * self.rank, -1)

        return _layer.map_batch(run, inputs, self.rank)
