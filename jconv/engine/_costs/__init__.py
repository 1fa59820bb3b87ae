"""The cost table: seconds for each unit of each feature that an algorithm's estimate names.

`cpu.json` and `cuda.json` are generated from measurements and say by which command, on which machine and when
(`python -m benchmarks.fit`, `python -m benchmarks.gpu`); nobody edits them. `overrides.toml` holds the constants that
were set by hand since, each with its reason. Other processors scale all constants alike, more or less, which leaves the
choice as it is; where it does not, `effort="measure"` asks the device itself.
"""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent

Constants = Mapping[str, Mapping[str, float]]
"""{algorithm: {feature: seconds for each unit}}"""


@dataclasses.dataclass(frozen=True)
class Override:
    """One constant that is not the fitted one, why, and the row of a benchmark that needs it."""

    algorithm: str
    feature: str
    value: float
    reason: str
    row: str


@dataclasses.dataclass(frozen=True)
class CostTable:
    """Constants by platform, and how clear a gain must be before XLA's own convolution is left.

    An algorithm must be estimated at less than `margins[algorithm]` (`margin_elsewhere` for most) of XLA's time, on a
    GPU `gpu_margin`, to be chosen. One that spreads rounding errors must also save `spreading` seconds more than one
    that does not: for smaller savings the algorithm is preferred that maps exact zeros to exact zeros (a choice of
    ours, not a measurement).
    """

    platforms: Mapping[str, Constants]
    margins: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"onednn": 0.85, "kernel_gradient": 0.9})
    margin_elsewhere: float = 0.8
    gpu_margin: float = 0.6
    spreading: float = 5e-5

    @classmethod
    def load(cls, overrides: tuple[Override, ...] | None = None) -> CostTable:
        """Read the table of this package; by default with all its overrides."""
        platforms = {name: dict(read_constants(name)) for name in ("cpu", "cuda")}
        for override in read_overrides() if overrides is None else overrides:
            constants = platforms["cpu"]
            constants[override.algorithm] = {**constants[override.algorithm], override.feature: override.value}
        return cls(platforms)

    def margin(self, algorithm: str, platform: str) -> float:
        """Return the share of XLA's estimated time below which an algorithm is preferred to it."""
        return self.gpu_margin if platform == "cuda" else self.margins.get(algorithm, self.margin_elsewhere)

    def seconds(self, algorithm: str, work: Mapping[str, float], platform: str) -> float:
        """Return the estimated time of an algorithm for this work; infinite where there is no estimate.

        On a CPU every feature has a constant, and a KeyError names the one that lacks it. On other platforms a feature
        without a constant was not measured, and leaves no estimate.
        """
        if platform == "cpu":
            constants = self.platforms["cpu"][algorithm]
            return sum(constants[feature] * amount for feature, amount in work.items())
        constants = self.platforms.get(platform, {}).get(algorithm)
        work = {feature: amount for feature, amount in work.items() if amount}
        if constants is None or not work.keys() <= constants.keys():
            return math.inf
        return sum(constants[feature] * amount for feature, amount in work.items())


def read_constants(platform: str) -> Constants:
    """Return the generated constants of a platform."""
    return json.loads((FOLDER / f"{platform}.json").read_text())["constants"]


def read_overrides() -> tuple[Override, ...]:
    """Return the constants that were set by hand."""
    with open(FOLDER / "overrides.toml", "rb") as file:
        return tuple(Override(**entry) for entry in tomllib.load(file)["override"])
