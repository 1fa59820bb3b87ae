"""From the arguments of `lax.conv_general_dilated` to the canonical form, and the way of the arrays there and back.

The transpositions written here cost nothing where they undo one that the caller made: XLA cancels the pair.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv.engine._problem import Crops, Geometry


@dataclasses.dataclass(frozen=True)
class LaxArguments:
    """The arguments of `lax.conv_general_dilated` that are not arrays, as its primitive has them."""

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    dimension_numbers: lax.ConvDimensionNumbers
    feature_group_count: int = 1
    batch_group_count: int = 1


def lax_arguments(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: lax.ConvGeneralDilatedDimensionNumbers = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
) -> LaxArguments:
    """Return `lax.conv_general_dilated`'s arguments in its order, with defaults filled in and padding in numbers."""
    numbers = lax.conv_dimension_numbers(tuple(lhs_shape), tuple(rhs_shape), dimension_numbers)
    n = len(lhs_shape) - 2
    lhs_dilation = tuple(int(v) for v in lhs_dilation or (1,) * n)
    rhs_dilation = tuple(int(v) for v in rhs_dilation or (1,) * n)
    if isinstance(padding, str):
        space = [lhs_shape[i] for i in numbers.lhs_spec[2:]]
        taps = [(rhs_shape[i] - 1) * d + 1 for i, d in zip(numbers.rhs_spec[2:], rhs_dilation)]
        padding = lax.padtype_to_pads(space, taps, window_strides, padding)
    return LaxArguments(
        strides=tuple(int(v) for v in window_strides),
        padding=tuple((int(lo), int(hi)) for lo, hi in padding),
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        dimension_numbers=numbers,
        feature_group_count=feature_group_count,
        batch_group_count=batch_group_count,
    )


@dataclasses.dataclass(frozen=True)
class Canonical:
    """A convolution in canonical form: its geometry, its shapes, and the way `into` it and `back`.

    Without spatial axes a convolution is a product of matrices; it becomes one along a last axis of one sample and one
    tap. A negative padding is left in the geometry: who computes crops, once.
    """

    geometry: Geometry
    lhs_shape: tuple[int, ...]
    rhs_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    """The shape of the result in the caller's order of axes."""
    _arguments: LaxArguments

    def into(self, lhs: jax.Array, rhs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Bring the caller's arrays into the canonical order of axes.

        Group g of the batch meets output channels of group g: that is a feature group, with its batch as channels. The
        batch is split where it stands and all axes then move at once: an algorithm's first step may cancel that.
        """
        lhs_spec, rhs_spec, _ = self._arguments.dimension_numbers
        axes = len(lhs_spec)
        lhs, rhs = (jnp.expand_dims(a, tuple(range(a.ndim, axes))) for a in (lhs, rhs))
        batch, groups = lhs_spec[0], self._arguments.batch_group_count
        lhs = lhs.reshape(*lhs.shape[:batch], groups, self.lhs_shape[0], *lhs.shape[batch + 1 :])
        moved = [axis + (axis >= batch) for axis in (batch, *lhs_spec[2:], lhs_spec[1])]
        lhs = jnp.transpose(lhs, (*moved[:-1], batch, moved[-1])).reshape(self.lhs_shape)
        return lhs, jnp.transpose(rhs, (*rhs_spec[2:], rhs_spec[1], rhs_spec[0]))

    def back(self, out: jax.Array) -> jax.Array:
        """Bring a canonical result into the caller's order of axes."""
        spec = self._arguments.dimension_numbers.out_spec
        order = np.argsort([spec[0], *spec[2:], spec[1]])
        return jnp.transpose(out, tuple(int(i) for i in order)).reshape(self.out_shape)


def canonicalize(arguments: LaxArguments, lhs_shape: Sequence[int], rhs_shape: Sequence[int]) -> Canonical:
    """Return the canonical form of a convolution as `lax` states it."""
    shape = _out_shape(arguments, lhs_shape, rhs_shape)
    if not arguments.strides:
        numbers = lax.ConvDimensionNumbers(*((*spec, 2) for spec in arguments.dimension_numbers))
        arguments = dataclasses.replace(
            arguments,
            strides=(1,),
            padding=((0, 0),),
            lhs_dilation=(1,),
            rhs_dilation=(1,),
            dimension_numbers=numbers,
        )
        lhs_shape, rhs_shape = (*lhs_shape, 1), (*rhs_shape, 1)
    lhs_spec, rhs_spec, _ = arguments.dimension_numbers
    batches = arguments.batch_group_count
    geometry = Geometry(
        arguments.strides,
        arguments.padding,
        arguments.lhs_dilation,
        arguments.rhs_dilation,
        arguments.feature_group_count * batches,
    )
    space, taps = ([s[i] for i in spec[2:]] for s, spec in ((lhs_shape, lhs_spec), (rhs_shape, rhs_spec)))
    lhs = (lhs_shape[lhs_spec[0]] // batches, *space, lhs_shape[lhs_spec[1]] * batches)
    return Canonical(geometry, lhs, (*taps, rhs_shape[rhs_spec[1]], rhs_shape[rhs_spec[0]]), shape, arguments)


def crop(lhs: jax.Array, crops: Crops) -> jax.Array:
    """Cut out the part of a canonical input that a geometry keeps, see `Geometry.cropped`."""
    return lhs[(slice(None), *(slice(*pair) for pair in crops), slice(None))]


def cropped_shape(shape: Sequence[int], crops: Crops) -> tuple[int, ...]:
    """Return the shape that `crop` leaves."""
    return (shape[0], *(stop - start for start, stop in crops), shape[-1])


def _out_shape(arguments: LaxArguments, lhs_shape: Sequence[int], rhs_shape: Sequence[int]) -> tuple[int, ...]:
    lhs_spec, rhs_spec, out_spec = arguments.dimension_numbers
    shape = [0] * len(lhs_shape)
    shape[out_spec[0]] = lhs_shape[lhs_spec[0]] // arguments.batch_group_count
    shape[out_spec[1]] = rhs_shape[rhs_spec[0]]
    for axis, size, taps, stride, pair, l, d in zip(
        out_spec[2:],
        (lhs_shape[i] for i in lhs_spec[2:]),
        (rhs_shape[i] for i in rhs_spec[2:]),
        arguments.strides,
        arguments.padding,
        arguments.lhs_dilation,
        arguments.rhs_dilation,
        strict=True,
    ):
        extent = (max(size - 1, 0) * l + (size > 0)) + sum(pair)
        shape[axis] = max(0, (max(extent, 0) - ((taps - 1) * d + 1 if taps else 0)) // stride + 1)
    return tuple(shape)
