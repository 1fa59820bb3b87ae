"""XLA's convolutions on a GPU beside jconv's algorithms: `python -m benchmarks.gpu [--out docs/benchmarks_gpu.md]`.

The layers of `benchmarks.layers`, forward and both gradients, float32 at default precision (which on recent NVIDIA
cards means TF32 for lax and jconv alike); and images and signals of one channel, forward, in full precision, as
`jconv.ndimage` and `jconv.signal` ask for. The programs of a layer are compiled side by side. All contenders of a
case then run in one process, interleaved; times are medians in milliseconds. Cases of different kinds take turns,
so that a run cut short by `--seconds` has seen something of everything; it ends within eight minutes. With `--chosen`
only the planner's choice is compared with lax, where it is not XLA's own convolution, in all cases. Without
a GPU it says so and ends with code 2.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import datetime
import functools
import os
import sys
import time
from pathlib import Path

import jax

from benchmarks import contenders
from benchmarks.layers import LAYERS, Layer
from benchmarks.single import SINGLES
from benchmarks.timing import geometric_mean, interleaved, per_call
from jconv.engine._planner import default_planner
from jconv.engine.algorithms import ALGORITHMS

SECONDS = 400.0
"""When no further layers are begun; the last ones may take a minute more."""

CASE_SECONDS = 0.3
EXTRA_BYTES = 4 << 30
LOOPED_TAPS = 512
MIXED_CHANNELS = 64
"""No sum over more taps one by one, and no transform of more channels for each other, ever came near XLA's time."""

BATCH = 8
"""Layers whose programs are compiled side by side."""

HOPELESS = 30.0
"""How many times lax's time a single call may take and still be timed well."""


def in_turns(layers):
    """Every seventh case, then every seventh from the next on, and so on: neighbours in the table are alike."""
    return [layer for start in range(7) for layer in layers[start::7]]


def passes_of(layer):
    return ("forward",) if layer in SINGLES else contenders.PASSES


def candidates(problem):
    """The algorithms worth a try, apart from XLA's own."""
    for name, algorithm in ALGORITHMS.items():
        if name == "xla" or algorithm.refusal(problem) is not None:
            continue
        looped = name in ("direct", "channel_sum") and problem.tap_count > LOOPED_TAPS
        mixed = name == "fft" and problem.in_channels * problem.multiplier > MIXED_CHANNELS
        if not looped and not mixed and algorithm.estimate(problem).memory <= EXTRA_BYTES:
            yield name


def choices(layer, platform) -> dict[str, str]:
    """What the planner chooses for each pass."""
    planner = default_planner()
    problems = contenders.problems(layer, planner.target(platform, portable=False))
    return {name: planner.plan(problems[name]).algorithm for name in passes_of(layer)}


def programs(layer, platform, chosen_only: bool):
    """{(pass, contender): (function, its operands)}; "auto" is the planner's choice."""
    arrays = contenders.data(layer)
    problems = contenders.problems(layer, default_planner().target(platform, portable=False))
    precision = "high" if layer in SINGLES else "default"
    by_lax = contenders.by_lax(layer, arrays, "highest" if layer in SINGLES else "default")
    found = {}
    for name, chosen in choices(layer, platform).items():
        found[name, "lax"] = by_lax[name]
        others = () if chosen_only else tuple(candidates(problems[name]))
        for algorithm in others if chosen_only and chosen == "xla" else ("auto", *others):
            found[name, algorithm] = contenders.by_jconv(layer, arrays, contenders.Forced(algorithm), precision)[name]
    return found


def compiled(function, operands):
    """(the program with its operands, or the reason why there is none; seconds that it took)."""
    start = time.perf_counter()
    try:  # out of memory, or no cuDNN algorithm: a result like any other
        program = functools.partial(function.lower(*operands).compile(), *operands)
        jax.block_until_ready(program())
    except (RuntimeError, ValueError) as error:
        program = str(error).split("\n")[0][:80]
    return program, time.perf_counter() - start


def all_compiled(layers, platform, chosen_only) -> dict:
    """{(layer, pass, contender): program or reason}, and a line on the time that it took."""
    start = time.perf_counter()
    found = {
        (layer, *key): program for layer in layers for key, program in programs(layer, platform, chosen_only).items()
    }
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = dict(zip(found, pool.map(lambda program: compiled(*program), found.values())))
    layer, name, contender = max(results, key=lambda key: results[key][1])
    took, longest = time.perf_counter() - start, results[layer, name, contender][1]
    slowest = f"{contender} for {name} of {layer.name}, {longest:.0f} s"
    print(f"{len(found)} programs compiled in {took:.0f} s, the slowest {slowest}", file=sys.stderr, flush=True)
    return {key: program for key, (program, _) in results.items()}


def timed(calls) -> dict[str, float]:
    """Seconds of each contender; what is hopelessly slow is called once more, and counts with that."""
    first = {name: per_call(call) for name, call in calls.items()}
    limit = HOPELESS * max(first.get("lax", float("inf")), 1e-4)
    kept = {name: call for name, call in calls.items() if first[name] <= limit}
    return first | interleaved(kept, rounds=5, seconds=CASE_SECONDS, rest=0, wake=0.003)


@dataclasses.dataclass(frozen=True)
class Row:
    """One pass of a layer: the planner's choice, seconds of each contender, and why others have none."""

    layer: Layer
    name: str
    choice: str
    times: dict[str, float]
    failures: dict[str, str]

    def ranked(self) -> list[tuple[float, str]]:
        """The algorithms that were not chosen, the fastest first."""
        return sorted((t, k) for k, t in self.times.items() if k not in ("lax", "auto", self.choice))

    def gain(self, contender: str) -> float:
        """Over lax; what was left to XLA and not timed again is lax itself."""
        return self.times["lax"] / self.times.get(contender, self.times["lax"])

    def by_jconv(self) -> list[float]:
        """Seconds of all algorithms but XLA's."""
        left_to_xla = ("lax", "auto") if self.choice == "xla" else ("lax",)
        return [seconds for name, seconds in self.times.items() if name not in left_to_xla]

    def best(self) -> float:
        """How many times faster than lax the fastest algorithm but XLA's is."""
        return self.times["lax"] / min(self.by_jconv())

    def cells(self) -> list[str]:
        shape, timed = "×".join(map(str, self.layer.x)), {"lax": "–", "auto": "–"}
        timed |= {contender: f"{1e3 * seconds:.4g}" for contender, seconds in self.times.items()}
        cells = [f"{self.layer.name}, {shape}→{self.layer.kernel[-1]}", self.name, timed["lax"], self.choice]
        cells += [timed["auto"], f"{self.gain('auto'):.2f}" if self.compares() else "–"]
        cells.append(", ".join(f"{name} {timed[name]}" for _, name in self.ranked()))
        return [*cells, "; ".join(f"{k}: {why}" for k, why in self.failures.items())]

    def compares(self) -> bool:
        return "lax" in self.times and "auto" not in self.failures


def measure(layers, platform, seconds, chosen_only) -> str:
    """A Markdown table with its summary."""
    rows, begun, order = [], time.perf_counter(), in_turns(layers)
    for start in range(0, len(order), BATCH):
        if time.perf_counter() - begun > seconds:
            break
        batch = order[start : start + BATCH]
        results = all_compiled(batch, platform, chosen_only)
        for layer in batch:
            for name, choice in choices(layer, platform).items():
                mine = {key[2]: result for key, result in results.items() if key[:2] == (layer, name)}
                failures = {k: why for k, why in mine.items() if isinstance(why, str)}
                times = timed({k: mine[k] for k in mine if k not in failures})
                rows.append(Row(layer, name, choice, times, failures))
                print(*rows[-1].cells(), sep="  ", flush=True)
        jax.clear_caches()
    total = sum(len(passes_of(layer)) for layer in layers)
    gains = [row.gain("auto") for row in rows if row.compares()]
    others = [row.gain("auto") for row in rows if row.compares() and row.choice != "xla"]
    summary = (
        f"{len(rows)} of {total} passes were timed. The planner's choice over lax: {_spread(gains)}. It is not XLA's "
        f"own in {len(others)}: there {_spread(others)}."
    )
    if not chosen_only:
        best = [row.best() for row in rows if "lax" in row.times and row.by_jconv()]
        summary += (
            f" jconv's fastest algorithm but XLA's: {geometric_mean(best):.2f} in the mean, more than 5 % faster than "
            f"lax in {sum(gain > 1.05 for gain in best)}."
        )
    head = ["layer", "pass", "lax", "planner's choice", "ms", "× lax", "all others, ms", "failed"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    table = "\n".join(lines + ["| " + " | ".join(row.cells()) + " |" for row in rows])
    return f"{summary}\n\n{table}"


def _spread(gains) -> str:
    return f"geometric mean {geometric_mean(gains):.2f}, least {min(gains, default=float('nan')):.2f}"


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write the table to this Markdown file")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="begin no further layer after this many seconds")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="only layers whose names contain one of these")
    parser.add_argument("--chosen", action="store_true", help="only lax and the planner's choice: reaches all layers")
    parser.add_argument("--cases", type=int, help="only this many layers, the first in the order of the run")
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
    if options.only:
        layers = [layer for layer in layers if any(text in layer.name for text in options.only)]
    if options.cases is not None:
        layers = in_turns(layers)[: options.cases]
    with jax.default_device(device):
        text = measure(layers, "cuda" if options.platform == "gpu" else "cpu", options.seconds, options.chosen)
    head = f"{device.device_kind}; JAX {jax.__version__}; float32; {datetime.date.today().isoformat()}."
    if options.out:
        options.out.write_text(f"# Convolutions on a GPU\n\n{head}\n\n{text}\n")
    print(head, text.split("\n")[0], sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
