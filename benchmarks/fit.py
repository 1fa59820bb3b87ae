"""Refit the cost model: `python -m benchmarks.fit TIMES.json …` rewrites the table in `jconv/engine/_constants.py`.

`python -m benchmarks.fit --measure TIMES.json` measures first: every algorithm on every benchmark problem, with oneDNN
and without, about ten minutes. Files measured with several JAX releases make one table that serves them all; `--only`
measures and refits some algorithms and leaves the others as they are. The fit minimises Σ log² (Σ cᵢ fᵢ / t), robustly,
over cᵢ ≥ 0 for each algorithm. The share of right choices is printed for every release, with oneDNN and without.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import dataclasses
import functools
import json
import pprint
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy.optimize import least_squares, nnls

from benchmarks import contenders
from benchmarks.layers import LAYERS, MODEL_LAYERS
from benchmarks.single import SINGLES
from benchmarks.timing import interleaved, per_call
from jconv.engine import _constants as constants
from jconv.engine import _onednn_probe as onednn_probe
from jconv.engine import _planner as planner
from jconv.engine._problem import Problem
from jconv.engine.algorithms import ALGORITHMS, xla

# What nothing costs less than, on any machine: the data cannot tell these apart where they are small.
FLOORS = {"steps": 3e-6, "calls": 2e-5, "loop_bytes": 2e-11, "bytes": 3e-11}
# The processor's peak bounds what products and taps cost.
PEAK = 2e-12
WORK = ("onednn_flops", "ynn_flops", "eigen_flops", "looped_flops", "matmul_flops", "grouped_flops", "depthwise_flops")
HOPELESS = 4  # an algorithm this many times slower than the best so far is not timed again


PORTABLE = " without oneDNN"


@contextlib.contextmanager
def replaced(module, name: str, value):
    """Plan and compile with another value of a module's variable."""
    before = getattr(module, name)
    setattr(module, name, value)
    planner.plan.cache_clear()
    try:
        yield
    finally:
        setattr(module, name, before)
        planner.plan.cache_clear()


def without_onednn(off: bool = True):
    """Compile as on a processor without oneDNN."""
    return replaced(onednn_probe, "refusal", (lambda: "measured without it") if off else onednn_probe.refusal)


def library(name: str):
    """Estimate as under a JAX whose XLA works with this library."""
    return replaced(xla, "LIBRARY", name)


def measure(path: Path, only=()) -> None:
    """Time every algorithm, or some beside XLA, on every problem; the file grows as it goes."""
    rows = []
    for layer in (*LAYERS, *MODEL_LAYERS, *SINGLES):
        arrays, problems = contenders.data(layer), contenders.problems(layer)
        lax = contenders.by_lax(layer, arrays)
        for name in ("forward",) if layer in SINGLES else contenders.PASSES:
            problem = problems[name]
            calls = {"xla": functools.partial(lax[name][0], *lax[name][1])}
            for algorithm in ALGORITHMS:
                if algorithm == "xla" or (only and algorithm not in only):
                    continue
                for suffix in ("", PORTABLE):
                    with without_onednn(bool(suffix)):
                        if (suffix and not _uses_onednn(algorithm, problem)) or not _worth_timing(algorithm, problem):
                            continue
                    forced = contenders.Forced(algorithm=algorithm)
                    function, operands = contenders.by_jconv(layer, arrays, forced)[name]
                    calls[algorithm + suffix] = functools.partial(function, *operands)
            times = _times(calls)
            print(f"{layer.name:24}{name:8}", *(f"{k} {1e3 * v:.2f}" for k, v in times.items()), flush=True)
            row = {"layer": layer.name, "pass": name, "library": xla.LIBRARY}
            own = {k.removesuffix(PORTABLE) for k in times if k.endswith(PORTABLE)}
            portable = {k: v for k, v in times.items() if k not in own and k != "onednn"}
            portable = {k.removesuffix(PORTABLE): v for k, v in portable.items()}
            times = {k: v for k, v in times.items() if not k.endswith(PORTABLE)}
            for facts, seconds in ((problem, times), (problem.replace(portable=True), portable)):
                rows.append({**row, "problem": dataclasses.asdict(facts), "times": seconds})
        path.write_text(json.dumps(rows))
        jax.clear_caches()


def _uses_onednn(algorithm: str, problem: Problem) -> bool:
    """Whether an algorithm's work goes to oneDNN, directly or by its parts."""
    module = ALGORITHMS[algorithm]
    if algorithm == "onednn" or module.supports(problem) is not None:
        return False
    return "onednn_flops" in module.features(problem) or bool(module.parts(problem))


def _worth_timing(algorithm: str, problem: Problem) -> bool:
    if ALGORITHMS[algorithm].supports(problem) is not None:
        return False
    return not (algorithm == "fft" and problem.in_channels * problem.multiplier > 64)


def _times(calls) -> dict[str, float]:
    """Medians, interleaved; what is hopelessly slow is called once and counts with that."""
    kept, times = {}, {}
    for name, call in calls.items():
        with without_onednn(name.endswith(PORTABLE)):
            jax.block_until_ready(call())
        times[name] = per_call(call)
        if times[name] < max(HOPELESS * min(times.values()), 0.01):
            kept[name] = call
    return {**times, **interleaved(kept, rounds=5, seconds=0.5)}


def problem_of(row) -> Problem:
    def tuples(value) -> Any:
        return tuple(tuples(v) for v in value) if isinstance(value, list) else value

    return Problem(**{key: tuples(value) for key, value in row["problem"].items()})


def fit(rows, only=()) -> dict[str, dict[str, float]]:
    """Constants of every algorithm: first those that do their own work, then those that leave parts to others."""
    samples: dict[str, list] = {}
    for row in rows:
        problem = problem_of(row)
        for name, seconds in row["times"].items():
            if name in ALGORITHMS and ALGORITHMS[name].supports(problem) is None and (not only or name in only):
                samples.setdefault(name, []).append((row["library"], problem, seconds))
    # An algorithm that nothing was measured of keeps what it has.
    old = copy.deepcopy(constants.CONSTANTS)
    table = {name: old.get(name, {}) if only or name not in samples else {} for name in ALGORITHMS}
    constants.CONSTANTS = table
    composite = [name for name in samples if any(ALGORITHMS[name].parts(p) for _, p, _ in samples[name])]
    for name in [*(n for n in samples if n not in composite), *composite]:
        features, times = _design(name, samples[name])
        keys = sorted({k for f in features for k in f} - ({"flops"} if name != "onednn" else set()))
        keys = [k for k in keys if any(f.get(k) for f in features)]
        unseen = {k: v for k, v in table[name].items() if k not in keys}
        # Data on a part of an algorithm's work leave alone what all of it shares.
        held = [k for k in keys if k in table[name] and k in FLOORS] if unseen else []
        keys = [k for k in keys if k not in held]
        matrix = np.array([[f.get(k, 0.0) for k in keys] for f in features]) / times[:, None]
        rest = np.array([sum(table[name][k] * f.get(k, 0.0) for k in held) for f in features]) / times
        scale = matrix.max(axis=0)
        floor = np.array([_floor(name, k) for k in keys]) * scale
        found = _fit_logarithm(matrix / scale, rest + (matrix / scale) @ floor, name) + floor
        found[found * (matrix / scale).max(axis=0) < 1e-3] = 0.0
        table[name] = {**table[name], **{k: float(f"{v:.3g}") for k, v in zip(keys, found / scale)}}
        residual = (matrix * (found / scale)).sum(axis=1) + rest
        print(f"{name:16} {len(times):4} samples, estimate / time: {np.percentile(residual, [5, 50, 95]).round(2)}")
    return table


def _floor(name: str, feature: str) -> float:
    if name == "xla":
        return FLOORS.get(feature.removeprefix("eigen_").removeprefix("ynn_"), 0.0)
    return PEAK if feature.endswith(WORK) else FLOORS.get(feature, 0.0)


def _design(name, samples):
    """(features, seconds measured) of an algorithm's samples."""
    algorithm, found = ALGORITHMS[name], []
    for kind in sorted({kind for kind, *_ in samples}):
        with library(kind):
            for _, problem, seconds in (sample for sample in samples if sample[0] == kind):
                parts = sum(planner.plan(part).chosen.seconds for part in algorithm.parts(problem))
                word = "depthwise_parts" if problem.in_channels == 1 else "parts"
                found.append(({**algorithm.features(problem), word: parts}, seconds))
    features, times = zip(*found)
    return features, np.array(times)


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
    for kind in sorted({row["library"] for row in rows}):
        for portable in (False, True):
            kept = [r for r in rows if r["library"] == kind and r["problem"]["portable"] == portable]
            if kept:
                print(f"{kind}{PORTABLE if portable else ''}:")
                with library(kind):
                    _quality(kept)


def _quality(rows) -> None:
    ratios, over = [], []
    for row in rows:
        times = {k: v for k, v in row["times"].items() if k in ALGORITHMS}
        chosen = planner.plan(problem_of(row)).algorithm
        best = min(times, key=times.__getitem__)
        seconds = times.get(chosen, HOPELESS * times[best])
        ratios.append(seconds / times[best])
        over.append(times["xla"] / seconds)
        if ratios[-1] > 1.25 or over[-1] < 0.95:
            print(
                f"  {row['layer']:24}{row['pass']:8} {chosen} {ratios[-1]:.2f} × {best} ({1e3 * times[best]:.2f} ms)"
                f", {over[-1]:.2f} × xla"
            )
    ratios, over = np.array(ratios), np.array(over)
    print(
        f"  within 10 % of the best: {np.mean(ratios <= 1.1):.0%}; geometric mean {np.exp(np.log(ratios).mean()):.3f};"
        f" over xla {np.exp(np.log(over).mean()):.2f}, least {over.min():.2f}"
    )


def write(table) -> None:
    path = Path(constants.__file__)
    text = path.read_text()
    literal = "CONSTANTS: dict[str, dict[str, float]] = " + pprint.pformat(table, width=110, sort_dicts=False)
    text = re.sub(r"^CONSTANTS: dict.*?^}\n", lambda _: literal + "\n", text, flags=re.DOTALL | re.MULTILINE)
    path.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", nargs="+", type=Path)
    parser.add_argument("--measure", action="store_true", help="measure into the one file named before fitting")
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", help="the algorithms to measure and to refit")
    parser.add_argument("--dry", action="store_true", help="do not rewrite the constants")
    options = parser.parse_args()
    if unknown := set(options.only) - set(ALGORITHMS):
        parser.error(f"unknown algorithm {sorted(unknown)[0]!r}; some of {', '.join(ALGORITHMS)}")
    if options.measure:
        measure(options.times[0], options.only)
    rows = [row for path in options.times for row in json.loads(path.read_text())]
    table = fit(rows, options.only)
    quality(rows)
    if not options.dry:
        write(table)


if __name__ == "__main__":
    main()
