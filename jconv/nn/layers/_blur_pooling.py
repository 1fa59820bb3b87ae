"""Subsampling after a low-pass: the pooling that hardly changes with shifts of its input."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.engine import Plan, conv_general_dilated
from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad


def blur_pool(
    inputs,
    size: int = 3,
    strides: Sequence[int] = (2, 2),
    *,
    padding: pad.Padding = "REFLECT",
    algorithm: str | Plan = "auto",
) -> jax.Array:
    r"""Subsample after a binomial low-pass.

    .. math:: y[n] = \sum_u 2^{1 - k} \binom{k - 1}{u}\; x[s\, n + u - p]

    along each axis, for each channel by itself.

    Parameters
    ----------
    inputs : array (…, *space, C)
    size : int
        Taps k of the binomial kernel; 1 only subsamples.
    strides : sequence of int
        One for each spatial axis.
    padding : as in `jconv.nn.Conv`
    algorithm : as in `jconv.conv_general_dilated`

    Returns
    -------
    array (…, *out, C)

    Raises
    ------
    ValueError, TypeError
        When ranks or options do not fit, or the kernel reaches over the padded input.

    Notes
    -----
    One convolution for each axis; the gradient is its adjoint. Source: Zhang, "Making convolutional networks
    shift-invariant again" (2019), whose `BlurPool` this is, borders included.

    Examples
    --------
    >>> blur_pool(jnp.ones((1, 8, 8, 3))).shape
    (1, 4, 4, 3)
    """
    inputs = _layer.floating(jnp.asarray(inputs))
    size, strides = check.positive_int("size", size), _layer.each_axis("strides", strides)
    rank = len(strides)
    _layer.check_rank(inputs, rank)
    channels = inputs.shape[-1]
    taps = jnp.asarray([math.comb(size - 1, u) / 2 ** (size - 1) for u in range(size)], inputs.dtype)
    entries = pad.canonical(padding, rank)
    axes = [pad.Axis(size, s) for s in strides]

    def run(x):
        x, zeros = pad.extend(x, entries, axes)
        _layer.check_reach(x.shape[1:-1], zeros, axes)
        for i, stride in enumerate(strides):
            only = lambda value, other: [value if j == i else other for j in range(rank)]  # noqa: B023
            x = conv_general_dilated(
                x,
                jnp.broadcast_to(taps.reshape(*only(size, 1), 1, 1), (*only(size, 1), 1, channels)),
                only(stride, 1),
                only(zeros[i], (0, 0)),
                dimension_numbers=_layer.channels_last(rank),
                feature_group_count=channels,
                algorithm=algorithm,
            )
        return x

    return _layer.batched(run, inputs, rank)
