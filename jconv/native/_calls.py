"""A native loop as a custom call in a program, and whether a program may hold one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jconv._core.cores import cores
from jconv._core.jax_internals import is_symbolic
from jconv.native._availability import refusal
from jconv.native._build import Kernel, register

# Multiplications or comparisons below which a second thread does not pay (measured: waking it takes 20 to 50 µs).
_WORTH_SHARING = 400_000


def unsuitable(*arrays: jax.Array, platform: str, portable: bool, partitioned: bool) -> str | None:
    """Why a program that is being lowered must do without native loops, or None."""
    if platform != "cpu":
        return f"the program is lowered for {'several platforms' if platform == 'many' else platform}"
    if portable:
        return "the program is exported"
    if partitioned:
        return "XLA partitions the program over several devices"
    if is_symbolic(*arrays):
        return "a size is a variable"
    return refusal()


def parts(units: int, work: float, per_core: int) -> int:
    """Return into how many parts a call's work falls: at most `units`, and `per_core` for each core.

    `work` is the number of its multiplications or comparisons.
    """
    return max(1, min(units, per_core * cores(), int(work) // _WORTH_SHARING))


def call(
    kernel: Kernel, *operands: jax.Array, results: Sequence[Any], parameters: Sequence[int], scratch: int = 0
) -> list[jax.Array]:
    """Call a loop, for results of the shapes and dtypes of `results`; for tracing inside a lowering only.

    The loop gets `parameters` as its attribute, and memory for `scratch` doubles behind its results.
    """
    types = [jax.ShapeDtypeStruct(like.shape, like.dtype) for like in results]
    memory = jax.ShapeDtypeStruct((2 * max(scratch, 1),), np.uint32)
    run = jax.ffi.ffi_call(register(kernel), [*types, memory])
    return list(run(*operands, parameters=np.asarray(parameters, np.int64)))[:-1]
