"""What is to be computed: a frozen, hashable description of one convolution, in one canonical form.

Canonical means: channels last, output channels ordered by group, no batch groups, no negative padding.

    out[b, o, g·m + j] = Σ_{k, i} x[b, s·o + d·k − p, g·I + i] · w[k, i, g·m + j]

with x (N, *space, G·I) zero-stuffed by `lhs_dilation` and zero outside, w (*taps, I, G·m), out (N, *out, G·m).
"""

from __future__ import annotations

import dataclasses
import math
from functools import cached_property

import numpy as np

LOW_PRECISION = ("float16", "bfloat16")


@dataclasses.dataclass(frozen=True)
class Problem:
    """One convolution: shapes, geometry, dtype and where it runs. No arrays.

    `precision` says how products are computed, see `lax_face.precision_name`; `portable` forbids custom calls, for
    programs that leave this process or are partitioned over devices by XLA. With `free_borders` the outputs near a
    padded end may be anything: those whose taps reach over it, and one line more. Whoever asks writes over them.
    """

    lhs_shape: tuple[int, ...]
    rhs_shape: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    groups: int
    dtype: str
    precision: str = "default"
    platform: str = "cpu"
    portable: bool = False
    free_borders: bool = False

    def __post_init__(self):
        if any(p < 0 for pair in self.padding for p in pair):
            raise ValueError(f"a canonical problem has no negative `padding`, got {self.padding}; crop the input")
        if self.platform == "cpu" and self.precision == "high":  # all products there are
            object.__setattr__(self, "precision", "default")

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
        return tuple(
            max(0, (dilated(n, l) + sum(p) - dilated(k, d)) // s + 1)
            for n, k, s, p, l, d in zip(
                self.space, self.taps, self.strides, self.padding, self.lhs_dilation, self.rhs_dilation, strict=True
            )
        )

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

    def replace(self, **changes) -> Problem:
        return dataclasses.replace(self, **changes)


def dilated(size: int, dilation: int) -> int:
    """The extent of `size` samples set `dilation` apart."""
    return 0 if size == 0 else (size - 1) * dilation + 1


def unit(problem: Problem, *names: str) -> bool:
    """Whether the named geometry fields are all ones."""
    return all(v == 1 for name in names for v in getattr(problem, name))
