"""Interleaved timing of contenders in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import jax

REST, WAKE, TURN = 0.02, 0.03, 0.01  # seconds


def interleaved(
    contenders: dict[str, Callable[[], object]],
    rounds: int = 7,
    seconds: float = 2.0,
    rest: float = REST,
    wake: float = WAKE,
) -> dict[str, float]:
    """Median seconds of each contender, who take turns until the rounds or the time are used up.

    A turn is what a program does, calls in a loop: `wake` seconds of them, or one, do not count, then some are timed.
    Threads that sleep between operations are slow to wake on a processor that has slept. Before each turn the machine
    rests: the threads of PyTorch's OpenMP spin for some milliseconds after their work, and would take a core from
    whoever comes next.
    """
    usual = {}
    for name, call in contenders.items():
        jax.block_until_ready(call())  # compile, allocate
        usual[name] = min(per_call(call, 1) for _ in range(2))
    times: dict[str, list[float]] = {name: [] for name in contenders}
    begun = time.perf_counter()
    for turn in range(rounds):
        for name, call in contenders.items():
            time.sleep(rest)
            woken = time.perf_counter() + wake
            jax.block_until_ready(call())
            while time.perf_counter() < woken:
                jax.block_until_ready(call())
            times[name].append(per_call(call, max(1, min(1000, int(TURN / usual[name])))))
        if turn >= 2 and time.perf_counter() - begun > seconds:
            break
    return {name: statistics.median(values) for name, values in times.items()}


def per_call(call: Callable[[], object], repeats: int = 1) -> float:
    """Seconds of one call, the mean of `repeats`."""
    start = time.perf_counter()
    for _ in range(repeats):
        result = call()
    jax.block_until_ready(result)
    return (time.perf_counter() - start) / repeats


def geometric_mean(values) -> float:
    values = list(values)
    return statistics.geometric_mean(values) if values else float("nan")
