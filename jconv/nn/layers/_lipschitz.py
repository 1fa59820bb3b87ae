"""Convolution whose Lipschitz constant is bounded."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jconv._core import check
from jconv.nn.layers._conv import Conv

_GRID = 6
"""Frequencies for each tap: the bound between them is then at most 1 / cos(π / 6) ^ (n / 2) of the one on them."""


def conv_norm_bound(
    kernel: jax.Array, *, feature_group_count: int = 1, iterations: int = 6, grid: int = _GRID
) -> jax.Array:
    r"""A number that the operator norm of a convolution is not above, for any size of the input.

    .. math:: \|A\|_2 \le \max_\omega \|K(\omega)\|_2, \qquad K(\omega) = \sum_u k[u]\, e^{-i \omega u}

    with zeros outside or circular, any strides and dilation.

    Parameters
    ----------
    kernel : array (*taps, C_in // groups, C_out)
    feature_group_count : int
    iterations : int
        Gram iterations t: :math:`\|K\|_2 \le \|(K^* K)^{2^{t - 1}}\|_F^{2^{-t}}`, too large by a factor of at most
        :math:`r^{2^{-t - 1}}` for matrices of rank r.
    grid : int
        Frequencies for each tap, at least 3.

    Returns
    -------
    scalar

    Raises
    ------
    ValueError
        When the kernel's rank is below 3, or the groups do not divide its channels, or `grid` is below 3.

    Notes
    -----
    Between frequencies the norm is bounded by :math:`\max |K|^2 \le \max_{grid} |K|^2 \prod_i 1 / \cos(\pi (k_i - 1) /
    N_i)` (Ehlich and Zeller, Math. Z. 86, 1964), which holds for the trigonometric polynomial u* K v of every pair of
    vectors. Differentiable; where several frequencies have the largest norm the gradient is shared. For one channel
    `jconv.signal.ConvolutionOperator.norm_bounds` bounds the same number from both sides. Source: Delattre et al.,
    "Efficient bound of Lipschitz constant for convolutional layers by Gram iteration" (2023).

    Examples
    --------
    >>> bound = conv_norm_bound(jnp.array([0.25, 0.5, 0.25]).reshape(3, 1, 1))
    >>> bool(1 <= bound < 1.08)
    True
    """
    kernel = jnp.asarray(kernel)
    if kernel.ndim < 3:
        raise ValueError(f"`kernel` must have shape (*taps, C_in // groups, C_out), got {kernel.shape}")
    if check.positive_int("grid", grid) < 3:
        raise ValueError(f"`grid` must be at least 3 frequencies for each tap, got {grid}; 6 is good")
    iterations = check.positive_int("iterations", iterations)
    *taps, inputs, outputs = kernel.shape
    if outputs % feature_group_count:
        raise ValueError(f"`feature_group_count` must divide the {outputs} output channels, got {feature_group_count}")
    sizes = [1 if k == 1 else grid * k for k in taps]
    slack = math.prod(math.cos(math.pi * (k - 1) / n) for k, n in zip(taps, sizes))
    spectrum = jnp.fft.fftn(kernel, s=sizes, axes=range(len(taps)))
    # The kernel is real: half of the frequencies of the first axis are the conjugates of the others.
    spectrum = spectrum[: sizes[0] // 2 + 1]
    matrices = spectrum.reshape(-1, inputs, feature_group_count, outputs // feature_group_count)
    matrices = jnp.swapaxes(matrices, 1, 2)  # (frequency, group, in, out)
    if matrices.shape[-2] < matrices.shape[-1]:
        matrices = jnp.swapaxes(matrices, -1, -2)
    logarithm = jnp.zeros(matrices.shape[:-2], kernel.dtype)
    for i in range(iterations):
        # Scaled to norm 1 before each squaring, so that nothing overflows; the scales are kept as logarithms.
        size = _frobenius(matrices)
        matrices = matrices / size[..., None, None]
        logarithm = logarithm + jnp.log(size) / 2**i
        matrices = jnp.conj(jnp.swapaxes(matrices, -1, -2)) @ matrices
    logarithm = logarithm + jnp.log(_frobenius(matrices)) / 2**iterations
    return jnp.exp(jnp.max(logarithm)) / math.sqrt(slack)


def _frobenius(matrices: jax.Array) -> jax.Array:
    square = jnp.sum(matrices.real**2 + matrices.imag**2, axis=(-1, -2))
    return jnp.sqrt(jnp.maximum(square, jnp.finfo(square.dtype).tiny))


class LipschitzConv(Conv):
    r"""A convolution that stretches no distance by more than a constant.

    .. math:: \hat k = k\, \min(1, L / B(k)), \qquad \|A_{\hat k}\, (x - y)\|_2 \le L\, \|x - y\|_2

    with B of `conv_norm_bound`.

    Parameters
    ----------
    in_features, out_features, kernel_size, strides, **options
        As in `jconv.nn.Conv`; `padding` zeros or "CIRCULAR", and `padding_mode` likewise.
    lipschitz : float
        L.
    iterations : int
        As in `conv_norm_bound`.

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
    >>> layer = LipschitzConv(3, 8, (3, 3), rngs=nnx.Rngs(0))
    >>> bool(conv_norm_bound(layer.effective_kernel()) < 1 + 1e-5)
    True
    """

    def __init__(self, *sizes: Any, lipschitz: float = 1.0, iterations: int = 6, rngs: nnx.Rngs, **options: Any):
        super().__init__(*sizes, rngs=rngs, **options)
        if not lipschitz > 0:
            raise ValueError(f"`lipschitz` must be positive, got {lipschitz}; pass 1.0 for a contraction")
        if {"REFLECT", "REPLICATE"} & set(self.padding) or self.padding_mode in ("reflect", "replicate"):
            raise ValueError(
                f"`padding` must hold zeros or be circular, since repeated samples enlarge the norm; got "
                f"{self.padding!r} with padding_mode={self.padding_mode!r}"
            )
        self.lipschitz, self.iterations = lipschitz, iterations

    def effective_kernel(self) -> jax.Array:
        """The kernel that is convolved with: masked, and scaled down to the bound."""
        kernel = super().effective_kernel()
        bound = conv_norm_bound(kernel, feature_group_count=self.feature_group_count, iterations=self.iterations)
        return kernel / jnp.maximum(1, bound / self.lipschitz)
