"""A bound of the operator norm of a convolution."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jconv._core import check
from jconv.nn.layers import _dtypes

_GRID = 6
"""Frequencies for each tap: the bound between them is then at most 1 / cos(π / 6) ^ (n / 2) of the one on them."""


def conv_norm_bound(
    kernel: ArrayLike, *, feature_group_count: int = 1, iterations: int = 6, grid: int = _GRID
) -> jax.Array:
    r"""Bound the operator norm of a convolution from above, for any size of the input.

    .. math:: \|A\|_2 \le \max_\omega \|K(\omega)\|_2, \qquad K(\omega) = \sum_u k[u]\, e^{-i \omega u}

    with zeros outside or circular, any strides and dilation.

    Parameters
    ----------
    kernel : array (*taps, C_in // groups, C_out)
        Real.
    feature_group_count : int
        Groups of channels. Default 1.
    iterations : int
        Gram iterations t: :math:`\|K\|_2 \le \|(K^* K)^{2^{t - 1}}\|_F^{2^{-t}}`, too large by a factor of at most
        :math:`r^{2^{-t - 1}}` for matrices of rank r. Default 6.
    grid : int
        Frequencies for each tap, at least 3. Default 6.

    Returns
    -------
    scalar array
        In the dtype of the kernel, float32 at least.

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
    kernel = _dtypes.widen(_dtypes.to_floating(jnp.asarray(kernel)))
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
        matrices = matrices / size[..., None, None].astype(matrices.dtype)
        logarithm = logarithm + jnp.log(size) / 2**i
        matrices = jnp.conj(jnp.swapaxes(matrices, -1, -2)) @ matrices
    logarithm = logarithm + jnp.log(_frobenius(matrices)) / 2**iterations
    return jnp.exp(jnp.max(logarithm)) / math.sqrt(slack)


def _frobenius(matrices: jax.Array) -> jax.Array:
    square = jnp.sum(matrices.real**2 + matrices.imag**2, axis=(-1, -2))
    return jnp.sqrt(jnp.maximum(square, jnp.finfo(square.dtype).tiny))
