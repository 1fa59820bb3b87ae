"""The number of parameters of a module."""

from __future__ import annotations

import math

import jax
from flax import nnx


def parameter_count(model: nnx.Module) -> int:
    """Count the learned numbers of a module.

    Parameters
    ----------
    model : nnx.Module
        May be abstract, from `nnx.eval_shape`.

    Returns
    -------
    int
        The sum of the sizes of all `nnx.Param`.

    Examples
    --------
    >>> parameter_count(nnx.Linear(3, 4, rngs=nnx.Rngs(0)))
    16
    """
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
