"""The algorithms that the engine knows, each a module with the functions of `jconv.engine._algorithm.Algorithm`.

Nothing registers itself: the table below names them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from jconv.engine._algorithm import Algorithm
from jconv.engine.algorithms import (
    banded,
    channel_sum,
    columns,
    complex_split,
    direct,
    exchange,
    fft,
    im2col,
    kernel_gradient,
    onednn,
    overlap_add,
    overlap_save,
    phase_sum,
    polyphase,
    separable,
    space_to_depth,
    toeplitz,
    winograd,
    winograd_gradient,
    xla,
)

ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        "xla": xla,
        "onednn": onednn,
        "direct": direct,
        "im2col": im2col,
        "winograd": winograd,
        "winograd_gradient": winograd_gradient,
        "fft": fft,
        "overlap_add": overlap_add,
        "overlap_save": overlap_save,
        "toeplitz": toeplitz,
        "banded": banded,
        "columns": columns,
        "separable": separable,
        "polyphase": polyphase,
        "phase_sum": phase_sum,
        "space_to_depth": space_to_depth,
        "exchange": exchange,
        "kernel_gradient": kernel_gradient,
        "channel_sum": channel_sum,
        "complex_split": complex_split,
    }
)
"""{the name that `algorithm=` takes: the algorithm}."""
