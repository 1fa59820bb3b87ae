"""What learning kernels leaves: the kernels, their errors, pictures."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

from jconv._core.extras import needed
from jconv._core.files import atomic, output_folder, write_json


class LearnResult(NamedTuple):
    """What was learned. K kernels stand in one bank of shape (kh, kw, K), smaller ones with zeros around them."""

    names: tuple[str, ...]
    """The names of the kernels."""
    image: np.ndarray
    """(C, H, W): the channels of the picture that was learned from."""
    truth: np.ndarray
    """(kh, kw, K): the kernels that were to be learned."""
    start: np.ndarray
    """(kh, kw, K): the random initialization."""
    learned: np.ndarray
    """(kh, kw, K): the kernels at the end of the training."""
    least_squares: np.ndarray
    """(kh, kw, K): the closed-form solution."""
    losses: np.ndarray
    """(K,): mean squared error of each kernel's output on the whole picture."""
    errors: np.ndarray
    """(steps, K): largest absolute error of each kernel, step by step."""
    seed: int
    """Decided the initialization and the order of the data."""
    seconds: float
    """Wall-clock time of the training."""
    known: bool = True
    """Whether `truth` made the outputs; else these came from files, and `truth` is the closed form's answer."""

    def metrics(self) -> dict[str, Any]:
        """Return the figures, as they are saved."""
        worst = lambda bank: np.abs(bank - self.truth).max(axis=(0, 1))
        rows = zip(self.names, worst(self.learned), worst(self.least_squares), self.losses)
        if not self.known:
            return {
                "kernels": {
                    name: {"max_abs_difference_from_least_squares": float(a), "final_loss": float(c)}
                    for name, a, _, c in rows
                },
                **self._course(),
            }
        return {
            "kernels": {
                name: {"max_abs_error": float(a), "least_squares_max_abs_error": float(b), "final_loss": float(c)}
                for name, a, b, c in rows
            },
            **self._course(),
        }

    def _course(self) -> dict[str, Any]:
        return {"steps": len(self.errors), "seconds": round(self.seconds, 3), "seed": self.seed}

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write `metrics.json`, `kernels.npz` and `kernels.png`."""
        plotting = needed("jconv.plotting", "plot")
        folder = output_folder(folder)
        plotting.save(plotting.kernel_recovery(*self[:5], self.errors, known=self.known), folder / "kernels.png")
        with atomic(folder / "kernels.npz") as file:
            np.savez(
                file,
                names=np.array(self.names),
                truth=self.truth,
                learned=self.learned,
                least_squares=self.least_squares,
            )
        write_json(folder / "metrics.json", self.metrics())
