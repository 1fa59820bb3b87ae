"""What all builders share: checks of sizes, dtypes and real parameters, and the outer product of factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike, DTypeLike

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv._core.limits import check_bytes

Real = float | jax.Array
"""A real parameter, which may be traced."""

_BYTES = 16
"""Per sample while a kernel is built: one array in double precision and one intermediate."""


def check_size(shape: Sequence[int], copies: int = 1) -> None:
    """Refuse a kernel that would not fit into memory, before any array is made; `copies` arrays are held at once."""
    check_bytes(f"a kernel of shape {tuple(shape)}", _BYTES * copies * math.prod(shape))


def check_shape(size: int | Sequence[int], ndim: int = 2) -> tuple[int, ...]:
    """Return a kernel's shape: one size for each of `ndim` axes, or the sizes themselves."""
    sizes = tuple(size) if isinstance(size, Sequence | np.ndarray) else (size,) * check.positive_int("ndim", ndim)
    shape = tuple(check.positive_int("size", s) for s in sizes)
    check_size(shape)
    return shape


def check_odd(name: str, size: int) -> int:
    """`size` if it is a positive odd integer, so that the kernel has a central sample."""
    size = check.positive_int(name, size)
    if size % 2 == 0:
        raise ValueError(
            f"`{name}` must be odd for the kernel to have a center, got {size}; pass {size - 1} or {size + 1}"
        )
    return size


def check_odd_shape(size: int | Sequence[int], ndim: int = 2) -> tuple[int, ...]:
    """`check_shape` with an odd size along every axis."""
    return tuple(check_odd("size", n) for n in check_shape(size, ndim))


def check_positive(name: str, value: ArrayLike, remedy: str) -> None:
    """Refuse a known number that is not positive and finite; a traced one cannot be looked at."""
    if not is_traced(value) and not 0 < float(np.asarray(value)) < math.inf:
        raise ValueError(f"`{name}` must be positive, got {value}; pass {remedy}")


def check_known(name: str, value: ArrayLike | None, reason: str) -> None:
    """Refuse a traced value, because it decides something that must be known when the program is traced."""
    if is_traced(value):
        raise TypeError(f"`{name}` must be known when the program is traced, since {reason}")


def check_floating(dtype: DTypeLike | None) -> np.dtype:
    """Return the dtype of a kernel whose values are not integers: by default JAX's default float."""
    floating = np.dtype(jax.dtypes.canonicalize_dtype(float if dtype is None else dtype))
    if not jnp.issubdtype(floating, jnp.inexact):
        raise TypeError(
            f"`dtype` must be floating for a kernel with fractional values, got {floating}; pass jnp.float32"
        )
    return floating


def cast(values: np.ndarray | jax.Array, dtype: DTypeLike | None) -> jax.Array:
    """`values` as a JAX array of `dtype` (default float if None); an integer dtype only if nothing is lost."""
    target = np.dtype(jax.dtypes.canonicalize_dtype(float if dtype is None else dtype))
    is_integer = not jnp.issubdtype(target, jnp.inexact)
    if is_integer and not (isinstance(values, np.ndarray) and np.array_equal(values.astype(target), values)):
        raise TypeError(f"`dtype` must be able to hold the kernel's values, got {target}; pass jnp.float32")
    return jnp.asarray(values, target)


def outer(factors: Sequence[jax.Array] | Sequence[np.ndarray]) -> jax.Array | np.ndarray:
    """Return the separable kernel of 1-D factors: K[i, j, …] = f₀[i] f₁[j] ⋯."""
    return reduce(lambda kernel, factor: kernel[..., None] * factor, factors)
