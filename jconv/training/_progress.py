"""Progress on the screen: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import shutil
import sys
import time

from tqdm import tqdm

from jconv.training._fit import Report
from jconv.training._logs import rate

_UNSHOWN = ("gradient_norm", "validation_step")
_SHORTEST_BAR = 10
_TIMES = " [00:00<00:00, 9999.99step/s"
"""About as long as what tqdm writes behind the counts."""


class ProgressBar:
    """A callback for `fit` that shows progress on standard error, with metrics and samples per second.

    On a terminal it is a bar as wide as the terminal; what does not fit is left out, the last figures first. Elsewhere
    it is a line every ten seconds, so that a log shows that the run is alive.

    Parameters
    ----------
    label : str
        What stands before the bar. Default "training".
    shown : bool, optional
        True draws the bar even without a terminal, False shows nothing. Default: as described.
    seconds : float
        How often a line is written without a terminal. Default 10.

    Examples
    --------
    >>> ProgressBar("learning", shown=False).label
    'learning'
    """

    def __init__(self, label: str = "training", *, shown: bool | None = None, seconds: float = 10.0) -> None:
        self.label, self.shown, self.interval = label, shown, seconds
        self.bar: tqdm | None = None
        self.seconds = 0.0
        self.written = time.monotonic()
        self.figures: dict[str, str] = {}

    def __call__(self, report: Report) -> None:
        if self.shown is False:
            return
        for name, values in report.metrics.items():
            if values.ndim == 1 and name not in _UNSHOWN:
                self.figures[name] = f"{values[-1]:.3g}"
        if speed := rate(report, self.seconds):
            self.figures["samples/s"] = f"{speed:.0f}"
        self.seconds = report.seconds
        if self.shown or sys.stderr.isatty():
            self._draw(report)
        elif time.monotonic() - self.written >= self.interval:
            self._write(report)

    def _draw(self, report: Report) -> None:
        columns = shutil.get_terminal_size().columns - 1 if sys.stderr.isatty() else None
        look = {"bar_format": self._format(report, columns), "ncols": columns}
        if self.bar is None:
            self.bar = tqdm(total=report.steps, initial=report.done, unit="step", disable=False, miniters=1, **look)
        self.bar.bar_format, self.bar.ncols = look["bar_format"], columns
        self.bar.update(report.done - self.bar.n)
        self.bar.refresh()
        if report.last:
            self.bar.close()

    def _format(self, report: Report, columns: int | None) -> str:
        """Return the richest format for tqdm that leaves room for a bar."""
        counts = f"100%|| {report.steps}/{report.steps}"
        figures = [f"{name}={value}" for name, value in self.figures.items()] or ["compiling"]
        tails = [("{n_fmt}/{total_fmt}", len(counts))]
        tails.append(("{n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}", len(counts) + len(_TIMES)))
        for count in range(1, len(figures) + 1):
            text = ", ".join(figures[:count])
            tails.append((f"{tails[1][0]}, {text}", tails[1][1] + len(text) + 2))
        named, plain = f"{self.label}: " + "{percentage:3.0f}%|{bar}| ", "{percentage:3.0f}%|{bar}| "
        close = lambda tail: tail + "]" if "[" in tail else tail
        if not report.metrics and not report.done:  # which matters more than how fast nothing goes
            tails.append((f"{{n_fmt}}/{{total_fmt}} [{figures[0]}", len(counts) + len(figures[0]) + 2))
        for tail, length in reversed(tails):
            if columns is None or len(self.label) + 2 + length + 1 + _SHORTEST_BAR <= columns:
                return named + close(tail)
        return plain + tails[0][0]

    def _write(self, report: Report) -> None:
        self.written = time.monotonic()
        figures = "".join(f", {name} {value}" for name, value in self.figures.items())
        print(f"{self.label}: {report.done} of {report.steps} steps{figures}", file=sys.stderr, flush=True)
