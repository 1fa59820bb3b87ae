"""How many parameters a module has."""

from __future__ import annotations

import math

import jax
from flax import nnx


def parameter_count(model: nnx.Module) -> int:
    """The number of learned numbers in a module, also in an abstract one from `nnx.eval_shape`.

    Examples
    --------
    >>> parameter_count(nnx.Linear(3, 4, rngs=nnx.Rngs(0)))
    16
    """
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
