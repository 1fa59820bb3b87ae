"""How much of an array is worked on at a time."""

from __future__ import annotations


def images_per_block(count: int, image_bytes: int, block_bytes: int) -> int:
    """How many of `count` images fill a block of so many bytes: a divisor of their number, at least one."""
    most = max(1, block_bytes // max(image_bytes, 1))
    return max(n for n in range(1, min(count, most) + 1) if count % n == 0)
