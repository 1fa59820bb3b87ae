"""A batch worked through in parts, one after the other."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core.paths import PyTree

# function(params, variables, batch, key) -> (variables, outputs)
Function = Callable[[PyTree, PyTree, PyTree, jax.Array], tuple[PyTree, PyTree]]


def in_parts(function: Function, parts: int) -> Function:
    """Average a function's outputs over `parts` parts of the batch, its variables handed on from part to part.

    Part i takes every `parts`-th example from i on – so that a batch that is spread over devices stays so – and the key
    `fold_in(key, i)`.
    """
    if parts == 1:
        return function

    def split(array: jax.Array) -> jax.Array:
        if not array.ndim or array.shape[0] % parts:
            raise ValueError(
                f"`accumulate` is {parts}, and an array of the batch has shape {array.shape}; make the first axis of "
                "each a multiple of it"
            )
        return jnp.moveaxis(array.reshape(array.shape[0] // parts, parts, *array.shape[1:]), 1, 0)

    def mean(params: PyTree, variables: PyTree, batch: PyTree, key: jax.Array) -> tuple[PyTree, PyTree]:
        batches = jax.tree.map(split, batch)

        def one(carry: tuple[PyTree, PyTree], part: tuple[jax.Array, PyTree]) -> tuple[tuple[PyTree, PyTree], None]:
            variables, total = carry
            index, batch = part
            variables, outputs = function(params, variables, batch, jax.random.fold_in(key, index))
            return (variables, jax.tree.map(jnp.add, total, outputs)), None

        shapes = jax.eval_shape(function, params, variables, jax.tree.map(lambda a: a[0], batches), key)[1]
        zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
        (variables, total), _ = lax.scan(one, (variables, zeros), (jnp.arange(parts), batches))
        return variables, jax.tree.map(lambda t: t / parts, total)

    return mean
