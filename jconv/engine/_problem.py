"""What is to be computed: a frozen, hashable description of one convolution, in one canonical form.

Canonical means: channels last, output channels ordered by group, no batch groups, no negative padding.

    out[b, o, g·m + j] = Σ_{k, i} x[b, s·o + d·k − p, g·I + i] · w[k, i, g·m + j]

with x (N, *space, G·I) zero-stuffed by `lhs_dilation` and zero outside, w (*taps, I, G·m), out (N, *out, G·m).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from jconv.engine._separable_kernel import SeparableKernel
from jconv.engine._target import Target

LOW_PRECISION = ("float16", "bfloat16")

Crops = tuple[tuple[int, int], ...]
"""The part [start, stop) of the input that is kept along each spatial axis."""


@dataclasses.dataclass(frozen=True)
class Geometry:
    """How the kernel meets the input: the window of a convolution, without sizes.

    `padding` may be negative, as in lax, until `cropped` has been taken.
    """

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    groups: int

    def out_space(self, space: Sequence[int], taps: Sequence[int]) -> tuple[int, ...]:
        """Return the number of outputs along each spatial axis."""
        return tuple(
            max(0, (max(dilated(n, l) + sum(p), 0) - dilated(k, d)) // s + 1)
            for n, k, s, p, l, d in zip(
                space, taps, self.strides, self.padding, self.lhs_dilation, self.rhs_dilation, strict=True
            )
        )

    def cropped(self, space: Sequence[int], taps: Sequence[int]) -> tuple[Crops, Geometry]:
        """Return the part of the input that is kept, and the geometry on that part, without negative padding.

        A negative padding removes samples of the zero-stuffed input. Removing c of them removes q = ⌈c / L⌉ real
        samples and leaves q L − c of the zeros that followed the last one removed. Where nothing is left the padding
        may be of either sign; it is then set to zero, for the result is zero whatever it is. One sample, or one tap,
        has no distance to the next: its dilation becomes one.
        """
        crops, padding = [], []
        for size, dilation, pair in zip(space, self.lhs_dilation, self.padding, strict=True):
            removed = [min(size, -(min(p, 0) // dilation)) for p in pair]
            kept = max(size - sum(removed), 0)
            crops.append((removed[0], removed[0] + kept))
            padding.append(tuple(max(p + q * dilation, 0) for p, q in zip(pair, removed, strict=True)))
        return tuple(crops), Geometry(
            self.strides,
            tuple(padding),
            tuple(1 if stop - start == 1 else l for (start, stop), l in zip(crops, self.lhs_dilation)),
            tuple(1 if k == 1 else d for k, d in zip(taps, self.rhs_dilation)),
            self.groups,
        )


_GEOMETRY = tuple(field.name for field in dataclasses.fields(Geometry))


@dataclasses.dataclass(frozen=True)
class Problem:
    """One convolution: geometry, shapes, dtype, and what it is compiled for. It holds no arrays of the program.

    `precision` says how products are computed, see `_api.lax.precision_name`. With `free_borders` the outputs near a
    padded end may have any value: those whose taps reach over it, and one line more; the caller overwrites them.
    `separable` holds a kernel of one channel as a sum of outer products, where its numbers are known.
    """

    geometry: Geometry
    lhs_shape: tuple[int, ...]
    rhs_shape: tuple[int, ...]
    dtype: str
    precision: str
    target: Target
    free_borders: bool = False
    separable: SeparableKernel | None = None

    def __post_init__(self) -> None:
        if any(p < 0 for pair in self.padding for p in pair):
            raise ValueError(f"a canonical problem has no negative `padding`, got {self.padding}; crop the input")

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

    @property
    def groups(self) -> int:
        return self.geometry.groups

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return len(self.strides)

    @property
    def space(self) -> tuple[int, ...]:
        return self.lhs_shape[1:-1]

    @property
    def taps(self) -> tuple[int, ...]:
        return self.rhs_shape[:-2]

    @property
    def batch(self) -> int:
        return self.lhs_shape[0]

    @property
    def in_channels(self) -> int:
        """Input channels of one group, I."""
        return self.rhs_shape[-2]

    @property
    def out_channels(self) -> int:
        """Output channels of all groups, G·m."""
        return self.rhs_shape[-1]

    @property
    def multiplier(self) -> int:
        """Output channels of one group, m."""
        return self.out_channels // self.groups

    @cached_property
    def out_space(self) -> tuple[int, ...]:
        return self.geometry.out_space(self.space, self.taps)

    @property
    def out_shape(self) -> tuple[int, ...]:
        return (self.batch, *self.out_space, self.out_channels)

    @cached_property
    def tap_count(self) -> int:
        return math.prod(self.taps)

    @cached_property
    def flops(self) -> float:
        """Floating-point operations of the plain sum, skipping the zeros that `lhs_dilation` inserts."""
        per_output = 2 * self.tap_count * self.in_channels / math.prod(self.lhs_dilation)
        return math.prod(self.out_shape) * per_output

    @property
    def itemsize(self) -> int:
        return np.dtype(self.dtype).itemsize

    @cached_property
    def io_bytes(self) -> int:
        """Bytes of input, kernel and output."""
        sizes = math.prod(self.lhs_shape) + math.prod(self.rhs_shape) + math.prod(self.out_shape)
        return sizes * self.itemsize

    @property
    def is_empty(self) -> bool:
        """Whether nothing is summed, or nothing comes out."""
        return 0 in self.out_shape or 0 in self.lhs_shape or 0 in self.rhs_shape

    @property
    def is_real(self) -> bool:
        return self.dtype in ("float32", "float64")

    @property
    def is_complex(self) -> bool:
        return self.dtype.startswith("complex")

    def replace(self, **changes: Any) -> Problem:
        """Return the problem with other fields, those of its geometry among them.

        A problem of another shape or geometry has another kernel, whose separable form is not known.
        """
        geometry = {name: changes.pop(name) for name in _GEOMETRY if name in changes}
        if geometry:
            changes["geometry"] = dataclasses.replace(self.geometry, **geometry)
        if changes.keys() & {"geometry", "lhs_shape", "rhs_shape"}:
            changes.setdefault("separable", None)
        return dataclasses.replace(self, **changes)


def dilated(size: int, dilation: int) -> int:
    """Return the extent of `size` samples set `dilation` apart."""
    return 0 if size == 0 else (size - 1) * dilation + 1


def unit(problem: Problem, *names: str) -> bool:
    """Whether the named geometry fields are all ones."""
    return all(v == 1 for name in names for v in getattr(problem, name))


def compute_dtype(dtype: str, platform: str) -> str:
    """Return the dtype of the sums: float16 and bfloat16 become float32, but for cuDNN, which accumulates so."""
    return "float32" if dtype in LOW_PRECISION and platform == "cpu" else dtype
