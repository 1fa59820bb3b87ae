"""A plan of the engine as a chart: what every algorithm would cost, and why some are refused."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Protocol

from matplotlib.figure import Figure

from jconv.plotting._figure import INK, PALE, SERIES, figure, ruled


class _Candidate(Protocol):
    @property
    def algorithm(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def memory(self) -> int: ...
    @property
    def refused(self) -> str | None: ...


class _Plan(Protocol):
    @property
    def algorithm(self) -> str: ...
    @property
    def candidates(self) -> Sequence[_Candidate]: ...
    @property
    def effort(self) -> str: ...


def plan_chart(plan: _Plan, *, title: str = "") -> Figure:
    """Draw a plan as bars: the time of every algorithm, or the reason why it is refused.

    Parameters
    ----------
    plan : jconv.engine.Plan
        What `jconv.plan` returns.
    title : str
        Default: the shapes and the geometry of the problem, from the first line of the printed plan.

    Returns
    -------
    Figure
        The fastest algorithm on top, the chosen one in blue; each bar ends with its time and its extra memory. Below
        them the refused ones with their reasons.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, jconv
    >>> x, w = (jax.ShapeDtypeStruct((1, 1, n, n), jnp.float32) for n in (256, 31))
    >>> fig = plan_chart(jconv.plan(x, w, (1, 1), "SAME"))
    >>> fig.axes[0].get_xlabel()
    'estimated time in ms'
    """
    usable = sorted((c for c in plan.candidates if c.refused is None), key=lambda c: c.seconds)
    refused = [c for c in plan.candidates if c.refused is not None]
    fig = figure(8.6, 0.24 * len(plan.candidates) + 1.3)
    heading = title or str(plan).splitlines()[0]
    fig.suptitle("\n".join(textwrap.wrap(heading, 110)), fontsize=10, color=INK)
    axes = fig.subplots()
    finite = [1e3 * c.seconds for c in usable if math.isfinite(c.seconds) and c.seconds > 0] or [1.0]
    low, high = min(finite) / 2, max(finite)
    for row, c in enumerate(usable):
        time = 1e3 * c.seconds if math.isfinite(c.seconds) else float("nan")
        axes.barh(row, time, color=SERIES[0] if c.algorithm == plan.algorithm else PALE, height=0.72)
        memory = f", {c.memory / 2**20:.1f} MiB extra" if c.memory >= 2**16 else ""
        place = time if math.isfinite(time) else low
        axes.text(place, row, f" {_words(c.seconds)}{memory}", va="center", ha="left", fontsize=8, color=INK)
    for row, c in enumerate(refused, len(usable)):
        reason = textwrap.shorten(c.refused or "", 100, placeholder=" …")
        axes.text(low, row, f" refused: {reason}", va="center", ha="left", fontsize=7.5, color=INK, style="italic")
    axes.set_yticks(range(len(usable) + len(refused)), [c.algorithm for c in (*usable, *refused)])
    axes.set_xscale("log")
    axes.set_xlim(low, low * (max(high / low, 10)) ** 1.45)  # room for the words at the ends of the bars
    axes.set_ylim(len(plan.candidates) - 0.4, -0.6)  # the fastest on top
    ruled(axes, f"{'measured' if plan.effort == 'measure' else 'estimated'} time in ms", "")
    axes.grid(False, axis="y")
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() == plan.algorithm else "normal")
    return fig


def _words(seconds: float) -> str:
    """Write a time in a unit that suits it.

    >>> [_words(t) for t in (2.5, 0.0123, 4e-6, float("inf"))]
    ['2.5 s', '12.3 ms', '4 µs', 'no estimate']
    """
    if not math.isfinite(seconds):
        return "no estimate"
    factor, unit = (1.0, "s") if seconds >= 1 else (1e3, "ms") if seconds >= 1e-4 else (1e6, "µs")
    return f"{factor * seconds:.3g} {unit}"
