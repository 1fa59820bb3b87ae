"""From a Flax module, which holds its parameters, to a pure function that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flax import nnx

PyTree = Any


def functional(model: nnx.Module) -> tuple[Callable[..., tuple[Any, PyTree]], PyTree, PyTree]:
    """Split a module into a pure function, its parameters, and its other variables (such as running means).

    Parameters
    ----------
    model : nnx.Module

    Returns
    -------
    apply : callable (params, variables, *args, **kwargs) -> (output, variables)
        `variables` come back as the call left them.
    params, variables : pytrees

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> apply, params, variables = functional(nnx.Linear(2, 3, rngs=nnx.Rngs(0)))
    >>> apply(params, variables, jnp.ones((4, 2)))[0].shape
    (4, 3)
    """
    graph, params, variables = nnx.split(model, nnx.Param, ...)

    def apply(params: PyTree, variables: PyTree, *args, **kwargs) -> tuple[Any, PyTree]:
        merged = nnx.merge(graph, params, variables, copy=True)  # the call may write running means
        output = merged(*args, **kwargs)
        return output, nnx.split(merged, nnx.Param, ...)[2]

    return apply, params, variables
