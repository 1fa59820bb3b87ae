"""One program on several devices: each takes its share of the batch, all hold the same state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jconv._core.paths import PyTree

Device = Any
"""`jax.Device`, which type checkers take for a variable."""


class Placement(NamedTuple):
    """Where the state and the batches of a run lie."""

    replicate: Callable[[PyTree], PyTree]
    """Outside a jitted function: a copy on every device."""
    together: Callable[[PyTree], PyTree]
    """Inside one: the same on every device."""
    split: Callable[[PyTree], PyTree]
    """Inside one: the first axis of every array spread over the devices."""


def placement(devices: Sequence[Device] | None, batch_size: int | None) -> Placement:
    """How to spread batches over devices; with at most one device, as they are.

    The partitioner of XLA puts in the sums over devices, so that a run on several means what a run on one does.
    """
    if devices is None or len(devices) < 2:
        same = lambda tree: tree
        put = same if not devices else lambda tree: jax.device_put(tree, devices[0])
        return Placement(put, same, same)
    if batch_size is None or batch_size % len(devices):
        size = "has no first axis" if batch_size is None else f"holds {batch_size} examples"
        raise ValueError(f"`devices` are {len(devices)} and the batch {size}; make its size a multiple of that")
    mesh = Mesh(np.array(devices), ("batch",))
    whole, spread = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("batch"))
    return Placement(
        lambda tree: jax.device_put(tree, whole),
        lambda tree: lax.with_sharding_constraint(tree, whole),
        lambda tree: lax.with_sharding_constraint(tree, spread),
    )


def batch_size_of(batch: PyTree) -> int | None:
    """Return the first axis that all arrays of a batch share, or None."""
    sizes = {leaf.shape[0] if np.ndim(leaf) else None for leaf in jax.tree.leaves(batch)}
    return sizes.pop() if len(sizes) == 1 else None
