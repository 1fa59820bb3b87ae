"""Lengths that FFTs like."""

from __future__ import annotations

import functools


@functools.lru_cache(maxsize=4096)
def fast_length(n: int) -> int:
    """Return the smallest even 2^a 3^b 5^c (or 1) that is at least n.

    The FFT in jaxlib has fast kernels for these factors; an even length lets a real transform be half a complex one.

    >>> fast_length(1023), fast_length(61)
    (1024, 64)
    """
    if n <= 1:
        return 1
    best = 1 << (n - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            two = max(2, 1 << max((-(-n // three) - 1).bit_length(), 0))
            best = min(best, three * two)
            three *= 3
        five *= 5
    return best
