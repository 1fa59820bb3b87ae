"""Slices, paddings and index sets that several algorithms share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jconv.engine._problem import Geometry, Problem


class Window(NamedTuple):
    """How taps meet samples, without channels: what the functions below read of a problem."""

    geometry: Geometry
    taps: tuple[int, ...]
    out_space: tuple[int, ...]

    @property
    def strides(self) -> tuple[int, ...]:
        return self.geometry.strides

    @property
    def padding(self) -> tuple[tuple[int, int], ...]:
        return self.geometry.padding

    @property
    def lhs_dilation(self) -> tuple[int, ...]:
        return self.geometry.lhs_dilation

    @property
    def rhs_dilation(self) -> tuple[int, ...]:
        return self.geometry.rhs_dilation


def zero_pad(problem: Problem | Window, lhs: jax.Array) -> jax.Array:
    """The input with its zeros around (and between, where it is dilated), and no more samples than are read."""
    config = []
    for n, k, o, s, (lo, _), l, d in zip(
        lhs.shape[1:-1],
        problem.taps,
        problem.out_space,
        problem.strides,
        problem.padding,
        problem.lhs_dilation,
        problem.rhs_dilation,
    ):
        read = s * (o - 1) + d * (k - 1) + 1
        config.append((lo, read - lo - ((n - 1) * l + 1), l - 1))
    if all(c == (0, 0, 0) for c in config):
        return lhs
    return lax.pad(lhs, jnp.zeros((), lhs.dtype), [(0, 0, 0), *config, (0, 0, 0)])


def tap_indices(problem: Problem | Window) -> Iterator[tuple[int, ...]]:
    """All taps of the kernel, in row-major order."""
    return itertools.product(*(range(k) for k in problem.taps))


def tap_slice(problem: Problem | Window, padded: jax.Array, tap: tuple[int, ...]) -> jax.Array:
    """The samples of the padded input that one tap meets, one for each output; axes that `tap` lacks stay whole."""
    starts = [d * t for d, t in zip(problem.rhs_dilation, tap)]
    stops = [b + s * (o - 1) + 1 for b, s, o in zip(starts, problem.strides, problem.out_space)]
    whole = padded.shape[1 + len(tap) :]
    return lax.slice(
        padded,
        (0, *starts, *[0] * len(whole)),
        (padded.shape[0], *stops, *whole),
        (1, *problem.strides[: len(tap)], *[1] * len(whole)),
    )


def pad_to(x: jax.Array, axis: int, size: int) -> jax.Array:
    """`x` with zeros behind it along one axis, up to `size`."""
    if x.shape[axis] == size:
        return x
    widths = [(0, 0)] * x.ndim
    widths[axis] = (0, size - x.shape[axis])
    return jnp.pad(x, widths)
