"""Convolution with standardised weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jconv.nn.layers import _layer
from jconv.nn.layers._conv import Conv


class WeightStandardizedConv(Conv):
    r"""A convolution whose kernel has mean 0 and variance 1 for each output channel, whatever the parameter.

    .. math:: \hat k[u, c, o] = g[o]\, \frac{k[u, c, o] - \mu[o]}{\sqrt{\sigma^2[o] + \epsilon}}

    with μ and σ² over taps and input channels.

    Parameters
    ----------
    in_features, out_features, kernel_size, strides, **options
        As in `jconv.nn.Conv`.
    epsilon : float
        ε, added to the variance.
    use_gain : bool
        Whether g is learned; else it is 1.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`.

    Notes
    -----
    Parameters `kernel` and `bias` as in `jconv.nn.Conv`, and `gain` (out_features,). The gradient passes through mean
    and variance. A kernel of one tap and one input channel has no variance, and becomes zero. Source: Qiao et al.,
    "Micro-batch training with batch-channel normalization and weight standardization" (2019); with ε = 1e-10 the
    `StdConv2d` of Kolesnikov et al., "Big transfer" (2020).

    Examples
    --------
    >>> layer = WeightStandardizedConv(3, 8, (3, 3), rngs=nnx.Rngs(0))
    >>> bool(jnp.abs(layer.effective_kernel().mean((0, 1, 2))).max() < 1e-6)
    True
    """

    def __init__(self, *sizes: Any, epsilon: float = 1e-5, use_gain: bool = False, rngs: nnx.Rngs, **options: Any):
        super().__init__(*sizes, rngs=rngs, **options)
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be positive, got {epsilon}; 1e-5 is usual")
        self.epsilon, self.use_gain = epsilon, use_gain
        self.gain: nnx.Param | None = (
            nnx.Param(jnp.ones(self.out_features, self.param_dtype)) if use_gain else nnx.data(None)
        )

    def effective_kernel(self) -> jax.Array:
        """The kernel that is convolved with: standardised, times the gain, masked."""
        kernel = self.kernel[...]
        axes = tuple(range(kernel.ndim - 1))
        kernel = kernel - kernel.mean(axes)
        kernel = kernel / jnp.sqrt(jnp.mean(kernel * kernel, axes) + self.epsilon)
        kernel = kernel if self.gain is None else kernel * self.gain[...]
        return _layer.masked(kernel, self.mask)
