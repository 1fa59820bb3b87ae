"""Up-sampling: repeated, interpolated, or taken from channels; channels last, with any number of leading axes."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.nn.layers import _layer

METHODS = ("nearest", "linear", "bilinear", "trilinear")


def upsample(inputs, scale: Sequence[int], method: str = "nearest") -> jax.Array:
    r"""Enlarge each axis by an integer, as PyTorch's `Upsample` with `align_corners=False`.

    .. math:: y[s\, i + r] = (1 - |f|)\, x[i] + |f|\, x[i + \operatorname{sign} f], \qquad f = (r + 1/2) / s - 1/2

    for "linear", the border continued; "nearest" repeats every sample s times.

    Parameters
    ----------
    inputs : array (…, *space, C)
    scale : sequence of int
        One s for each spatial axis.
    method : "nearest" or "linear" (also called "bilinear" and "trilinear")

    Returns
    -------
    array (…, *(s · size), C)

    Raises
    ------
    ValueError, TypeError
        When ranks or options do not fit.

    Notes
    -----
    Slices and sums, no gather: so is the gradient. Other sizes: `resize`.

    Examples
    --------
    >>> upsample(jnp.array([0.0, 4.0]).reshape(1, 2, 1), (2,), "linear")[0, :, 0]
    Array([0., 1., 3., 4.], dtype=float...)
    """
    inputs, method = jnp.asarray(inputs), _method(method)
    scale = _layer.each_axis("scale", scale)
    _layer.check_rank(inputs, len(scale))
    inputs = _layer.floating(inputs) if method == "linear" else inputs
    first = inputs.ndim - len(scale) - 1
    for axis, s in enumerate(scale, start=first):
        if s > 1 and method == "nearest":
            inputs = jnp.repeat(inputs, s, axis=axis)
        elif s > 1:
            inputs = _phases(inputs, axis, s)
    return inputs


def resize(inputs, shape: Sequence[int], method: str = "nearest", *, align_corners: bool = False) -> jax.Array:
    """Sample each axis at another number of points, as PyTorch's `interpolate`.

    "nearest" takes sample ⌊i n / m⌋ of n for the i-th of m, "linear" interpolates at (i + 1/2) n / m − 1/2, the border
    continued, or with `align_corners` at i (n − 1) / (m − 1).

    Parameters
    ----------
    inputs : array (…, *space, C)
    shape : sequence of int
        Samples wanted along each spatial axis.
    method : "nearest" or "linear" (also called "bilinear" and "trilinear")
    align_corners : bool
        Only with "linear".

    Returns
    -------
    array (…, *shape, C)

    Raises
    ------
    ValueError, TypeError
        When ranks or options do not fit.

    Notes
    -----
    No low-pass where it shrinks, as in PyTorch; `jax.image.resize` has one. The gradient adds the weights to where they
    were taken from; enlarging by an integer is faster by `upsample`.

    Examples
    --------
    >>> resize(jnp.array([0.0, 3.0]).reshape(1, 2, 1), (4,), "linear", align_corners=True)[0, :, 0]
    Array([0., 1., 2., 3.], dtype=float...)
    """
    inputs, method = jnp.asarray(inputs), _method(method)
    if align_corners and method == "nearest":
        raise ValueError("`align_corners` is for method='linear'; leave it out with 'nearest'")
    shape = _layer.each_axis("shape", shape)
    _layer.check_rank(inputs, len(shape))
    first = inputs.ndim - len(shape) - 1
    if 0 in inputs.shape[first:-1]:
        raise ValueError(f"`inputs` must have at least one sample along each axis, got shape {inputs.shape}")
    inputs = _layer.floating(inputs) if method == "linear" else inputs
    for axis, m in enumerate(shape, start=first):
        n, i = inputs.shape[axis], np.arange(m)
        if method == "nearest":
            inputs = jnp.take(inputs, i * n // m, axis=axis)
            continue
        where = i * (n - 1) / max(m - 1, 1) if align_corners else np.maximum((i + 0.5) * n / m - 0.5, 0)
        low = np.minimum(where.astype(int), n - 1)
        share = jnp.asarray(where - low, inputs.dtype).reshape(-1, *(1,) * (inputs.ndim - 1 - axis))
        below, above = jnp.take(inputs, low, axis=axis), jnp.take(inputs, np.minimum(low + 1, n - 1), axis=axis)
        inputs = below * (1 - share) + above * share
    return inputs


def pixel_shuffle(inputs, factor: Sequence[int]) -> jax.Array:
    """Channels to space, as PyTorch's `pixel_shuffle`: (…, *space, C · ∏ r) to (…, *(r · size), C).

    The channel c ∏ r + i r₂ + j of a pixel becomes channel c of its sample (i, j); `factor` holds r for each spatial
    axis. A ValueError where the channels are no multiple of ∏ r. The gradient is `pixel_unshuffle`.

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
    wanted = int(np.prod(factor))
    count, rest = divmod(channels, wanted)
    if rest or not count:
        raise ValueError(f"`inputs` must have a multiple of {wanted} channels for factor {factor}, got {channels}")
    first = len(batch)
    x = inputs.reshape(*batch, *space, count, *factor)
    order = [axis for i in range(rank) for axis in (first + i, first + rank + 1 + i)]
    x = x.transpose(*range(first), *order, first + rank)
    return x.reshape(*batch, *(n * r for n, r in zip(space, factor)), count)


def pixel_unshuffle(inputs, factor: Sequence[int]) -> jax.Array:
    """Space to channels, the inverse of `pixel_shuffle`: (…, *(r · size), C) to (…, *space, C · ∏ r).

    A ValueError where an axis is no multiple of its r. The gradient is `pixel_shuffle`.

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


def _method(method: str) -> str:
    return "nearest" if check.choice("method", method, METHODS) == "nearest" else "linear"


def _phases(x, axis: int, scale: int):
    """Linear interpolation at the `scale` phases between samples: each a weighted sum of two neighbours."""
    n = x.shape[axis]
    wide = jnp.concatenate(
        [jax.lax.slice_in_dim(x, 0, 1, axis=axis), x, jax.lax.slice_in_dim(x, n - 1, n, axis=axis)], axis=axis
    )
    shifted = {step: jax.lax.slice_in_dim(wide, 1 + step, 1 + step + n, axis=axis) for step in (-1, 0, 1)}
    phases = []
    for r in range(scale):
        f = (r + 0.5) / scale - 0.5
        phases.append(shifted[0] * (1 - abs(f)) + shifted[1 if f >= 0 else -1] * abs(f))
    return jnp.stack(phases, axis=axis + 1).reshape(*x.shape[:axis], n * scale, *x.shape[axis + 1 :])
