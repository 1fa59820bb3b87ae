"""Dtypes in layers: integers count as floats, sums and positions need single precision, and promotions are explicit.

Every conversion is an `astype`, so that layers work under `jax.numpy_dtype_promotion("strict")`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

P = ParamSpec("P")
R = TypeVar("R")


def to_floating(inputs: jax.Array) -> jax.Array:
    """Convert integers and booleans to float32, as JAX's promotion does; leave inexact arrays as they are."""
    return inputs if jnp.issubdtype(inputs.dtype, jnp.inexact) else inputs.astype(jnp.float32)


def widen_dtype(dtype: DTypeLike) -> jnp.dtype:
    """Return float32 for the half precisions, and any other dtype unchanged.

    bfloat16 represents integers exactly only up to 256 and float16 up to 2048, and float16 overflows at 65,504. So
    positions, counts and sums over many samples are computed in the dtype that this function returns.

    >>> widen_dtype("bfloat16"), widen_dtype("float64")
    (dtype('float32'), dtype('float64'))
    """
    dtype = jnp.dtype(dtype)
    return jnp.dtype(jnp.float32) if jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4 else dtype


def widen(array: jax.Array) -> jax.Array:
    """Convert half precision to float32; leave other arrays as they are."""
    return array.astype(widen_dtype(array.dtype))


def promote(*dtypes: DTypeLike) -> jnp.dtype:
    """Return JAX's standard promotion of dtypes, also where the user has set strict promotion."""
    with jax.numpy_dtype_promotion("standard"):
        return jnp.result_type(*dtypes)


def with_standard_promotion(method: Callable[P, R]) -> Callable[P, R]:
    """Run a method under JAX's standard promotion, which Flax's normalisations rely on."""

    @functools.wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.numpy_dtype_promotion("standard"):
            return method(*args, **kwargs)

    return run
