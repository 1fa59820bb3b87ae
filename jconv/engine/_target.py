"""What a program is compiled for: the platform, the processor, and the libraries that may be called."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import jax

from jconv._core.cores import cores
from jconv.engine import _onednn_probe

LANES = 16
"""Numbers of float32 in the widest vector register of a processor (AVX-512): fewer channels leave lanes unused."""


@dataclasses.dataclass(frozen=True)
class Machine:
    """The processor and the libraries in jaxlib that estimates and block sizes depend on."""

    cores: int
    library: str
    """The library to which XLA:CPU hands dense products: constants are fitted for each."""
    onednn: Callable[[], _onednn_probe.Answer]
    """Which of oneDNN's calls may be used; asked only where a call would be possible."""


@functools.cache
def this_machine() -> Machine:
    """Return the machine of this process. XLA:CPU works with Eigen up to JAX 0.11, and with YNNPACK since 0.12."""
    return Machine(cores(), "ynn" if jax.__version_info__ >= (0, 12) else "eigen", _onednn_probe.answer)


@dataclasses.dataclass(frozen=True)
class Target:
    """What one program is lowered for.

    `portable` programs hold no custom calls: they leave the process, or are `partitioned` over devices by XLA.
    """

    platform: str
    portable: bool
    partitioned: bool
    machine: Machine

    def onednn_refusal(self) -> str | None:
        """None where a program for this target may call oneDNN, else the reason why not."""
        if self.platform != "cpu":
            return "a CPU library"
        if self.portable:
            return "a custom call, which is neither exported nor partitioned over devices"
        return self.machine.onednn().refusal

    def takes_onednn_products(self) -> bool:
        """Whether a program for this target may multiply many float32 matrices in one call of oneDNN."""
        return self.onednn_refusal() is None and self.machine.onednn().batched_products is None
