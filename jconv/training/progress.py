"""A progress bar that keeps quiet where nobody watches."""

from __future__ import annotations

from tqdm import tqdm

from jconv.training.fit import Report


class ProgressBar:
    """A callback for `fit`: a bar on standard error with the loss; nothing where that is no terminal.

    Parameters
    ----------
    label : str
        What stands before the bar.
    shown : bool, optional
        Force the bar on or off; by default it shows on a terminal only.
    """

    def __init__(self, label: str = "training", *, shown: bool | None = None):
        self.label, self.shown, self.bar = label, shown, None

    def __call__(self, report: Report) -> None:
        if self.bar is None:
            hidden = None if self.shown is None else not self.shown
            self.bar = tqdm(total=report.steps, initial=report.done, desc=self.label, unit="step", disable=hidden)
        self.bar.update(report.done - self.bar.n)
        if report.metrics:
            self.bar.set_postfix(loss=f"{report.metrics['loss'][-1]:.3g}")
        if report.done >= report.steps:
            self.bar.close()
