"""Refit the cost model: `python -m benchmarks.fit TIMES.json …` writes the table `jconv/engine/_costs/cpu.json`.

`python -m benchmarks.fit --measure TIMES.json` measures first: every algorithm on every benchmark problem, with oneDNN
and without, about ten minutes. Files measured with several JAX releases make one table that serves them all; `--only`
measures and refits some algorithms and leaves the others as they are. The fit minimises Σ log² (Σ cᵢ fᵢ / t), robustly,
over cᵢ ≥ 0 for each algorithm. The share of right choices is printed for every release, with oneDNN and without.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import functools
import json
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy.optimize import least_squares, nnls

from benchmarks import contenders
from benchmarks.layers import LAYERS, MODEL_LAYERS
from benchmarks.single import SINGLES
from benchmarks.timing import interleaved, per_call
from jconv._core.cores import cores
from jconv.engine._costs import FOLDER, CostTable
from jconv.engine._onednn_probe import Answer
from jconv.engine._planner import Planner, use_planner
from jconv.engine._problem import Geometry, Problem
from jconv.engine._target import this_machine
from jconv.engine.algorithms import ALGORITHMS

# What nothing costs less than, on any machine: the data cannot tell these apart where they are small.
FLOORS = {"steps": 3e-6, "calls": 2e-5, "loop_bytes": 2e-11, "bytes": 3e-11}
# The processor's peak bounds what products and taps cost.
PEAK = 2e-12
WORK = ("onednn_flops", "ynn_flops", "eigen_flops", "looped_flops", "matmul_flops", "grouped_flops", "depthwise_flops")
HOPELESS = 4  # an algorithm this many times slower than the best so far is not timed again


PORTABLE = " without oneDNN"


def planner_for(library: str | None = None, onednn: bool = True, costs: CostTable | None = None) -> Planner:
    """A planner for a machine whose XLA works with `library`, or whose oneDNN calls are not to be used."""
    here = this_machine()
    calls = here.onednn if onednn else _without_calls
    return Planner(costs, machine=dataclasses.replace(here, library=library or here.library, onednn=calls))


def _without_calls() -> Answer:
    return Answer("measured without it", "measured without it")


def measure(path: Path, only=()) -> None:
    """Time every algorithm, or some together with XLA's, on every problem; the file grows as it goes."""
    rows, planners = [], {suffix: planner_for(onednn=not suffix) for suffix in ("", PORTABLE)}
    for layer in (*LAYERS, *MODEL_LAYERS, *SINGLES):
        arrays = contenders.data(layer)
        problems = {suffix: contenders.problems(layer, planners[suffix].target("cpu", False)) for suffix in planners}
        lax = contenders.by_lax(layer, arrays)
        for name in ("forward",) if layer in SINGLES else contenders.PASSES:
            calls = {"xla": functools.partial(lax[name][0], *lax[name][1])}
            for algorithm in ALGORITHMS:
                if algorithm == "xla" or (only and algorithm not in only):
                    continue
                for suffix in planners:
                    if suffix and not _uses_onednn(algorithm, problems[""][name]):
                        continue
                    if not _worth_timing(algorithm, problems[suffix][name]):
                        continue
                    forced = contenders.Forced(algorithm=algorithm)
                    function, operands = contenders.by_jconv(layer, arrays, forced)[name]
                    calls[algorithm + suffix] = functools.partial(function, *operands)
            times = _times(calls, planners)
            print(f"{layer.name:24}{name:8}", *(f"{k} {1e3 * v:.2f}" for k, v in times.items()), flush=True)
            row = {"layer": layer.name, "pass": name, "library": this_machine().library}
            own = {k.removesuffix(PORTABLE) for k in times if k.endswith(PORTABLE)}
            portable = {k: v for k, v in times.items() if k not in own and k != "onednn"}
            portable = {k.removesuffix(PORTABLE): v for k, v in portable.items()}
            times = {k: v for k, v in times.items() if not k.endswith(PORTABLE)}
            for is_portable, seconds in ((False, times), (True, portable)):
                rows.append({**row, "portable": is_portable, "problem": _facts(problems[""][name]), "times": seconds})
        path.write_text(json.dumps(rows))
        jax.clear_caches()


def _uses_onednn(name: str, problem: Problem) -> bool:
    """Whether an algorithm's work goes to oneDNN, directly or by its parts."""
    algorithm = ALGORITHMS[name]
    if name == "onednn" or algorithm.refusal(problem) is not None:
        return False
    estimate = algorithm.estimate(problem)
    return "onednn_flops" in estimate.work or bool(estimate.parts)


def _worth_timing(algorithm: str, problem: Problem) -> bool:
    if ALGORITHMS[algorithm].refusal(problem) is not None:
        return False
    return not (algorithm == "fft" and problem.in_channels * problem.multiplier > 64)


def _times(calls, planners) -> dict[str, float]:
    """Medians, interleaved; what is hopelessly slow is called once and counts with that."""
    kept, times = {}, {}
    for name, call in calls.items():
        with use_planner(planners[PORTABLE if name.endswith(PORTABLE) else ""]):
            jax.block_until_ready(call())
        times[name] = per_call(call)
        if times[name] < max(HOPELESS * min(times.values()), 0.01):
            kept[name] = call
    return {**times, **interleaved(kept, rounds=5, seconds=0.5)}


def _facts(problem: Problem) -> dict[str, Any]:
    """A problem without its target, as JSON has it."""
    facts = {"geometry": dataclasses.asdict(problem.geometry), "lhs_shape": problem.lhs_shape}
    return {**facts, "rhs_shape": problem.rhs_shape, "dtype": problem.dtype, "precision": problem.precision}


def problem_of(row, planner: Planner) -> Problem:
    def tuples(value) -> Any:
        return tuple(tuples(v) for v in value) if isinstance(value, list) else value

    facts = {key: tuples(value) for key, value in row["problem"].items()}
    geometry = Geometry(**{key: tuples(value) for key, value in facts.pop("geometry").items()})
    return Problem(geometry, **facts, target=planner.target("cpu", row["portable"]))


def fit(rows, only=()) -> dict[str, dict[str, float]]:
    """Constants of every algorithm: first those that do their own work, then those that leave parts to others.

    The table is the generated one, without the overrides: these stay as they are.
    """
    costs = CostTable.load(overrides=())
    table = costs.platforms["cpu"] = {name: dict(constants) for name, constants in costs.platforms["cpu"].items()}
    planners = {kind: planner_for(kind, costs=costs) for kind in {row["library"] for row in rows}}
    samples: dict[str, list] = {}
    for row in rows:
        planner = planners[row["library"]]
        problem = problem_of(row, planner)
        for name, seconds in row["times"].items():
            if name in ALGORITHMS and ALGORITHMS[name].refusal(problem) is None and (not only or name in only):
                samples.setdefault(name, []).append((planner, problem, seconds))
    composite = [name for name in samples if any(ALGORITHMS[name].estimate(p).parts for _, p, _ in samples[name])]
    for name in [*(n for n in samples if n not in composite), *composite]:
        features, times = _design(name, samples[name])
        keys = sorted(k for k in {k for f in features for k in f} if any(f.get(k) for f in features))
        unseen = table[name].keys() - keys
        # Data on a part of an algorithm's work leave alone what all of it shares.
        held = [k for k in keys if k in FLOORS] if only and unseen else []
        keys = [k for k in keys if k not in held]
        matrix = np.array([[f.get(k, 0.0) for k in keys] for f in features]) / times[:, None]
        rest = np.array([sum(table[name][k] * f.get(k, 0.0) for k in held) for f in features]) / times
        scale = matrix.max(axis=0)
        floor = np.array([_floor(name, k) for k in keys]) * scale
        fitted = _fit_logarithm(matrix / scale, rest + (matrix / scale) @ floor, name) + floor
        fitted[fitted * (matrix / scale).max(axis=0) < 1e-3] = 0.0
        table[name].update({k: float(f"{v:.3g}") for k, v in zip(keys, fitted / scale)})
        for planner in planners.values():
            planner.forget_plans()
        residual = (matrix * (fitted / scale)).sum(axis=1) + rest
        print(f"{name:16} {len(times):4} samples, estimate / time: {np.percentile(residual, [5, 50, 95]).round(2)}")
    return table


def _floor(name: str, feature: str) -> float:
    if name == "xla":
        return FLOORS.get(feature.removeprefix("eigen_").removeprefix("ynn_"), 0.0)
    return PEAK if feature.endswith(WORK) else FLOORS.get(feature, 0.0)


def _design(name, samples):
    """(features, seconds measured) of an algorithm's samples."""
    rows = []
    for planner, problem, seconds in samples:
        estimate = ALGORITHMS[name].estimate(problem)
        work = dict(estimate.work)
        if estimate.parts:
            word = "depthwise_parts" if problem.in_channels == 1 else "parts"
            work[word] = sum(planner.plan(part).chosen.seconds for part in estimate.parts)
        rows.append((work, seconds))
    features, times = zip(*rows)
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
    """How often the estimate's choice is the best, and what it costs where it is not; with the overrides."""
    for kind in sorted({row["library"] for row in rows}):
        planner = planner_for(kind)
        for portable in (False, True):
            kept = [r for r in rows if r["library"] == kind and r["portable"] == portable]
            if kept:
                print(f"{kind}{PORTABLE if portable else ''}:")
                _quality(kept, planner)


def _quality(rows, planner: Planner) -> None:
    ratios, over = [], []
    for row in rows:
        times = {k: v for k, v in row["times"].items() if k in ALGORITHMS}
        chosen = planner.plan(problem_of(row, planner)).algorithm
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


def write(table, command: str) -> None:
    """Write the generated file; the overrides are another file, which stays."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    provenance = {
        "command": command,
        "machine": f"{cores()} cores, {processor}",
        "jax": [jax.__version__],
        "dtype": "float32",
        "date": datetime.date.today().isoformat(),
    }
    constants = {name: dict(sorted(features.items())) for name, features in table.items()}
    path = FOLDER / "cpu.json"
    path.write_text(json.dumps({"provenance": provenance, "constants": constants}, indent=1) + "\n")


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
        write(table, "python -m benchmarks.fit " + " ".join(sys.argv[1:]))


if __name__ == "__main__":
    main()
