"""Interleaved timing of contenders in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import jax

REST = 0.02


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int = 7, seconds: float = 2.0) -> dict[str, float]:
    """Median seconds of each contender; one call of each in turn, until the rounds or the time are used up.

    A contender that takes less than a millisecond is called several times in its turn. Before each turn the machine
    rests for a moment: the threads of PyTorch's OpenMP spin for some milliseconds after their work, and would take a
    core from whoever comes next.
    """
    repeats = {}
    for name, call in contenders.items():
        jax.block_until_ready(call())  # compile, allocate
        start = time.perf_counter()
        jax.block_until_ready(call())
        repeats[name] = max(1, min(50, int(1e-3 / max(time.perf_counter() - start, 1e-7))))
    times: dict[str, list[float]] = {name: [] for name in contenders}
    begun = time.perf_counter()
    for turn in range(rounds):
        for name, call in contenders.items():
            time.sleep(REST)
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
