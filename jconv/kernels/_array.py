"""How builders turn 1-D factors into arrays, and which dtypes they accept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check


def shape(size: int | Sequence[int], ndim: int = 2) -> tuple[int, ...]:
    """A kernel's shape: one size for each of `ndim` axes, or the sizes themselves."""
    sizes = (size,) * ndim if hasattr(size, "__index__") else tuple(size)  # type: ignore[arg-type]
    return tuple(check.positive_int("size", s) for s in sizes)


def odd(name: str, size: int) -> int:
    """`size` if it is a positive odd integer, so that the kernel has a central sample."""
    size = check.positive_int(name, size)
    if size % 2 == 0:
        raise ValueError(
            f"`{name}` must be odd for the kernel to have a centre, got {size}; pass {size - 1} or {size + 1}"
        )
    return size


def floating(dtype) -> np.dtype:
    """The dtype of a kernel whose values are not whole numbers: by default JAX's default float."""
    dtype = jax.dtypes.canonicalize_dtype(float if dtype is None else dtype)
    if not jnp.issubdtype(dtype, jnp.inexact):
        raise TypeError(f"`dtype` must be floating for a kernel with fractional values, got {dtype}; pass jnp.float32")
    return dtype


def cast(values, dtype) -> jax.Array:
    """`values` as a JAX array of `dtype` (default float if None); whole-number dtypes only if nothing is lost."""
    dtype = jax.dtypes.canonicalize_dtype(float if dtype is None else dtype)
    whole = not jnp.issubdtype(dtype, jnp.inexact)
    if whole and not (isinstance(values, np.ndarray) and np.array_equal(values.astype(dtype), values)):
        raise TypeError(f"`dtype` must be able to hold the kernel's values, got {dtype}; pass jnp.float32")
    return jnp.asarray(values, dtype)


def outer(factors: Sequence) -> jax.Array | np.ndarray:
    """The separable kernel of 1-D factors: K[i, j, …] = f₀[i] f₁[j] …"""
    return reduce(lambda kernel, factor: kernel[..., None] * factor, factors)
