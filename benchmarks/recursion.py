"""Errors of recursive filters beside SciPy's: `python -m benchmarks.recursion [--quick]`.

Errors are relative to the largest value of the recursion in the processor's extended precision, for several hundred
designs in both precisions. A row stands for one form and precision, with the geometric mean and the worst of both
libraries. `benchmarks.native --only recursion` times the filters.
"""

from __future__ import annotations

import argparse

import jax
import numpy as np

from benchmarks.timing import geometric_mean
from jconv import signal
from tests.signal.designs import Design, designs, error, truth

SAMPLES = 4000
FLOOR = 1e-17  # an error of 0 counts as this in a geometric mean


def errors(count: int) -> str:
    """One row for each precision and form of the coefficients, over the designs that SciPy in float64 gets right."""
    x = np.random.default_rng(0).standard_normal(SAMPLES)
    head = ["precision", "form", "designs", "jconv mean", "jconv worst", "SciPy mean", "SciPy worst", "above the goal"]
    rows: dict[tuple[str, str], list[tuple[float, float, bool]]] = {}
    for design in designs(count):
        form = "sos" if design.ba is None else "ba"
        for dtype in ("float32", "float64"):
            samples = x.astype(dtype)
            exact = truth(design, samples)
            double, same = (error(truth(design, samples, t), exact) for t in (np.float64, np.dtype(dtype).type))
            if not double <= (1e-9 if dtype == "float32" else np.finfo(float).max):
                continue
            with jax.enable_x64(dtype == "float64"):
                ours = error(_filtered(design, samples), exact)
            goal = 1e-6 if dtype == "float32" else max(4 * double, 1e-14)
            rows.setdefault((dtype, form), []).append((ours, same, ours > goal))
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (dtype, form), values in sorted(rows.items()):
        ours, same = ([max(v[i], FLOOR) for v in values] for i in (0, 1))
        figures = [geometric_mean(ours), max(ours), geometric_mean([e for e in same if np.isfinite(e)]), max(same)]
        missed = sum(v[2] for v in values)
        lines.append(
            "| " + " | ".join([dtype, form, str(len(values)), *(f"{f:.1e}" for f in figures), str(missed)]) + " |"
        )
    return "\n".join(lines)


def _filtered(design: Design, x: np.ndarray) -> np.ndarray:
    return np.asarray(signal.sosfilt(design.sos, x) if design.ba is None else signal.lfilter(*design.ba, x))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="40 designs")
    quick = parser.parse_args().quick
    print(errors(40 if quick else 320))


if __name__ == "__main__":
    main()
