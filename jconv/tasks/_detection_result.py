"""What detection is asked for, and what it achieves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv.nn import non_max_suppression
from jconv.tasks._fields import document_fields, setting
from jconv.tasks._learn_scenes import TESTED
from jconv.tasks._own_data import warn_of_few
from jconv.tasks._saved import course, save_run
from jconv.tasks._settings import Settings
from jconv.training import AveragePrecision, ScoredBoxes, State

CLASSES = 10
DIGITS = tuple(map(str, range(CLASSES)))
SHOWN = 0.3
"""The least score of a detection that is drawn or reported."""


@document_fields
@dataclass(frozen=True)
class DetectionSettings(Settings):
    """The settings of `train_detection`."""

    steps: int = setting(3000, "training steps", least=1, most=2**31 - 1)
    batch_size: int = setting(16, "pictures in each step", least=1)
    learning_rate: float = setting(4e-3, "peak of the schedule: a short rise, then a cosine fall", above=0)
    data: str | None = setting(None, "a COCO-style JSON file of boxes; without it, digits on photographs")
    images: str | None = setting(None, "the folder of its pictures, where it is not the folder of that file")
    skip_damaged: bool = setting(False, "leave out pictures that cannot be read, and name them")
    size: int = setting(96, "rows and columns of the pictures; own ones are scaled to fit", least=48, most=256)
    widths: tuple[int, ...] = setting((16, 32, 64, 128), "channels of the stem and of each stage", least=1)
    pyramid: int = setting(48, "channels of the feature pyramid", least=1)


class Examples(NamedTuple):
    """A few test pictures, the truth about them, and what was found on them."""

    images: np.ndarray
    truth: list[ScoredBoxes]
    found: list[ScoredBoxes]


class DetectionResult(NamedTuple):
    """A trained network and how it did on digits and photographs that it never saw."""

    settings: DetectionSettings
    """The settings of the run."""
    state: State
    """The end of the training; `average` holds the parameters that were tested."""
    history: dict[str, np.ndarray]
    """The metrics of each step, one array each."""
    precision: AveragePrecision
    """Average precision over the test pictures."""
    examples: Examples
    """A few test pictures with the true and the predicted boxes."""
    seconds: float
    """Wall-clock time of the whole run."""
    names: tuple[str, ...] = DIGITS
    """The names of the classes."""
    tested: int = TESTED
    """How many pictures were tested on."""
    skipped: tuple[str, ...] = ()
    """One message for each file or box that was left out or changed."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to keep in mind about the figures."""
        return warn_of_few(self.tested, "pictures")

    def metrics(self) -> dict[str, Any]:
        """Return the figures, as they are saved."""
        return {
            "map_at_50": self.precision.at_50,
            "map_at_50_95_percent_interval": list(self.precision.at_50_interval),
            "map_at_75": self.precision.at_75,
            "map_at_50_to_95": self.precision.at_50_to_95,
            "map_at_50_to_95_95_percent_interval": list(self.precision.at_50_to_95_interval),
            "test_size": self.tested,
            "classes": list(self.names),
            "skipped_files": list(self.skipped),
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """Return the figures that count, in one line."""
        ((low, high), (least, most)) = self.precision.at_50_interval, self.precision.at_50_to_95_interval
        return (
            f"mAP@0.5 {self.precision.at_50:.3f} (95 % interval {low:.3f} … {high:.3f}), mAP@[.5:.95] "
            f"{self.precision.at_50_to_95:.3f} ({least:.3f} … {most:.3f}) on {self.tested} {self._tested()}, "
            f"{len(self.history['loss'])} steps, {self.seconds:.1f} s"
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write `curves.png` and `examples.png`, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder = output_folder(folder)
        curves = {"training loss": self.history["loss"], "mean IoU of the boxes in training": self.history["iou"]}
        plotting.save(plotting.learning_curves(curves, title="Learning to detect"), folder / "curves.png")
        title = (
            f"Boxes found on {self._tested()}: mAP@0.5 {self.precision.at_50:.3f}, "
            f"mAP@[.5:.95] {self.precision.at_50_to_95:.3f}"
        )
        truth, found = ([describe_boxes(boxes, self.names) for boxes in side] for side in self.examples[1:])
        made = plotting.detection_grid(self.examples.images, truth, found, title=title)
        plotting.save(made, folder / "examples.png")
        about = {"classes": list(self.names)}
        save_run(folder, "detection", self.settings, self.metrics(), self.state.average, self.state.variables, about)

    def _tested(self) -> str:
        return "unseen pictures" if self.settings.data else "pictures of unseen digits on unseen photographs"


def choose_sure(found: ScoredBoxes) -> ScoredBoxes:
    """Those of which the network is sure enough, and of several digits in one place the surest."""
    if found.scores is None:
        return found
    sure = found.scores >= SHOWN
    sure[sure] = non_max_suppression(jnp.asarray(found.boxes[sure]), jnp.asarray(found.scores[sure]))
    return ScoredBoxes(found.boxes[sure], found.labels[sure], found.scores[sure])


def describe_boxes(boxes: ScoredBoxes, names: Sequence[str]) -> tuple[np.ndarray, list[str], list[int]]:
    """ScoredBoxes, captions and colours, as `jconv.plotting.draw_boxes` takes them."""
    boxes = choose_sure(boxes)
    scores = [""] * len(boxes.labels) if boxes.scores is None else [f" {score:.2f}" for score in boxes.scores]
    return (
        boxes.boxes,
        [f"{names[label]}{score}" for label, score in zip(boxes.labels, scores)],
        [int(b) for b in boxes.labels],
    )
