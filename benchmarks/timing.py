"""Interleaved timing of contenders in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import jax

REST, TURN, LONG = 0.02, 3e-3, 0.2  # seconds


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int = 7, seconds: float = 2.0) -> dict[str, float]:
    """Median seconds of each contender; one call of each in turn, until the rounds or the time are used up.

    A contender that takes less than a few milliseconds is called several times in its turn. Before each turn the
    machine rests for a moment: the threads of PyTorch's OpenMP spin for some milliseconds after their work, and would
    take a core from whoever comes next. The first call of a turn, which wakes a contender's own threads and fills the
    caches, does not count: programs call it in a loop. Where a call takes `LONG` that makes no difference.
    """
    repeats, brief = {}, {}
    for name, call in contenders.items():
        jax.block_until_ready(call())  # compile, allocate
        start = time.perf_counter()
        jax.block_until_ready(call())
        taken = time.perf_counter() - start
        repeats[name], brief[name] = max(1, min(50, int(TURN / max(taken, 1e-7)))), taken < LONG
    times: dict[str, list[float]] = {name: [] for name in contenders}
    begun = time.perf_counter()
    for turn in range(rounds):
        for name, call in contenders.items():
            time.sleep(REST)
            if brief[name]:
                jax.block_until_ready(call())
            start = time.perf_counter()
            for _ in range(repeats[name]):
                result = call()
            jax.block_until_ready(result)
            times[name].append((time.perf_counter() - start) / repeats[name])
        if turn >= 2 and time.perf_counter() - begun > seconds:
            break
    return {name: statistics.median(values) for name, values in times.items()}


def geometric_mean(values) -> float:
    values = list(values)
    return statistics.geometric_mean(values) if values else float("nan")
