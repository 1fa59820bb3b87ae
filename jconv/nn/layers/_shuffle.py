"""Channels to space, and back; channels last, with any number of leading axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jconv.nn.layers import _layer


def pixel_shuffle(inputs: ArrayLike, factor: Sequence[int]) -> jax.Array:
    r"""Move channels to space, as PyTorch's `pixel_shuffle`.

    .. math:: y[r_1 n_1 + i,\; r_2 n_2 + j,\; c] = x[n_1,\; n_2,\; c\, r_1 r_2 + i\, r_2 + j]

    and likewise for any number of axes.

    Parameters
    ----------
    inputs : array (…, *space, C · ∏ r)
        Of any dtype.
    factor : sequence of int
        One r for each spatial axis.

    Returns
    -------
    array (…, *(r · size), C)

    Raises
    ------
    ValueError, TypeError
        When the channels are not a multiple of ∏ r, or ranks do not fit.

    Notes
    -----
    The gradient is `pixel_unshuffle`.

    Examples
    --------
    >>> pixel_shuffle(jnp.arange(4.0).reshape(1, 1, 1, 4), (2, 2))[0, :, :, 0]
    Array([[0., 1.],
           [2., 3.]], dtype=float...)
    """
    inputs, factor = jnp.asarray(inputs), _layer.each_axis("factor", factor)
    rank = len(factor)
    _layer.check_rank(inputs, rank)
    batch, space, channels = inputs.shape[: -rank - 1], inputs.shape[-rank - 1 : -1], inputs.shape[-1]
    size = math.prod(factor)
    count, rest = divmod(channels, size)
    if rest or not count:
        raise ValueError(f"`inputs` must have a multiple of {size} channels for factor {factor}, got {channels}")
    first = len(batch)
    x = inputs.reshape(*batch, *space, count, *factor)
    order = [axis for i in range(rank) for axis in (first + i, first + rank + 1 + i)]
    x = x.transpose(*range(first), *order, first + rank)
    return x.reshape(*batch, *(n * r for n, r in zip(space, factor)), count)


def pixel_unshuffle(inputs: ArrayLike, factor: Sequence[int]) -> jax.Array:
    r"""Move space to channels, the inverse of `pixel_shuffle`.

    .. math:: y[n_1,\; n_2,\; c\, r_1 r_2 + i\, r_2 + j] = x[r_1 n_1 + i,\; r_2 n_2 + j,\; c]

    Parameters
    ----------
    inputs : array (…, *(r · size), C)
        Of any dtype.
    factor : sequence of int
        One r for each spatial axis.

    Returns
    -------
    array (…, *space, C · ∏ r)

    Raises
    ------
    ValueError, TypeError
        When an axis is not a multiple of its r, or ranks do not fit.

    Notes
    -----
    The gradient is `pixel_shuffle`.

    Examples
    --------
    >>> pixel_unshuffle(jnp.arange(4.0).reshape(1, 2, 2, 1), (2, 2))[0, 0, 0]
    Array([0., 1., 2., 3.], dtype=float...)
    """
    inputs, factor = jnp.asarray(inputs), _layer.each_axis("factor", factor)
    rank = len(factor)
    _layer.check_rank(inputs, rank)
    batch, space, channels = inputs.shape[: -rank - 1], inputs.shape[-rank - 1 : -1], inputs.shape[-1]
    if any(n % r for n, r in zip(space, factor)):
        raise ValueError(f"`factor` {factor} must divide the spatial shape {space}; pad or crop the input")
    first = len(batch)
    x = inputs.reshape(*batch, *(m for n, r in zip(space, factor) for m in (n // r, r)), channels)
    kept, moved = range(first, first + 2 * rank, 2), range(first + 1, first + 2 * rank, 2)
    x = x.transpose(*range(first), *kept, first + 2 * rank, *moved)
    return x.reshape(*batch, *(n // r for n, r in zip(space, factor)), -1)
