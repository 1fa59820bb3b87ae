"""From a Flax module, which holds its parameters, to a pure function that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.typing import DTypeLike

from jconv._core.paths import PyTree


def functional(
    model: nnx.Module, *, dtype: DTypeLike | None = None
) -> tuple[Callable[..., tuple[Any, PyTree]], PyTree, PyTree]:
    """Split a module into a pure function, its parameters, and its other variables (such as running means).

    Parameters
    ----------
    model : nnx.Module
        Stays as it is.
    dtype : dtype, optional
        Compute in this precision, such as bfloat16, while the parameters keep theirs (mixed precision): every layer
        with an attribute `dtype`, as Flax's have, casts its inputs and parameters to it; real outputs come back as
        float32, so that a loss is computed in full. P. Micikevicius et al., "Mixed precision training", ICLR 2018;
        bfloat16 has the range of float32 and needs no scaling of the loss.

    Returns
    -------
    apply : callable (params, variables, *args, **kwargs) -> (output, variables)
        `variables` come back as the call left them.
    params : pytree
        What an optimizer changes.
    variables : pytree
        What the model changes in itself.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> apply, params, variables = functional(nnx.Linear(2, 3, rngs=nnx.Rngs(0)))
    >>> apply(params, variables, jnp.ones((4, 2)))[0].shape
    (4, 3)
    """
    if dtype is not None:
        model = nnx.clone(model)
        model.set_attributes(dtype=dtype, raise_if_not_found=False)
    graph, params, variables = nnx.split(model, nnx.Param, ...)

    def apply(params: PyTree, variables: PyTree, *args: Any, **kwargs: Any) -> tuple[Any, PyTree]:
        merged = nnx.merge(graph, params, variables, copy=True)  # else the module would change what it was given
        output = merged(*args, **kwargs)
        output = output if dtype is None else jax.tree.map(_float32, output)
        return output, nnx.split(merged, nnx.Param, ...)[2]

    return apply, params, variables


def _float32(array: Any) -> Any:
    real = isinstance(array, jax.Array) and jnp.issubdtype(array.dtype, jnp.floating)
    return array.astype(jnp.float32) if real else array
