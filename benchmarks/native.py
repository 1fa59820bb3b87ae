"""Native loops beside SciPy and OpenCV: `python -m benchmarks.native [--quick] [--only recursion|medians]`.

Contenders take turns in one process; times are medians in milliseconds. The ratio says how many times faster jconv is
than SciPy. The first call of a row is stated apart: it compiles the program, and takes the loop from jconv's cache
directory or compiles it.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.ndimage
import scipy.signal

from benchmarks.timing import geometric_mean, interleaved
from jconv import native, ndimage, signal

ORDERS = 1, 2, 4, 6, 8, 12
LENGTHS = 500, 10_000, 1_000_000, 100_000_000
WINDOWS = 3, 5, 7, 15, 31, 101
SIDES = 256, 1024, 4096
LINES = 3, 15, 101, 1023
LINE = 32_769
# Samples under all windows that SciPy orders in one call: beyond it some rows are timed, and the time is scaled.
_SCIPY_SAMPLES = 2e8


def recursion(quick: bool, seconds: float) -> None:
    """Butterworth filters: one channel, and 256 along either axis, by `lfilter` and by sections."""
    print("| filter | order | shape, axis | dtype | jconv | SciPy | ratio | first call, s | error | SciPy's |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    ratios = []
    shapes = [((n,), 0) for n in (LENGTHS[1:3] if quick else LENGTHS)] + [((256, 10_000), 1), ((10_000, 256), 0)]
    for order in (2, 6) if quick else ORDERS:
        for shape, axis in shapes:
            for dtype in (np.float32, np.float64):
                x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
                pairs = _filters(order, axis, np.dtype(dtype))
                for name, (ours, theirs, truth) in pairs.items():
                    times, first = _timed(ours, theirs, x, seconds)
                    exact = truth(x)
                    errors = [_error(f(x), exact) for f in (jax.jit(ours), theirs)]
                    ratios.append(times["SciPy"] / times["jconv"])
                    row = [name, order, f"{shape}, {axis}", np.dtype(dtype).name, *map(_ms, times.values())]
                    print(_row([*row, f"{ratios[-1]:.1f}", f"{first:.2f}", *(f"{e:.0e}" for e in errors)]), flush=True)
    print(f"\n{geometric_mean(ratios):.1f} times SciPy in the geometric mean, {min(ratios):.1f} at least")


def _filters(order: int, axis: int, dtype: np.dtype) -> dict[str, tuple[Callable, Callable, Callable]]:
    """Our filter, SciPy's in the same precision, and SciPy's in double precision, by name."""
    b, a = scipy.signal.butter(order, 0.2)
    sos = scipy.signal.butter(order, 0.2, output="sos")
    low_b, low_a, low_sos = b.astype(dtype), a.astype(dtype), sos.astype(dtype)
    return {
        "lfilter": (
            lambda v: signal.lfilter(b, a, v, axis=axis),
            lambda v: scipy.signal.lfilter(low_b, low_a, v, axis=axis),
            lambda v: scipy.signal.lfilter(b, a, v.astype(float), axis=axis),
        ),
        "sosfilt": (
            lambda v: signal.sosfilt(sos, v, axis=axis),
            lambda v: scipy.signal.sosfilt(low_sos, v, axis=axis),
            lambda v: scipy.signal.sosfilt(sos, v.astype(float), axis=axis),
        ),
    }


def medians(quick: bool, seconds: float) -> None:
    """Medians of squares and of lines."""
    print("| window | shape | dtype | jconv | SciPy | ratio | OpenCV | first call, s |")
    print("|---|---|---|---|---|---|---|---|")
    cv2 = importlib.import_module("cv2") if importlib.util.find_spec("cv2") else None
    ratios = []
    cases = [((side, side), (k, k)) for side in (SIDES[:1] if quick else SIDES) for k in WINDOWS]
    cases += [((LINE,), (k,)) for k in LINES]
    for shape, window in cases:
        for dtype in (np.float32, np.uint8, np.uint16):
            x = (np.random.default_rng(0).random(shape) * 255).astype(dtype)
            samples = x.size * int(np.prod(window))
            rows = max(1, int(shape[0] * min(1, (2e6 if quick else _SCIPY_SAMPLES) / samples)))
            part = x[:rows] if x.ndim == 2 else x
            ours = lambda v, w=window: ndimage.median_filter(v, w, mode="nearest")
            theirs = lambda v, w=window, p=part: scipy.ndimage.median_filter(p, w, mode="nearest")
            others = {}
            if cv2 is not None and x.ndim == 2 and (window[0] <= 5 or dtype == np.uint8):
                others["OpenCV"] = lambda v, w=window: cv2.medianBlur(v, w[0])
            times, first = _timed(ours, theirs, x, seconds, others)
            scipy_time = times["SciPy"] * x.size / part.size
            ratios.append(scipy_time / times["jconv"])
            opencv = _ms(times["OpenCV"]) if "OpenCV" in times else "–"
            sizes = ["×".join(map(str, s)) for s in (window, shape)]
            row = [*sizes, np.dtype(dtype).name, _ms(times["jconv"]), _ms(scipy_time), f"{ratios[-1]:.1f}"]
            print(_row([*row, opencv, f"{first:.2f}"]), flush=True)
    print(f"\n{geometric_mean(ratios):.1f} times SciPy in the geometric mean, {min(ratios):.1f} at least")


def _timed(
    ours: Callable, theirs: Callable, x: np.ndarray, seconds: float, others: dict[str, Callable] | None = None
) -> tuple[dict[str, float], float]:
    """Median seconds of each contender, and the seconds of our first call."""
    compiled, arg = jax.jit(ours), jnp.asarray(x)
    start = time.perf_counter()
    jax.block_until_ready(compiled(arg))
    first = time.perf_counter() - start
    contenders = {"jconv": lambda: compiled(arg), "SciPy": lambda: theirs(x)}
    contenders |= {name: lambda call=call: call(x) for name, call in (others or {}).items()}
    return interleaved(contenders, seconds=seconds), first


def _error(values: jax.typing.ArrayLike, truth: np.ndarray) -> float:
    """The largest error, as a share of the truth's largest value."""
    return float(np.abs(np.asarray(values) - truth).max() / np.abs(truth).max())


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.2f}"


def _row(cells: list) -> str:
    return f"| {' | '.join(map(str, cells))} |"


SECTIONS = {"recursion": recursion, "medians": medians}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rows, in about a minute")
    parser.add_argument("--only", choices=SECTIONS, help="one table")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    print(f"JAX {jax.__version__}, native loops: {native.refusal() or 'used'}\n")
    for name, section in SECTIONS.items():
        if options.only in (None, name):
            section(options.quick, 0.3 if options.quick else 2.0)
            print()


if __name__ == "__main__":
    main()
