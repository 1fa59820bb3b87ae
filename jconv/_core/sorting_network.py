"""Sorting networks: fixed sequences of compare-exchanges, pruned to the one output that is wanted.

Source: K. E. Batcher, *Sorting networks and their applications*, AFIPS 1968 (odd-even merge sort).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache


@lru_cache(maxsize=64)
def selection(count: int, rank: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Return the comparators (low, high) that output `rank` of a network for `count` inputs depends on, in layers."""
    live, kept = {rank}, []
    for a, b in reversed(list(_batcher(count))):
        if a in live or b in live:
            kept.append((a, b))
            live |= {a, b}
    layers: list[list[tuple[int, int]]] = []
    level: dict[int, int] = {}
    for a, b in reversed(kept):
        depth = max(level.get(a, 0), level.get(b, 0))
        level[a] = level[b] = depth + 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append((a, b))
    return tuple(map(tuple, layers))


def _batcher(count: int) -> Iterator[tuple[int, int]]:
    """Odd-even merge sort for any number of inputs (Knuth, TAOCP 3, algorithm 5.2.2M)."""
    span = 1
    while span < count:
        step = span
        while step >= 1:
            for j in range(step % span, count - step, 2 * step):
                for i in range(j, j + min(step, count - j - step)):
                    if i // (2 * span) == (i + step) // (2 * span):
                        yield i, i + step
            step //= 2
        span *= 2
