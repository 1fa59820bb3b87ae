"""XLA's convolutions on a GPU beside jconv's algorithms: `python -m benchmarks.gpu [--out docs/benchmarks_gpu.md]`.

The layers of `benchmarks.layers` and the single-channel cases, forward and both gradients, float32 at default precision
(which on recent NVIDIA cards means TF32 for lax and jconv alike). All contenders of a case run in one process,
interleaved; times are medians in milliseconds. Cases of different kinds take turns, so that a run cut short by
`--seconds` has seen something of everything; it ends within eight minutes. Without a GPU it says so and ends with
code 2.
"""

from __future__ import annotations

import argparse
import datetime
import functools
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
"""When no further pass is begun; the last one may take a minute more."""

CASE_SECONDS = 0.4
EXTRA_BYTES = 4 << 30


def in_turns(layers):
    """Every seventh case, then every seventh from the next on, and so on: neighbours in the table are alike."""
    return [layer for start in range(7) for layer in layers[start::7]]


def candidates(problem):
    """The algorithms that can be tried beside XLA's own; those named on a GPU are those that a CPU has, less oneDNN."""
    for name, algorithm in ALGORITHMS.items():
        if name != "xla" and algorithm.supports(problem) is None:
            row = planner.candidate(problem, name, planner.AUTO, judge=False)
            if row.memory <= EXTRA_BYTES:
                yield name


def timed(layer, name, platform):
    """({contender: seconds}, {contender: why it failed}) of one pass of a layer."""
    arrays = contenders.data(layer)
    problem = contenders.problems(layer)[name].replace(platform=platform)
    programs = {"lax": contenders.by_lax(layer, arrays)[name]}
    for algorithm in candidates(problem):
        policy = contenders.Forced(algorithm)
        programs[algorithm] = contenders.by_jconv(layer, arrays, policy)[name]
    calls, failures = {}, {}
    for contender, (function, operands) in programs.items():
        try:  # out of memory, or no cuDNN algorithm: a result like any other
            jax.block_until_ready(function(*operands))
            calls[contender] = functools.partial(function, *operands)
        except (RuntimeError, ValueError) as error:
            failures[contender] = str(error).split("\n")[0][:80]
    return interleaved(calls, rounds=5, seconds=CASE_SECONDS), failures


def measure(layers, platform, seconds) -> tuple[str, bool]:
    """(Markdown table with its summary, whether every case was reached)."""
    rows, gains, begun, total = [], [], time.perf_counter(), len(layers) * len(contenders.PASSES)
    for layer in in_turns(layers):
        for name in contenders.PASSES:
            if time.perf_counter() - begun > seconds:
                continue
            times, failures = timed(layer, name, platform)
            ranked = sorted((t, k) for k, t in times.items() if k != "lax")
            others = ", ".join(f"{k} {1e3 * t:.3f}" for t, k in ranked[1:])
            failed = "; ".join(f"{k}: {why}" for k, why in failures.items())
            shape = "×".join(map(str, layer.x))
            row = [f"{layer.name}, {shape}→{layer.kernel[-1]}", name]
            if "lax" in times and ranked:
                best, algorithm = ranked[0]
                gains.append(times["lax"] / best)
                row += [f"{1e3 * times['lax']:.3f}", algorithm, f"{1e3 * best:.3f}", f"{gains[-1]:.2f}"]
            else:
                row += [f"{1e3 * times['lax']:.3f}" if "lax" in times else "–", "–", "–", "–"]
            rows.append([*row, others, failed])
            print(*rows[-1], sep="  ", flush=True)
        jax.clear_caches()
    better = sum(gain > 1.05 for gain in gains)
    summary = (
        f"{len(rows)} of {total} passes were timed. jconv's fastest algorithm over lax: geometric mean "
        f"{geometric_mean(gains):.2f}, more than 5 % faster in {better}."
    )
    head = ["layer", "pass", "lax", "fastest of jconv's", "ms", "× lax", "others, ms", "failed"]
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
