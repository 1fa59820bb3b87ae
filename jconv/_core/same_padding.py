"""The padding that is called "SAME": ⌈n / s⌉ outputs."""

from __future__ import annotations


def same_padding(size: int, reach: int, stride: int = 1, *, lower: bool = False) -> tuple[int, int]:
    """Zeros before and after `size` samples for ⌈size / stride⌉ outputs of a kernel that reaches over `reach` samples.

    An odd zero stands after the samples, or before them with `lower`, as in `jax.lax` ("SAME" and "SAME_LOWER").

    >>> same_padding(5, 4), same_padding(5, 4, lower=True), same_padding(5, 3, 2)
    ((1, 2), (2, 1), (1, 1))
    """
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    half = total // 2
    return (total - half, half) if lower else (half, total - half)
