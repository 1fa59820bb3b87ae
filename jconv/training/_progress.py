"""A progress bar that keeps quiet where nobody watches."""

from __future__ import annotations

from tqdm import tqdm

from jconv.training._fit import Report
from jconv.training._logs import rate

_UNSHOWN = ("gradient_norm", "validation_step")


class ProgressBar:
    """A callback for `fit`: a bar on standard error with metrics and samples per second; nothing without a terminal.

    Parameters
    ----------
    label : str
        What stands before the bar.
    shown : bool, optional
        Force the bar on or off; by default it shows on a terminal only.
    """

    def __init__(self, label: str = "training", *, shown: bool | None = None):
        self.label, self.shown, self.bar, self.seconds = label, shown, None, 0.0
        self.figures: dict[str, str] = {}

    def __call__(self, report: Report) -> None:
        if self.bar is None:
            hidden = None if self.shown is None else not self.shown
            self.bar = tqdm(total=report.steps, initial=report.done, desc=self.label, unit="step", disable=hidden)
        self.bar.update(report.done - self.bar.n)
        for name, values in report.metrics.items():
            if values.ndim == 1 and name not in _UNSHOWN:
                self.figures[name] = f"{values[-1]:.3g}"
        if speed := rate(report, self.seconds):
            self.figures["samples/s"] = f"{speed:.0f}"
        self.seconds = report.seconds
        self.bar.set_postfix(self.figures)
        if report.last:
            self.bar.close()
