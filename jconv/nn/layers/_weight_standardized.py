"""Convolution with standardised weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import jax
import jax.numpy as jnp
from flax import nnx

from jconv.nn.layers import _dtypes, _layer
from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_layer import ConvOptions


class WeightStandardizedConv(Conv):
    r"""Convolve with a kernel of mean 0 and variance 1 for each output channel, whatever the parameter.

    .. math:: \hat k[u, c, o] = g[o]\, \frac{k[u, c, o] - \mu[o]}{\sqrt{\sigma^2[o] + \epsilon}}

    with μ and σ² over taps and input channels.

    Parameters
    ----------
    in_features, out_features, kernel_size, strides : int or sequence of int
        As in `jconv.nn.Conv`.
    epsilon : float
        ε, added to the variance. Default 1e-5.
    use_gain : bool
        Whether g is learned; else it is 1. Default False.
    rngs, **options
        As in `jconv.nn.Conv`.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`; where `epsilon` is not positive.

    Notes
    -----
    Parameters `kernel` and `bias` as in `jconv.nn.Conv`, and `gain` (out_features,). Mean and variance are computed in
    float32 at least, and the gradient passes through them. A kernel of one tap and one input channel has no variance,
    and becomes zero. Source: Qiao et al., "Micro-batch training with batch-channel normalization and weight
    standardization" (2019); with ε = 1e-10 the `StdConv2d` of Kolesnikov et al., "Big transfer" (2020).

    Examples
    --------
    >>> layer = WeightStandardizedConv(3, 8, (3, 3), rngs=nnx.Rngs(0))
    >>> bool(jnp.abs(layer.effective_kernel().mean((0, 1, 2))).max() < 1e-6)
    True
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        epsilon: float = 1e-5,
        use_gain: bool = False,
        rngs: nnx.Rngs,
        **options: Unpack[ConvOptions],
    ) -> None:
        super().__init__(in_features, out_features, kernel_size, strides, rngs=rngs, **options)
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be positive, got {epsilon}; 1e-5 is usual")
        self.epsilon, self.use_gain = epsilon, use_gain
        self.gain: nnx.Param | None = (
            nnx.Param(jnp.ones(self.out_features, self.param_dtype)) if use_gain else nnx.data(None)
        )

    def effective_kernel(self) -> jax.Array:
        """Return the kernel that is convolved with: standardised, times the gain, masked."""
        parameter = self.kernel[...]
        kernel = _dtypes.widen(parameter)
        axes = tuple(range(kernel.ndim - 1))
        kernel = kernel - kernel.mean(axes, keepdims=True)
        kernel = kernel / jnp.sqrt(jnp.mean(kernel * kernel, axes, keepdims=True) + self.epsilon)
        if self.gain is not None:
            kernel = kernel * _layer.align(self.gain[...], kernel.ndim).astype(kernel.dtype)
        return _layer.apply_mask(kernel.astype(parameter.dtype), self.mask)
