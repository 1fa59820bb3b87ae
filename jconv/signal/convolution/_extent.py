"""Which samples of the full convolution an output extent keeps.

The full convolution of sizes n and k has n + k - 1 samples along each axis. A mode keeps those in
[start, start + length):

    full    0                n + k - 1
    same    (k - 1) // 2     n
    valid   min(n, k) - 1    |n - k| + 1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import jax

Mode = Literal["full", "valid", "same"]
MODES = get_args(Mode)

Span = tuple[int, int]


def spans(mode: str, shape1: tuple[int, ...], shape2: tuple[int, ...]) -> tuple[Span, ...]:
    """(start, length) along each axis, in the full convolution."""
    if mode == "full":
        return tuple((0, n + k - 1) for n, k in zip(shape1, shape2, strict=True))
    if mode == "same":
        return tuple(((k - 1) // 2, n) for n, k in zip(shape1, shape2, strict=True))
    return tuple((min(n, k) - 1, abs(n - k) + 1) for n, k in zip(shape1, shape2, strict=True))


def window(shape: Sequence[int], taps: Sequence[int], spans: Sequence[Span]) -> list[tuple[int, int]]:
    """By how many samples (before, after) what the samples in `spans` see exceeds a signal of `shape`; negative crops.

    Sample m of the full convolution with a kernel of k taps sees the samples m - k + 1 … m.
    """
    return [(k - 1 - s, s + m - n) for n, k, (s, m) in zip(shape, taps, spans, strict=True)]


def valid_needs_swap(shape1: tuple[int, ...], shape2: tuple[int, ...], axes: Iterable[int] | None = None) -> bool:
    """Whether the second array is the larger one; a ValueError if neither contains the other."""
    axes = range(len(shape1)) if axes is None else tuple(axes)
    if all(shape1[i] >= shape2[i] for i in axes):
        return False
    if all(shape2[i] >= shape1[i] for i in axes):
        return True
    raise ValueError(
        "For 'valid' mode, one must be at least as large as the other in every dimension; got `in1` of shape "
        f"{shape1} and `in2` of shape {shape2}; crop one of them or use mode='full'"
    )


def check_mode(mode: str) -> None:
    """Raise a ValueError that lists the modes unless `mode` is one."""
    if not isinstance(mode, str) or mode not in MODES:
        raise ValueError(f"acceptable mode flags are 'valid', 'same', or 'full'; got `mode`={mode!r}")


def check_same_rank(in1: jax.Array | jax.ShapeDtypeStruct, in2: jax.Array | jax.ShapeDtypeStruct) -> None:
    """Raise a ValueError unless both arrays have one rank."""
    if in1.ndim != in2.ndim:
        raise ValueError(
            f"in1 and in2 should have the same dimensionality, got shapes {in1.shape} and {in2.shape}; "
            "add axes of size 1, or use jax.vmap over the surplus axes"
        )
