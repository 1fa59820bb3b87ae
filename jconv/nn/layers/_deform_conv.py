"""Deformable convolution: every tap is moved by an offset of its own, and looks between the samples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jconv.nn.layers import _layer
from jconv.nn.layers import _padding as pad


def deform_conv(
    inputs,
    offset,
    kernel,
    *,
    mask=None,
    strides: int | Sequence[int] = 1,
    padding: pad.Padding = 0,
    dilation: int | Sequence[int] = 1,
) -> jax.Array:
    r"""Convolution whose taps are moved, as torchvision's `deform_conv2d`, in any number of dimensions.

    .. math:: y[n, o] = \sum_{u, c} m[n, g(c), u]\; x(s\, n + d\, u - p + \Delta[n, g(c), u],\; c)\; k[u, c, o]

    where x(·) interpolates linearly between samples, zeros outside.

    Parameters
    ----------
    inputs : array (…, *space, C)
    offset : array (…, *out, G, taps, rank)
        Δ, in samples, for G offset groups of neighbouring channels and each tap, in row-major order of the taps; the
        last axis holds the displacement along each spatial axis.
    kernel : array (*taps, C // groups, C_out)
        Its last axis but one tells how many groups of channels there are.
    mask : array (…, *out, G, taps), optional
        m, which makes it version 2.
    strides, dilation : int or sequence of int
    padding : "VALID", "SAME", "SAME_LOWER", int, or for each axis one of them or a pair

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
    Gathers 2^rank samples for each tap, so its cost is memory traffic. The gradient in the offset is the slope of the
    interpolation; on a sample, where it has two, the one to the right. Sources: Dai et al., "Deformable convolutional
    networks" (2017); Zhu et al., "Deformable ConvNets v2" (2019).

    Examples
    --------
    >>> x, k = jnp.arange(6.0).reshape(6, 1), jnp.ones((1, 1, 1))
    >>> deform_conv(x, jnp.full((6, 1, 1, 1), 0.5), k)[:, 0]
    Array([0.5, 1.5, 2.5, 3.5, 4.5, 2.5], dtype=float...)
    """
    inputs, offset, kernel = jnp.asarray(inputs), jnp.asarray(offset), jnp.asarray(kernel)
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
    entries = pad.canonical(padding, rank, ("SAME", "SAME_LOWER", "VALID"))
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
    if mask is not None and jnp.shape(mask) != expected[:-1]:
        raise ValueError(f"`mask` must have the shape of `offset` without its last axis, {expected[:-1]}, "
                         f"got {jnp.shape(mask)}")  # fmt: skip
    lattice = _lattice(axes, widths, out)
    single = partial(_sampled, lattice=jnp.asarray(lattice, offset.dtype))
    flat = lambda array, kept: array.reshape(math.prod(batch), *array.shape[array.ndim - kept :])
    taken = jax.vmap(single)(flat(inputs, rank + 1), flat(offset, rank + 3))
    if mask is not None:
        taken = taken * flat(jnp.asarray(mask), rank + 2)[..., None]
    # (N, *out, G, taps, C / G) to (N, *out, taps, groups, C / groups)
    taken = jnp.moveaxis(taken, -2, -3).reshape(*taken.shape[: rank + 1], count, channels // share, share)
    weights = kernel.reshape(count, share, channels // share, features // (channels // share))
    result = jnp.einsum("n...kgi,kigo->n...go", taken, weights)
    return result.reshape(*batch, *out, features)


def _lattice(axes, widths, out) -> np.ndarray:
    """Where the taps stand without offsets: (*out, taps, rank)."""
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


def _sampled(x: jax.Array, offset: jax.Array, *, lattice: jax.Array) -> jax.Array:
    """Samples (*out, G, taps, C / G) of x (*space, C) at lattice + offset, interpolated linearly, zero outside."""
    *space, channels = x.shape
    parts = offset.shape[-3]
    where = jnp.expand_dims(lattice, -3) + offset
    floor = jnp.floor(where)
    share = where - floor
    first = floor.astype(jnp.int32)
    # One row for each sample; each group of channels has a table of its own.
    table = jnp.moveaxis(x.reshape(math.prod(space), parts, channels // parts), 1, 0)
    look = jax.vmap(lambda rows, index: rows[index], in_axes=(0, -2), out_axes=-3)
    total = None
    for corner in itertools.product((0, 1), repeat=len(space)):
        index, weight = jnp.zeros(first.shape[:-1], jnp.int32), jnp.ones(first.shape[:-1], share.dtype)
        inside = jnp.ones(first.shape[:-1], bool)
        for i, (step, size) in enumerate(zip(corner, space)):
            at = first[..., i] + step
            inside = inside & (at >= 0) & (at < size)
            index = index * size + jnp.clip(at, 0, size - 1)
            weight = weight * (share[..., i] if step else 1 - share[..., i])
        term = look(table, index) * jnp.where(inside, weight, 0)[..., None]
        total = term if total is None else total + term
    assert total is not None
    return total
