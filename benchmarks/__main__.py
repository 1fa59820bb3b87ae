"""Every benchmark with its peers: `python -m benchmarks [SECTION …] [--only WORD] [--out docs/benchmarks.md]`.

Sections: layers, training, signals, filters, compile, functions, ndimage, signal. Contenders run in one process, in
turns, each called in a loop as programs do; times are medians in milliseconds, ratios say how many times faster jconv
is. A missing peer leaves a dash.

With `--only` the rows run whose name contains WORD. With `--out` the sections that were run take their places in the
file, and the others stay as they are; both together are refused, since a file holds whole sections.

`--quick` times a subset instead, in five minutes (`benchmarks.quick`); `--quick --against FOLDER` times that subset
with the package of another checkout too, and compares the planner's choices (`benchmarks.against`).
"""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib.util
import inspect
import os
import platform
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jconv
from benchmarks import contenders, continuous, ndimage, quick
from benchmarks import signal as scipy_signal
from benchmarks.against import compare
from benchmarks.layers import LAYERS, Layer, label
from benchmarks.single import FILTER_SIZES, IMAGES, SIGNALS
from benchmarks.timing import geometric_mean, interleaved
from jconv.engine import _onednn_probe as onednn_probe
from jconv.engine._planner import default_planner

BUDGET = float(os.environ.get("JCONV_BENCHMARK_SECONDS", "1.0"))
"""Seconds for each row; more make steadier medians."""


def table(header, rows) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def milliseconds(seconds) -> str:
    return "–" if seconds is None else f"{1e3 * seconds:.2f}"


def ratio(value) -> str:
    return "–" if value is None else f"{value:.2f}"


def summary(name: str, values) -> str:
    values = [v for v in values if v is not None]
    if not values:
        return f"{name}: not installed"
    return f"over {name}: geometric mean {geometric_mean(values):.2f}, least {min(values):.2f} ({len(values)} cases)"


def named(cases: list[Layer], only: str) -> list[Layer]:
    """The cases whose name with its shape contains a word."""
    return [layer for layer in cases if only in label(layer)]


def layers(only: str = "") -> str:
    """CNN layers, forward and both gradients, compared with lax and PyTorch.

    Where jconv compiles to lax's own program, instruction for instruction, their ratio is 1 and no measurement.
    """
    rows, over_lax, over_torch = [], [], []
    for layer in named(LAYERS, only):
        arrays, problems = contenders.data(layer), contenders.problems(layer)
        ours, lax = contenders.by_jconv(layer, arrays), contenders.by_lax(layer, arrays)
        torch = contenders.by_torch(layer, arrays)
        for name in contenders.PASSES:
            calls = {k: functools.partial(f[name][0], *f[name][1]) for k, f in (("lax", lax), ("jconv", ours))}
            if torch:
                calls["torch"] = torch[name]
            times = interleaved(calls, seconds=BUDGET)
            chosen = default_planner().plan(problems[name]).algorithm
            same = chosen == "xla" and contenders.same_program(lax[name], ours[name])
            a = 1.0 if same else times["lax"] / times["jconv"]
            b = times["torch"] / times["jconv"] if torch else None
            over_lax.append(a)
            over_torch.append(b)
            row = [label(layer), name]
            row += [milliseconds(times.get(contender)) for contender in ("lax", "torch", "jconv")]
            rows.append([*row, ratio(a), ratio(b), f"{chosen}, lax's program" if same else chosen])
            print(*rows[-1], flush=True)
        jax.clear_caches()
    head = ["layer", "pass", "lax", "PyTorch", "jconv", "× lax", "× PyTorch", "algorithm"]
    return f"{summary('lax', over_lax)}; {summary('PyTorch', over_torch)}.\n\n{table(head, rows)}"


def filters(only: str = "") -> str:
    """One kernel on one grey image, compared with OpenCV, SciPy and lax."""
    cv2 = __import__("cv2") if importlib.util.find_spec("cv2") else None
    from scipy import signal

    rows, over = [], []
    rng = np.random.default_rng(0)
    for height, width in IMAGES:
        image = rng.standard_normal((height, width), np.float32)
        for k in FILTER_SIZES:
            if only not in f"{k}×{k} on {height}×{width}":
                continue
            kernel = rng.standard_normal((k, k), np.float32)
            x, h = jnp.asarray(image), jnp.asarray(kernel)
            pad = [((k - 1) // 2, k // 2)] * 2
            ours = jax.jit(functools.partial(jconv.engine.correlate, padding=pad))
            calls = {"jconv": functools.partial(ours, x, h)}
            if cv2:
                calls["OpenCV"] = functools.partial(cv2.filter2D, image, -1, kernel, borderType=cv2.BORDER_CONSTANT)
            calls["SciPy"] = functools.partial(signal.oaconvolve, image, kernel[::-1, ::-1], mode="same")
            times = interleaved(calls, seconds=BUDGET)
            best = min(v for key, v in times.items() if key != "jconv")
            over.append(best / times["jconv"])
            row = [f"{k}×{k} on {height}×{width}", *(milliseconds(times.get(n)) for n in ("OpenCV", "SciPy", "jconv"))]
            rows.append([*row, ratio(over[-1])])
            print(*rows[-1], flush=True)
        jax.clear_caches()
    head = ["filter", "OpenCV", "SciPy", "jconv", "× the best"]
    return f"{summary('the faster of OpenCV and SciPy', over)}.\n\n{table(head, rows)}"


def signals(only: str = "") -> str:
    """One kernel on one long signal, compared with NumPy, SciPy and jax.scipy."""
    from scipy import signal

    rows, over = [], []
    rng = np.random.default_rng(0)
    for n, kernels in SIGNALS:
        samples = rng.standard_normal(n).astype(np.float32)
        for k in kernels:
            if only not in f"{n} * {k}":
                continue
            kernel = rng.standard_normal(k).astype(np.float32)
            x, h = jnp.asarray(samples), jnp.asarray(kernel)
            ours = jax.jit(lambda x, h: jconv.engine.correlate(x, h[::-1], padding=[(h.size - 1,) * 2]))
            calls = {
                "jconv": functools.partial(ours, x, h),
                "NumPy": functools.partial(np.convolve, samples, kernel),
                "fftconvolve": functools.partial(signal.fftconvolve, samples, kernel),
                "oaconvolve": functools.partial(signal.oaconvolve, samples, kernel),
                "jax.scipy": functools.partial(jax.jit(jax.scipy.signal.fftconvolve), x, h),
            }
            if n * k > 1 << 31:
                del calls["NumPy"]
            times = interleaved(calls, seconds=BUDGET)
            best = min(times[name] for name in ("NumPy", "fftconvolve", "oaconvolve") if name in times)
            over.append(best / times["jconv"])
            names = ("NumPy", "fftconvolve", "oaconvolve", "jax.scipy", "jconv")
            rows.append([f"{n} * {k}", *(milliseconds(times.get(name)) for name in names), ratio(over[-1])])
            print(*rows[-1], flush=True)
    head = ["samples * taps", "NumPy", "fftconvolve", "oaconvolve", "jax.scipy", "jconv", "× the best"]
    return f"{summary('the best of NumPy and SciPy', over)}.\n\n{table(head, rows)}"


def training(only: str = "") -> str:
    """Whole training steps of Flax models with and without accelerate(), compared with PyTorch."""
    from benchmarks import networks_flax

    torch = importlib.util.find_spec("torch") is not None
    rows, over_torch = [], []
    for name in networks_flax.MODELS:
        if only not in name:
            continue
        advance, state, x = networks_flax.step(name)
        plain = jax.jit(advance).lower(state, x).compile()
        with jconv.accelerate():
            fast = jax.jit(lambda state, x, advance=advance: advance(state, x)).lower(state, x).compile()
        calls = {"jax": functools.partial(plain, state, x), "accelerated": functools.partial(fast, state, x)}
        if torch:
            from benchmarks import networks_torch

            calls["torch"] = networks_torch.step(name)
        times = interleaved(calls, seconds=4 * BUDGET)
        b = times["torch"] / times["accelerated"] if torch else None
        over_torch.append(b)
        memory = [p.memory_analysis().temp_size_in_bytes / 2**20 for p in (plain, fast)]
        row = [name, *(milliseconds(times.get(k)) for k in ("jax", "torch", "accelerated"))]
        rows.append([*row, ratio(times["jax"] / times["accelerated"]), ratio(b), *(f"{m:.0f}" for m in memory)])
        print(*rows[-1], flush=True)
    head = ["model", "plain JAX", "PyTorch", "accelerated", "× plain", "× PyTorch", "MiB plain", "MiB accelerated"]
    return f"{summary('PyTorch', over_torch)}.\n\n{table(head, rows)}"


def compile_times(only: str = "") -> str:
    """Seconds to compile one convolution, compared with XLA's own; extra memory; and the planner's own time."""
    rows, excess = [], []
    for layer in named(LAYERS, only):
        arrays, problems = contenders.data(layer), contenders.problems(layer)
        ours, lax = contenders.by_jconv(layer, arrays), contenders.by_lax(layer, arrays)
        for name in contenders.PASSES:
            seconds, memory = [], []
            for function, operands in (lax[name], ours[name]):
                start = time.perf_counter()
                compiled = function.lower(*operands).compile()
                seconds.append(time.perf_counter() - start)
                memory.append(compiled.memory_analysis().temp_size_in_bytes / 2**20)
            problem = contenders.problems(layer)[name]
            excess.append(seconds[1] - seconds[0])
            row = [label(layer), name, *(f"{s:.2f}" for s in seconds)]
            rows.append([*row, *(f"{m:.1f}" for m in memory), f"{memory[1] * 2**20 / problem.io_bytes:.2f}"])
    planner = default_planner()
    planner.forget_plans()
    problems = [p for layer in named(LAYERS, only) for p in contenders.problems(layer).values()]
    start = time.perf_counter()
    for problem in problems:
        planner.plan(problem)
    each = (time.perf_counter() - start) / max(1, len(problems))
    head = ["layer", "pass", "s lax", "s jconv", "MiB lax", "MiB jconv", "extra / (input + output)"]
    most = max(excess, default=0.0)
    end = f"At most {most:.2f} s over XLA's own; planning takes {1e3 * each:.2f} ms for a problem never seen."
    return f"{end}\n\n{table(head, rows)}"


SECTIONS = {
    "layers": layers,
    "training": training,
    "signals": signals,
    "filters": filters,
    "compile": compile_times,
    "functions": continuous.table,
    "ndimage": ndimage.table,
    "signal": scipy_signal.table,
}
MINUTES = {
    "layers": 12, "training": 4, "signals": 1, "filters": 2, "compile": 6, "functions": 2, "ndimage": 1, "signal": 4,
}  # fmt: skip
"""What each section takes on two cores, about, with the default budget."""
WIDE = {"functions": "float64", "signal": "float32 and float64"}
"""The precisions of sections that want 64-bit types."""


def machine(precision: str = "float32") -> str:
    versions = [f"Python {platform.python_version()}", f"JAX {jax.__version__}"]
    for name in ("torch", "scipy", "cv2"):
        if importlib.util.find_spec(name):
            versions.append(f"{name} {__import__(name).__version__}")
    model = "unknown processor"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    refusal = onednn_probe.refusal()
    onednn = "oneDNN in use" if refusal is None else f"without oneDNN ({refusal})"
    today = datetime.date.today().isoformat()
    return f"{os.cpu_count()} cores of {model}; {', '.join(versions)}; {precision}; {onednn}; {today}."


def merged(text: str, sections: dict[str, str]) -> str:
    """A Markdown file's text with sections of level two put in, in place of those of the same title."""
    kept = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    kept = {title.strip(): body.strip() for title, body in kept.items()} | sections
    names = list(SECTIONS)

    def place(title):
        return next((names.index(n) for n in names if title.lower().startswith(n)), len(names)), title

    order = sorted(kept, key=place)
    intro = " ".join(__doc__.split("\n\n")[1].split(". ", 1)[1].split())
    return "\n\n".join(["# Benchmarks", intro, *(f"## {title}\n\n{kept[title]}" for title in order)]) + "\n"


def title_of(section: str) -> str:
    without = onednn_probe.refusal() is not None
    return section.capitalize() + (" without oneDNN" if without and section in ("layers", "compile") else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    minutes = ", ".join(f"{name} ({MINUTES[name]} min)" for name in SECTIONS)
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), metavar="SECTION", help=minutes)
    parser.add_argument("--only", default="", metavar="WORD", help="rows whose name contains this word")
    parser.add_argument("--quick", action="store_true", help="a subset of all sections, within five minutes")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="with --quick: compare with another checkout")
    parser.add_argument("--out", type=Path, metavar="FILE", help="put the tables into this Markdown file")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"unknown section {sorted(unknown)[0]!r}; one of {', '.join(SECTIONS)}")
    if options.out and (options.only or options.quick):
        parser.error("--out writes whole sections; pass it without --only and --quick")
    if options.against and not options.quick:
        parser.error("--against compares the quick rows; pass --quick too")
    jconv.keep_freed_memory()  # as `accelerate()` and the command line do
    if options.quick:
        print(machine(), flush=True)
        _ = compare(options.against, options.only) if options.against else quick.table(options.only)
        return
    print(f"This takes about {sum(MINUTES[name] for name in options.sections)} minutes on two cores.", flush=True)
    for name in options.sections:
        about = machine(WIDE.get(name, "float32"))
        with jax.enable_x64(name in WIDE):
            # The table of function objects is one case; it has no rows to choose from.
            table = SECTIONS[name](only=options.only) if name != "functions" else SECTIONS[name]()
            body = "\n\n".join([inspect.cleandoc(SECTIONS[name].__doc__ or ""), about, table])
        print(body.split("\n\n")[2], flush=True)
        if options.out:
            text = options.out.read_text() if options.out.exists() else ""
            options.out.write_text(merged(text, {title_of(name): body}))


if __name__ == "__main__":
    main()
