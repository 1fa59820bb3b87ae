"""Convolution of every sample of a batch with its own kernel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax.lax import PrecisionLike
from jax.typing import ArrayLike

from jconv._core import check
from jconv.engine import Plan, conv_general_dilated
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad


def conv_per_sample(
    inputs: ArrayLike,
    kernels: ArrayLike,
    *,
    strides: int | Sequence[int] = 1,
    padding: pad.Padding = "SAME",
    padding_mode: str = "zeros",
    dilation: int | Sequence[int] = 1,
    feature_group_count: int = 1,
    precision: PrecisionLike = None,
    algorithm: str | Plan = "auto",
) -> jax.Array:
    r"""Convolve every sample of a batch with its own kernel.

    .. math:: y[b, n, o] = \sum_{u, c} x[b, s\, n + d\, u - p,\; c]\; k[b, u, c, o]

    Parameters
    ----------
    inputs : array (N, *space, C)
        Samples.
    kernels : array (N, *taps, C // groups, C_out)
        One kernel for each sample.
    strides, padding, padding_mode, dilation, feature_group_count, precision, algorithm
        As in `jconv.nn.Conv`; `dilation` is its `kernel_dilation`.

    Returns
    -------
    array (N, *out, C_out)

    Raises
    ------
    ValueError, TypeError
        When shapes or options do not fit.

    Notes
    -----
    The engine's convolution under `vmap`, which makes it one with groups. The gradients are those of the sum. Causal
    padding with zeros is causal to the last bit, as in `jconv.nn.Conv`.

    Examples
    --------
    >>> x = jnp.ones((2, 4, 1))
    >>> conv_per_sample(x, jnp.array([1.0, 2.0]).reshape(2, 1, 1, 1))[..., 0]
    Array([[1., 1., 1., 1.],
           [2., 2., 2., 2.]], dtype=float...)
    """
    inputs, kernels = jnp.asarray(inputs), jnp.asarray(kernels)
    rank = kernels.ndim - 3
    if rank < 1 or inputs.ndim != rank + 2 or inputs.shape[0] != kernels.shape[0]:
        raise ValueError(
            "`inputs` must have shape (N, *space, C) and `kernels` (N, *taps, C // groups, C_out), got "
            f"{inputs.shape} and {kernels.shape}"
        )
    taps, share = kernels.shape[1:-2], kernels.shape[-2]
    if inputs.shape[-1] != share * check.positive_int("feature_group_count", feature_group_count):
        raise ValueError(
            f"`inputs` has {inputs.shape[-1]} channels, but `kernels` of shape {kernels.shape} with "
            f"feature_group_count={feature_group_count} takes {share * feature_group_count}"
        )
    _layer.split_features("kernels.shape[-1]", kernels.shape[-1], feature_group_count)
    entries = pad.canonicalize(padding, rank)
    axes = pad.axes(taps, _layer.sizes("strides", strides, rank), _layer.sizes("dilation", dilation, rank))
    inputs, zeros = pad.extend(inputs, entries, axes, pad.check_mode(padding_mode, entries))
    _layer.check_reach(inputs.shape[1:-1], zeros, axes)
    convolve = partial(
        conv_general_dilated,
        window_strides=[axis.stride for axis in axes],
        padding=zeros,
        rhs_dilation=[axis.dilation for axis in axes],
        dimension_numbers=_layer.channels_last(rank),
        feature_group_count=feature_group_count,
        precision=precision,
        algorithm=algorithm,
        finite_only=False if "CAUSAL" in entries else None,
    )
    return jax.vmap(lambda x, k: convolve(x[None], k)[0])(inputs, kernels)
