"""Refit the cost model: `python -m benchmarks.fit TIMES.json …` rewrites the table in `jconv/engine/constants.py`.

`python -m benchmarks.fit --measure TIMES.json` measures first: every algorithm on every benchmark problem, about ten
minutes. The fit minimises Σ log² (Σ cᵢ fᵢ / t), robustly, over cᵢ ≥ 0 for each algorithm.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import pprint
import re
import time
from pathlib import Path

import jax
import numpy as np
from scipy.optimize import least_squares, nnls

from benchmarks import contenders
from benchmarks.layers import LAYERS
from benchmarks.single import SINGLES
from benchmarks.timing import interleaved
from jconv.engine import constants, planner
from jconv.engine.algorithms import ALGORITHMS
from jconv.engine.problem import Problem

# What nothing costs less than, on any machine: the data cannot tell these apart where they are small.
FLOORS = {"steps": 3e-6, "calls": 2e-5, "loop_bytes": 2e-11, "bytes": 3e-11}
HOPELESS = 4  # an algorithm this many times slower than the best so far is not timed again


def measure(path: Path) -> None:
    """Time every algorithm on every problem; the file grows as it goes."""
    rows = []
    for layer in (*LAYERS, *SINGLES):
        arrays, problems = contenders.data(layer), contenders.problems(layer)
        lax = contenders.by_lax(layer, arrays)
        for name in contenders.PASSES if layer in LAYERS else ("forward",):
            problem = problems[name]
            calls = {"xla": functools.partial(lax[name][0], *lax[name][1])}
            for algorithm in ALGORITHMS:
                if algorithm != "xla" and _worth_timing(algorithm, problem):
                    forced = contenders.Forced(algorithm=algorithm)
                    function, operands = contenders.by_jconv(layer, arrays, forced)[name]
                    calls[algorithm] = functools.partial(function, *operands)
            times = _times(calls)
            print(f"{layer.name:24}{name:8}", *(f"{k} {1e3 * v:.2f}" for k, v in times.items()), flush=True)
            rows.append({"layer": layer.name, "pass": name, "problem": dataclasses.asdict(problem), "times": times})
        path.write_text(json.dumps(rows))
        jax.clear_caches()


def _worth_timing(algorithm: str, problem: Problem) -> bool:
    if ALGORITHMS[algorithm].supports(problem) is not None:
        return False
    return not (algorithm == "fft" and problem.in_channels * problem.multiplier > 64)


def _times(calls) -> dict[str, float]:
    """Medians, interleaved; what is hopelessly slow is called once and counts with that."""
    kept, times = {}, {}
    for name, call in calls.items():
        jax.block_until_ready(call())
        start = time.perf_counter()
        jax.block_until_ready(call())
        times[name] = time.perf_counter() - start
        if times[name] < max(HOPELESS * min(times.values()), 0.01):
            kept[name] = call
    return {**times, **interleaved(kept, rounds=5, seconds=0.5)}


def problem_of(row) -> Problem:
    def tuples(value):
        return tuple(tuples(v) for v in value) if isinstance(value, list) else value

    return Problem(**{key: tuples(value) for key, value in row["problem"].items()})


def fit(rows) -> dict[str, dict[str, float]]:
    """Constants of every algorithm: first those that do their own work, then those that leave parts to others."""
    samples: dict[str, list] = {}
    for row in rows:
        problem = problem_of(row)
        for name, seconds in row["times"].items():
            if name in ALGORITHMS and ALGORITHMS[name].supports(problem) is None:
                samples.setdefault(name, []).append((problem, seconds))
    # An algorithm that nothing was measured of keeps what it has.
    table = {name: {} if name in samples else constants.CONSTANTS.get(name, {}) for name in ALGORITHMS}
    constants.CONSTANTS = table
    composite = [name for name in samples if any(ALGORITHMS[name].parts(p) for p, _ in samples[name])]
    for name in [*(n for n in samples if n not in composite), *composite]:
        algorithm = ALGORITHMS[name]
        features = [algorithm.features(p) for p, _ in samples[name]]
        keys = sorted({k for f in features for k in f} - ({"flops"} if name != "onednn" else set()))
        times = np.array([t for _, t in samples[name]])
        planner.plan.cache_clear()
        rest = np.array(
            [sum(planner.plan(part).chosen.seconds for part in algorithm.parts(p)) for p, _ in samples[name]]
        )
        keys = [k for k in keys if any(f.get(k) for f in features)]
        matrix = np.array([[f.get(k, 0.0) for k in keys] for f in features]) / times[:, None]
        scale = matrix.max(axis=0)
        floor = np.array([FLOORS.get(k, 0.0) for k in keys]) * scale
        found = _fit_logarithm(matrix / scale, rest / times + (matrix / scale) @ floor, name) + floor
        found[found * (matrix / scale).max(axis=0) < 1e-3] = 0.0
        table[name] = {k: float(f"{v:.3g}") for k, v in zip(keys, found / scale) if v > 0}
        residual = (matrix * (found / scale)).sum(axis=1) + rest / times
        print(f"{name:16} {len(times):4} samples, estimate / time: {np.percentile(residual, [5, 50, 95]).round(2)}")
    return table


def _fit_logarithm(matrix, rest, name):
    """Non-negative c that make the rows of `matrix @ c + rest` lie near one in ratio.

    XLA is erratic, where the others have outliers: its mean counts, theirs does not.
    """
    start, _ = nnls(matrix, np.clip(1 - rest, 0.05, None))
    start = np.sqrt(np.maximum(start, 1e-3 * start.max() + 1e-12))

    def residuals(root):
        return np.log(matrix @ root**2 + rest + 1e-12)

    return least_squares(residuals, start, loss="linear" if name == "xla" else "soft_l1").x ** 2


def quality(rows) -> None:
    """How often the estimate's choice is the best, and what it costs where it is not."""
    planner.plan.cache_clear()
    ratios = []
    for row in rows:
        times = {k: v for k, v in row["times"].items() if k in ALGORITHMS}
        chosen = planner.plan(problem_of(row)).algorithm
        best = min(times, key=times.__getitem__)
        ratio = times.get(chosen, HOPELESS * times[best]) / times[best]
        ratios.append(ratio)
        if ratio > 1.25:
            print(f"  {row['layer']:24}{row['pass']:8} {chosen} {ratio:.2f} × {best} ({1e3 * times[best]:.2f} ms)")
    ratios = np.array(ratios)
    print(f"within 10 % of the best: {np.mean(ratios <= 1.1):.0%}; geometric mean {np.exp(np.log(ratios).mean()):.3f}")


def write(table) -> None:
    path = Path(constants.__file__)
    text = path.read_text()
    literal = "CONSTANTS: dict[str, dict[str, float]] = " + pprint.pformat(table, width=110, sort_dicts=False)
    text = re.sub(r"CONSTANTS: dict.*?\n(?=\n\ndef )", lambda _: literal + "\n", text, flags=re.DOTALL)
    path.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", nargs="+", type=Path)
    parser.add_argument("--measure", action="store_true", help="measure into the one file named before fitting")
    parser.add_argument("--dry", action="store_true", help="do not rewrite the constants")
    options = parser.parse_args()
    if options.measure:
        measure(options.times[0])
    rows = [row for path in options.times for row in json.loads(path.read_text())]
    table = fit(rows)
    quality(rows)
    if not options.dry:
        write(table)


if __name__ == "__main__":
    main()
