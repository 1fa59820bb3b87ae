"""What the restoration of photographs is asked for, and what it achieves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv.tasks._fields import document_fields, setting
from jconv.tasks._saved import course, save_run
from jconv.tasks._settings import Settings
from jconv.training import State, bootstrap_interval

_TILE = 60


@document_fields
@dataclass(frozen=True)
class DeblurringSettings(Settings):
    """The settings of `train_deblurring`."""

    steps: int = setting(600, "training steps", least=1, most=2**31 - 1)
    batch_size: int = setting(16, "pieces of photographs in each step", least=1)
    learning_rate: float = setting(2e-3, "peak of the schedule: a short rise, then a cosine fall", above=0)
    data: str | None = setting(None, "a folder of clean pictures of any size; without it, photographs of scikit-image")
    skip_damaged: bool = setting(False, "leave out files of that folder that cannot be read, and name them")
    blur: Literal["motion", "gaussian", "none"] = setting("motion", "what the camera does, unknown to the learner")
    noise: float = setting(0.005, "standard deviation of the camera's noise, for pixels from 0 to 1", least=0, most=1)
    size: int = setting(64, "rows and columns of the pieces", least=40, most=192)
    widths: tuple[int, ...] = setting((16, 32, 64), "channels of each level of the U-Net", least=1)


@document_fields
@dataclass(frozen=True)
class DenoisingSettings(DeblurringSettings):
    """The same, for a camera that does not blur but is noisy."""

    blur: Literal["motion", "gaussian", "none"] = setting("none", "what the camera does, unknown to the learner")
    noise: float = setting(0.1, "standard deviation of the camera's noise, for pixels from 0 to 1", least=0, most=1)


class Restored(NamedTuple):
    """A test photograph, what the camera made of it, and the restoration."""

    sharp: np.ndarray
    """(H, W, 3)"""
    blurred: np.ndarray
    restored: np.ndarray


class DeblurringResult(NamedTuple):
    """A trained restoration, the kernel that it found, and how good both are."""

    settings: DeblurringSettings
    """The settings of the run."""
    state: State
    """The end of the training; `average` holds the parameters that were tested."""
    history: dict[str, np.ndarray]
    """The metrics of each step, one array each."""
    true_kernel: np.ndarray
    """(kh, kw): the camera's blur, which the learner was not given."""
    kernel: np.ndarray
    """(kh, kw): the blur as it was learned."""
    photographs: list[Restored]
    """The test photographs before and after the camera, and restored."""
    seconds: float
    """Wall-clock time of the whole run."""
    skipped: tuple[str, ...] = ()
    """One message for each file that was left out."""

    def metrics(self) -> dict[str, Any]:
        """Return the figures, as they are saved; PSNR in dB for pixels from 0 to 1, means over the test photographs."""
        before = [psnr(p.blurred, p.sharp) for p in self.photographs]
        after = [psnr(p.restored, p.sharp) for p in self.photographs]
        gains = _tile_gains(self.photographs)
        return {
            "psnr_before": float(np.mean(before)),
            "psnr_after": float(np.mean(after)),
            "psnr_gain": float(np.mean(after) - np.mean(before)),
            "psnr_gain_by_photograph": [a - b for a, b in zip(after, before)],
            "psnr_gain_of_tiles": float(gains.mean()),
            "psnr_gain_of_tiles_95_percent_interval": list(
                bootstrap_interval(lambda chosen: float(gains[chosen].mean()), len(gains))
            ),
            "kernel_relative_error": float(
                np.linalg.norm(self.kernel - self.true_kernel) / np.linalg.norm(self.true_kernel)
            ),
            "skipped_files": list(self.skipped),
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """Return the figures that count, in one line."""
        metrics = self.metrics()
        return (
            f"unseen photographs from {metrics['psnr_before']:.1f} to {metrics['psnr_after']:.1f} dB "
            f"({metrics['psnr_gain']:+.1f} dB), kernel found to {metrics['kernel_relative_error']:.1%} in L2, "
            f"{metrics['steps']} steps, {metrics['seconds']:.1f} s"
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write `curves.png` and `examples.png`, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder, metrics = output_folder(folder), self.metrics()
        curves = {
            "gain on the pieces of a step, dB": self.history["gain"],
            "relative error of the kernel": self.history["kernel_error"],
        }
        plotting.save(plotting.learning_curves(curves, title="Learning to restore"), folder / "curves.png")
        title = (
            f"Unseen photographs, {metrics['psnr_gain']:+.1f} dB on average. The kernel was learned from random "
            f"numbers, together with the network that restores; its error is {metrics['kernel_relative_error']:.1%}"
        )
        shown = self.photographs[:4]
        rows = [(p.sharp, p.blurred, p.restored) for p in shown]
        levels = [(psnr(p.blurred, p.sharp), psnr(p.restored, p.sharp)) for p in shown]
        made = plotting.restoration(rows, levels, self.true_kernel, self.kernel, title=title)
        plotting.save(made, folder / "examples.png")
        task = "denoising" if isinstance(self.settings, DenoisingSettings) else "deblurring"
        save_run(folder, task, self.settings, metrics, self.state.average, self.state.variables)


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    r"""Compute the peak signal-to-noise ratio in dB for values in [0, 1], :math:`-10 \log_{10} \mathrm{MSE}`."""
    return float(-10 * np.log10(max(float(np.mean((np.asarray(image, float) - truth) ** 2)), 1e-12)))


def _tile_gains(photos: Sequence[Restored]) -> np.ndarray:
    """Return the gain in dB of every tile of 60 × 60 pixels by itself; of a smaller picture, of all of it."""
    gains = []
    for sharp, blurred, restored in photos:
        sides = [min(_TILE, n) for n in sharp.shape[:2]]
        for at in np.ndindex(*(n // side for n, side in zip(sharp.shape[:2], sides))):
            tile = tuple(slice(i * side, (i + 1) * side) for i, side in zip(at, sides))
            gains.append(psnr(restored[tile], sharp[tile]) - psnr(blurred[tile], sharp[tile]))
    return np.array(gains)
