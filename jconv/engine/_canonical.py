"""From the arguments of `lax.conv_general_dilated` to a canonical problem, and the arrays with it.

The transpositions written here cost nothing where they undo one that the caller made: XLA cancels the pair.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv.engine._problem import LOW_PRECISION, Problem

Run = Callable[[Problem, jax.Array, jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True)
class Geometry:
    """The arguments of `lax.conv_general_dilated` that are not arrays, as its primitive has them."""

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    dimension_numbers: lax.ConvDimensionNumbers
    feature_group_count: int = 1
    batch_group_count: int = 1


def crops_and_padding(padding, lhs_dilation, space: Sequence[int]):
    """Split a padding that may be negative into a crop of the input and a padding of zero or more.

    A negative padding removes samples of the zero-stuffed input. Removing c of them removes q = ⌈c / L⌉ real samples
    and leaves q L − c of the zeros that followed the last one removed.
    """
    crops, left = [], []
    for size, dilation, pair in zip(space, lhs_dilation, padding, strict=True):
        gone = [min(size, -(min(p, 0) // dilation)) for p in pair]
        stays = max(size - sum(gone), 0)
        crops.append((gone[0], gone[0] + stays))
        left.append(tuple(p + q * dilation for p, q in zip(pair, gone, strict=True)))
    return tuple(crops), tuple(left)


def _widened(geometry: Geometry) -> Geometry:
    """A convolution without spatial axes, a product of matrices, as one along a last axis of one sample and one tap."""
    numbers = lax.ConvDimensionNumbers(*((*spec, 2) for spec in geometry.dimension_numbers))
    return dataclasses.replace(
        geometry,
        strides=(1,),
        padding=((0, 0),),
        lhs_dilation=(1,),
        rhs_dilation=(1,),
        dimension_numbers=numbers,
    )


def canonicalize(
    geometry: Geometry,
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    dtype: str,
    *,
    precision: str = "default",
    platform: str = "cpu",
    portable: bool = False,
) -> Problem:
    """The canonical problem of a convolution as `lax` states it."""
    if not geometry.strides:
        geometry, lhs_shape, rhs_shape = _widened(geometry), (*lhs_shape, 1), (*rhs_shape, 1)
    lhs_spec, rhs_spec, _ = geometry.dimension_numbers
    space = [lhs_shape[i] for i in lhs_spec[2:]]
    crops, padding = crops_and_padding(geometry.padding, geometry.lhs_dilation, space)
    batches = geometry.batch_group_count
    # An axis cropped to nothing may leave a padding of either sign: the output is then zeros, of a size that the
    # planner never sees.
    padding = tuple((max(lo, 0), max(hi, 0)) for lo, hi in padding)
    taps = [rhs_shape[i] for i in rhs_spec[2:]]
    return Problem(
        lhs_shape=(
            lhs_shape[lhs_spec[0]] // batches,
            *(stop - start for start, stop in crops),
            lhs_shape[lhs_spec[1]] * batches,
        ),
        rhs_shape=(*taps, rhs_shape[rhs_spec[1]], rhs_shape[rhs_spec[0]]),
        strides=tuple(geometry.strides),
        padding=padding,
        lhs_dilation=tuple(geometry.lhs_dilation),
        rhs_dilation=tuple(geometry.rhs_dilation),
        groups=geometry.feature_group_count * batches,
        dtype=dtype,
        precision=precision,
        platform=platform,
        portable=portable,
    )


def out_shape(geometry: Geometry, lhs_shape: Sequence[int], rhs_shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of the result in the caller's order of axes."""
    lhs_spec, rhs_spec, out_spec = geometry.dimension_numbers
    shape = [0] * len(lhs_shape)
    shape[out_spec[0]] = lhs_shape[lhs_spec[0]] // geometry.batch_group_count
    shape[out_spec[1]] = rhs_shape[rhs_spec[0]]
    for axis, size, taps, stride, pair, l, d in zip(
        out_spec[2:],
        (lhs_shape[i] for i in lhs_spec[2:]),
        (rhs_shape[i] for i in rhs_spec[2:]),
        geometry.strides,
        geometry.padding,
        geometry.lhs_dilation,
        geometry.rhs_dilation,
        strict=True,
    ):
        extent = (max(size - 1, 0) * l + (size > 0)) + sum(pair)
        shape[axis] = max(0, (max(extent, 0) - ((taps - 1) * d + 1 if taps else 0)) // stride + 1)
    return tuple(shape)


def solve(problem: Problem, geometry: Geometry, lhs: jax.Array, rhs: jax.Array, run: Run) -> jax.Array:
    """Bring arrays in `lax`'s order into the canonical one, `run` the problem, and bring the result back."""
    shape = out_shape(geometry, lhs.shape, rhs.shape)
    if problem.is_empty or 0 in shape:
        return jnp.zeros(shape, lhs.dtype)
    if not geometry.strides:
        return solve(problem, _widened(geometry), lhs[..., None], rhs[..., None], run)[..., 0]
    lhs_spec, rhs_spec, out_spec = geometry.dimension_numbers
    crops, _ = crops_and_padding(geometry.padding, geometry.lhs_dilation, [lhs.shape[i] for i in lhs_spec[2:]])
    cut = [slice(None)] * lhs.ndim
    for axis, (start, stop) in zip(lhs_spec[2:], crops):
        cut[axis] = slice(start, stop)
    # Group g of the batch meets output channels of group g: that is a feature group, with its batch as channels. The
    # batch is split where it stands and all axes then move at once: an algorithm's first step may cancel that.
    batch, groups = lhs_spec[0], geometry.batch_group_count
    lhs = lhs[tuple(cut)]
    lhs = lhs.reshape(*lhs.shape[:batch], groups, problem.batch, *lhs.shape[batch + 1 :])
    moved = [axis + (axis >= batch) for axis in (batch, *lhs_spec[2:], lhs_spec[1])]
    lhs = jnp.transpose(lhs, (*moved[:-1], batch, moved[-1])).reshape(problem.lhs_shape)
    rhs = jnp.transpose(rhs, (*rhs_spec[2:], rhs_spec[1], rhs_spec[0]))
    out = run(problem, lhs, rhs)
    order = np.argsort([out_spec[0], *out_spec[2:], out_spec[1]])
    return jnp.transpose(out, tuple(int(i) for i in order))


def compute_dtype(dtype: str, platform: str = "cpu") -> str:
    """The dtype in which sums are taken: float16 and bfloat16 become float32, but for cuDNN, which accumulates so."""
    return "float32" if dtype in LOW_PRECISION and platform == "cpu" else dtype
