"""The layer with a bounded operator norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import jax
import jax.numpy as jnp
from flax import nnx

from jconv.nn.layers._conv import Conv
from jconv.nn.layers._conv_layer import ConvOptions
from jconv.nn.layers._norm_bound import conv_norm_bound


class LipschitzConv(Conv):
    r"""Convolve so that no distance grows by more than a constant factor.

    .. math:: \hat k = k\, \min(1, L / B(k)), \qquad \|A_{\hat k}\, (x - y)\|_2 \le L\, \|x - y\|_2

    with B of `conv_norm_bound`.

    Parameters
    ----------
    in_features, out_features, kernel_size, strides : int or sequence of int
        As in `jconv.nn.Conv`.
    lipschitz : float
        L. Default 1.
    iterations : int
        As in `conv_norm_bound`. Default 6.
    rngs, **options
        As in `jconv.nn.Conv`; `padding` is zeros or "CIRCULAR", and `padding_mode` likewise.

    Raises
    ------
    ValueError, TypeError
        As `jconv.nn.Conv`; where the padding repeats samples otherwise, or `lipschitz` is not positive.

    Notes
    -----
    A kernel whose bound is below L stays as it is. The gradient passes through the bound. The bound holds for all sizes
    of inputs, circular ones at least as large as the dilated kernel.

    Examples
    --------
    >>> from jconv.nn import conv_norm_bound
    >>> layer = LipschitzConv(3, 8, (3, 3), rngs=nnx.Rngs(0))
    >>> bool(conv_norm_bound(layer.effective_kernel()) < 1 + 1e-5)
    True
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] | None = 1,
        *,
        lipschitz: float = 1.0,
        iterations: int = 6,
        rngs: nnx.Rngs,
        **options: Unpack[ConvOptions],
    ) -> None:
        super().__init__(in_features, out_features, kernel_size, strides, rngs=rngs, **options)
        if not lipschitz > 0:
            raise ValueError(f"`lipschitz` must be positive, got {lipschitz}; pass 1.0 for a contraction")
        if {"REFLECT", "REPLICATE"} & set(self.padding) or self.padding_mode in ("reflect", "replicate"):
            raise ValueError(
                f"`padding` must hold zeros or be circular, since repeated samples enlarge the norm; got "
                f"{self.padding!r} with padding_mode={self.padding_mode!r}"
            )
        self.lipschitz, self.iterations = lipschitz, iterations

    def effective_kernel(self) -> jax.Array:
        """Return the kernel that is convolved with: masked, and scaled down to the bound."""
        kernel = super().effective_kernel()
        bound = conv_norm_bound(kernel, feature_group_count=self.feature_group_count, iterations=self.iterations)
        return kernel / jnp.maximum(1, bound / self.lipschitz).astype(kernel.dtype)
