"""XLA's convolutions on a GPU beside jconv's algorithms: `python -m benchmarks.gpu [--out docs/benchmarks_gpu.md]`.

The layers of `benchmarks.layers`, forward and both gradients, float32 at default precision (which on recent NVIDIA
cards means TF32 for lax and jconv alike); and images and signals of one channel, forward, in full precision, as
`jconv.ndimage` and `jconv.signal` ask for. The programs of a layer are compiled side by side. All contenders of a
case then run in one process, interleaved; times are medians in milliseconds. Cases of different kinds take turns,
so that a run cut short by `--seconds` has seen something of everything; it ends within eight minutes. Without a GPU it
says so and ends with code 2.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import functools
import os
import sys
import time
from pathlib import Path

import jax

from benchmarks import contenders
from benchmarks.layers import LAYERS
from benchmarks.single import SINGLES
from benchmarks.timing import geometric_mean, interleaved
from jconv.engine import planner
from jconv.engine.algorithms import ALGORITHMS

SECONDS = 400.0
"""When no further layer is begun; the last one may take a minute more."""

CASE_SECONDS = 0.3
EXTRA_BYTES = 4 << 30
HOPELESS = 30.0
"""How many times lax's time a single call may take and still be timed well."""


def in_turns(layers):
    """Every seventh case, then every seventh from the next on, and so on: neighbours in the table are alike."""
    return [layer for start in range(7) for layer in layers[start::7]]


def passes_of(layer):
    return ("forward",) if layer in SINGLES else contenders.PASSES


def candidates(problem):
    """The algorithms that can be tried beside XLA's own; those named on a GPU are those that a CPU has, less oneDNN."""
    for name, algorithm in ALGORITHMS.items():
        if name != "xla" and algorithm.supports(problem) is None:
            row = planner.candidate(problem, name, planner.AUTO, judge=False)
            if row.memory <= EXTRA_BYTES:
                yield name


def programs(layer, platform):
    """{(pass, contender): (function, its operands)}; "auto" is the planner's choice."""
    arrays, problems = contenders.data(layer), contenders.problems(layer)
    precision = "high" if layer in SINGLES else "default"
    by_lax = contenders.by_lax(layer, arrays, "highest" if layer in SINGLES else "default")
    found = {}
    for name in passes_of(layer):
        found[name, "lax"] = by_lax[name]
        for algorithm in ("auto", *candidates(problems[name].replace(platform=platform))):
            found[name, algorithm] = contenders.by_jconv(layer, arrays, contenders.Forced(algorithm), precision)[name]
    return found


def compiled(function, operands):
    """The program with its operands and the seconds of one call, or the reason why there is none."""
    try:  # out of memory, or no cuDNN algorithm: a result like any other
        program = functools.partial(function.lower(*operands).compile(), *operands)
        jax.block_until_ready(program())
    except (RuntimeError, ValueError) as error:
        return str(error).split("\n")[0][:80]
    return program


def once(program) -> float:
    start = time.perf_counter()
    jax.block_until_ready(program())
    return time.perf_counter() - start


def timed(calls) -> dict[str, float]:
    """Seconds of each contender; what is hopelessly slow is called once more, and counts with that."""
    first = {name: once(call) for name, call in calls.items()}
    limit = HOPELESS * max(first.get("lax", float("inf")), 1e-4)
    kept = {name: call for name, call in calls.items() if first[name] <= limit}
    return first | interleaved(kept, rounds=5, seconds=CASE_SECONDS, rest=0, wake=0.003)


def measure(layers, platform, seconds) -> tuple[str, bool]:
    """(Markdown table with its summary, whether every case was reached)."""
    rows, gains, shares, begun = [], [], [], time.perf_counter()
    total = sum(len(passes_of(layer)) for layer in layers)
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    for layer in in_turns(layers):
        if time.perf_counter() - begun > seconds:
            break
        found = programs(layer, platform)
        results = dict(zip(found, pool.map(lambda program: compiled(*program), found.values())))
        for name in passes_of(layer):
            mine = {contender: result for (which, contender), result in results.items() if which == name}
            failed = "; ".join(f"{k}: {why}" for k, why in mine.items() if isinstance(why, str))
            times = timed({k: call for k, call in mine.items() if not isinstance(call, str)})
            ranked = sorted((t, k) for k, t in times.items() if k not in ("lax", "auto"))
            others = ", ".join(f"{k} {1e3 * t:.4g}" for t, k in ranked[1:])
            shape = "×".join(map(str, layer.x))
            row = [f"{layer.name}, {shape}→{layer.kernel[-1]}", name]
            row += [f"{1e3 * times[k]:.4g}" if k in times else "–" for k in ("lax", "auto")]
            if "lax" in times and ranked:
                best, algorithm = ranked[0]
                gains.append(times["lax"] / best)
                shares.append(times["lax"] / times["auto"])
                row += [algorithm, f"{1e3 * best:.4g}", f"{gains[-1]:.2f}"]
            else:
                row += ["–", "–", "–"]
            rows.append([*row, others, failed])
            print(*rows[-1], sep="  ", flush=True)
        jax.clear_caches()
    better = sum(gain > 1.05 for gain in gains)
    summary = (
        f"{len(rows)} of {total} passes were timed. jconv's fastest algorithm over lax: geometric mean "
        f"{geometric_mean(gains):.2f}, more than 5 % faster in {better}. What the planner chooses over lax: "
        f"geometric mean {geometric_mean(shares):.2f}, least {min(shares, default=float('nan')):.2f}."
    )
    head = ["layer", "pass", "lax", "auto", "fastest of jconv's", "ms", "× lax", "others, ms", "failed"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    table = "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
    return f"{summary}\n\n{table}", len(rows) == total


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the table to this Markdown file")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="begin no further pass after so many seconds")
    parser.add_argument("--cases", type=int, help="only the first so many layers, in the order of the run")
    parser.add_argument(
        "--platform", default="gpu", choices=("gpu", "cpu"), help="cpu tries the command where there is no GPU"
    )
    options = parser.parse_args(arguments)
    try:
        device = jax.devices(options.platform)[0]
    except RuntimeError:
        found = sorted({d.platform for d in jax.devices()})
        print(
            f"benchmarks.gpu: no GPU: JAX {jax.__version__} sees {', '.join(found)} only; nothing was measured. "
            "Run it on a machine with a GPU and JAX built for it (pip install 'jax[cuda13]' or 'jax[rocm]').",
            file=sys.stderr,
        )
        return 2
    layers = [*LAYERS, *SINGLES]
    if options.cases is not None:
        layers = in_turns(layers)[: options.cases]
    with jax.default_device(device):
        text, _ = measure(layers, "cuda" if options.platform == "gpu" else "cpu", options.seconds)
    head = f"{device.device_kind}; JAX {jax.__version__}; float32; {datetime.date.today().isoformat()}."
    if options.out:
        options.out.write_text(f"# Convolutions on a GPU\n\n{head}\n\n{text}\n")
    print(head, text.split("\n")[0], sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
