"""Deformable convolution: every tap is moved by its own offset, and reads between the samples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jconv.nn.layers import _dtypes, _layer
from jconv.nn.layers import _padding as pad


def deform_conv(
    inputs: ArrayLike,
    offset: ArrayLike,
    kernel: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    strides: int | Sequence[int] = 1,
    padding: pad.Padding = 0,
    dilation: int | Sequence[int] = 1,
) -> jax.Array:
    r"""Convolve with taps that are moved, as torchvision's `deform_conv2d`, in any number of dimensions.

    .. math:: y[n, o] = \sum_{u, c} m[n, g(c), u]\; x(s\, n + d\, u - p + \Delta[n, g(c), u],\; c)\; k[u, c, o]

    where x(·) interpolates linearly between samples, zeros outside.

    Parameters
    ----------
    inputs : array (…, *space, C)
        Samples.
    offset : array (…, *out, G, taps, rank)
        Δ, in samples, for G offset groups of neighbouring channels and each tap, in row-major order of the taps; the
        last axis holds the displacement along each spatial axis.
    kernel : array (*taps, C // groups, C_out)
        Its last axis but one determines the number of groups of channels.
    mask : array (…, *out, G, taps), optional
        m, which makes it version 2.
    strides : int or sequence of int
        s, the distance of neighbouring outputs. Default 1.
    padding : "VALID", "SAME", "SAME_LOWER", int, or for each axis one of them or a pair
        As in `jconv.nn.Conv`. Default 0.
    dilation : int or sequence of int
        d, the distance of neighbouring taps. Default 1.

    Returns
    -------
    array (…, *out, C_out)

    Raises
    ------
    ValueError, TypeError
        When shapes or options do not fit.

    Notes
    -----
    torchvision's offset (N, 2 G taps, H, W) is this one with its channels split into (G, taps, 2) and moved last.
    Gathers 2^rank samples for each tap, so its cost is memory traffic. Positions and interpolated samples are computed
    in float32 at least, and rounded to the dtype of the result before they meet the kernel. The gradient in the offset
    is the slope of the interpolation; on a sample, where it has two, the one to the right. Sources: Dai et al.,
    "Deformable convolutional networks" (2017); Zhu et al., "Deformable ConvNets v2" (2019).

    Examples
    --------
    >>> x, k = jnp.arange(6.0).reshape(6, 1), jnp.ones((1, 1, 1))
    >>> deform_conv(x, jnp.full((6, 1, 1, 1), 0.5), k)[:, 0]
    Array([0.5, 1.5, 2.5, 3.5, 4.5, 2.5], dtype=float...)
    """
    inputs, offset, kernel = jnp.asarray(inputs), jnp.asarray(offset), jnp.asarray(kernel)
    mask = None if mask is None else jnp.asarray(mask)
    *taps, share, features = kernel.shape
    rank, channels = len(taps), inputs.shape[-1] if inputs.ndim else 0
    if rank < 1:
        raise ValueError(f"`kernel` must have shape (*taps, C // groups, C_out), got {kernel.shape}")
    _layer.check_rank(inputs, rank)
    if channels % share or features % (channels // share):
        raise ValueError(
            f"`inputs` has {channels} channels, which `kernel` of shape {kernel.shape} cannot split into groups"
        )
    axes = pad.axes(taps, _layer.sizes("strides", strides, rank), _layer.sizes("dilation", dilation, rank))
    batch, space = inputs.shape[: -rank - 1], inputs.shape[-rank - 1 : -1]
    entries = pad.canonicalize(padding, rank, ("SAME", "SAME_LOWER", "VALID"))
    widths = [pad.width(entry, size, axis) for entry, size, axis in zip(entries, space, axes)]
    _layer.check_reach(space, widths, axes)
    out = tuple((n + sum(pair) - axis.reach) // axis.stride + 1 for n, pair, axis in zip(space, widths, axes))
    count = math.prod(taps)
    parts = offset.shape[-3] if offset.ndim >= 3 else 0
    expected = (*batch, *out, parts, count, rank)
    if offset.shape != expected or not parts or channels % parts:
        raise ValueError(
            f"`offset` must have shape {(*batch, *out, 'G', count, rank)} with G dividing the {channels} channels, got "
            f"{offset.shape}".replace("'G'", "G")
        )
    if mask is not None and mask.shape != expected[:-1]:
        raise ValueError(
            f"`mask` must have the shape of `offset` without its last axis, {expected[:-1]}, got {mask.shape}"
        )
    arrays = (inputs, offset, kernel) if mask is None else (inputs, offset, kernel, mask)
    dtype = _dtypes.promote(*(_dtypes.to_floating(array).dtype for array in arrays))
    work = _dtypes.widen_dtype(dtype)
    flatten = lambda array, kept: array.astype(work).reshape(math.prod(batch), *array.shape[array.ndim - kept :])
    sample = partial(_sample, lattice=jnp.asarray(_lattice(axes, widths, out), work))
    samples = jax.vmap(sample)(flatten(inputs, rank + 1), flatten(offset, rank + 3))
    if mask is not None:
        samples = samples * flatten(mask, rank + 2)[..., None]
    # (N, *out, G, taps, C / G) to (N, *out, taps, groups, C / groups)
    samples = jnp.moveaxis(samples, -2, -3).reshape(*samples.shape[: rank + 1], count, channels // share, share)
    weights = kernel.reshape(count, share, channels // share, features // (channels // share))
    result = jnp.einsum("n...kgi,kigo->n...go", samples.astype(dtype), weights.astype(dtype))
    return result.reshape(*batch, *out, features)


def _lattice(axes: Sequence[pad.Axis], widths: Sequence[pad.Pair], out: Sequence[int]) -> np.ndarray:
    """Return the positions of the taps without offsets: (*out, taps, rank)."""
    along = [
        np.arange(m)[:, None] * axis.stride + np.arange(axis.taps) * axis.dilation - lo
        for m, axis, (lo, _) in zip(out, axes, widths)
    ]
    rank = len(along)
    grids = []
    for i, positions in enumerate(along):
        shape = [1] * (2 * rank)
        shape[i], shape[rank + i] = positions.shape
        grids.append(np.broadcast_to(positions.reshape(shape), [*out, *(a.taps for a in axes)]))
    return np.stack(grids, axis=-1).reshape(*out, -1, rank)


def _sample(x: jax.Array, offset: jax.Array, *, lattice: jax.Array) -> jax.Array:
    """Interpolate x (*space, C) linearly at lattice + offset, zeros outside: (*out, G, taps, C / G)."""
    *space, channels = x.shape
    parts = offset.shape[-3]
    where = jnp.expand_dims(lattice, -3) + offset
    floor = jnp.floor(where)
    share = where - floor
    # Far outside all samples are zero; there a position may exceed what int32 holds.
    first = [jnp.clip(floor[..., i], -2, size).astype(jnp.int32) for i, size in enumerate(space)]
    # One row for each sample; each group of channels has its own table.
    table = jnp.moveaxis(x.reshape(math.prod(space), parts, channels // parts), 1, 0)
    look = jax.vmap(lambda rows, index: rows[index], in_axes=(0, -2), out_axes=-3)
    total = jnp.zeros(())
    for corner in itertools.product((0, 1), repeat=len(space)):
        index, weight = jnp.zeros(first[0].shape, jnp.int32), jnp.ones(first[0].shape, share.dtype)
        inside = jnp.ones(first[0].shape, bool)
        for i, (step, size) in enumerate(zip(corner, space)):
            at = first[i] + step
            inside = inside & (at >= 0) & (at < size)
            index = index * size + jnp.clip(at, 0, size - 1)
            weight = weight * (share[..., i] if step else 1 - share[..., i])
        term = look(table, index) * jnp.where(inside, weight, 0)[..., None]
        total = term if not any(corner) else total + term
    return total
