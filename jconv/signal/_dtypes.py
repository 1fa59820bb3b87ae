"""Dtypes as NumPy promotes them, within what JAX represents."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jconv._core.arrays import ArrayLike as ArrayLike
from jconv._core.arrays import as_array as as_array
from jconv._core.arrays import as_numpy as as_numpy

HALF = ("float16", "bfloat16")


def is_floating(dtype: np.dtype) -> bool:
    """Whether numbers of this dtype are rounded: real or complex, bfloat16 (NumPy's kind V) included."""
    return dtype.kind in "fcV"


def _dtype(value: jax.Array | np.ndarray | jax.ShapeDtypeStruct | DTypeLike) -> np.dtype:
    """Return the dtype of an array, or a dtype itself."""
    return np.dtype(value if isinstance(value, type) else getattr(value, "dtype", value))


def result_type(*arrays: jax.Array | np.ndarray | jax.ShapeDtypeStruct | DTypeLike) -> np.dtype:
    """Return the dtype of NumPy's promotion (int32 with float32 is float64), as far as JAX's 64-bit mode allows.

    Types that NumPy does not know (bfloat16 and narrower) follow JAX's promotion.
    """
    dtypes = list(map(_dtype, arrays))
    if any(d.kind == "V" for d in dtypes):
        promoted = jnp.result_type(*dtypes)
    else:
        promoted = np.result_type(*dtypes)
    return np.dtype(jax.dtypes.canonicalize_dtype(promoted))


def inexact_type(*arrays: jax.Array | np.ndarray | jax.ShapeDtypeStruct | DTypeLike) -> np.dtype:
    """Return the promoted dtype, integers and booleans taken as float64, float16 and bfloat16 as float32."""
    dtypes = list(map(_dtype, arrays))
    dtypes = [np.dtype(np.float64) if d.kind in "biu" else d for d in dtypes]
    dtypes = [np.dtype(np.float32) if d.name in HALF else d for d in dtypes]
    return result_type(*dtypes)


def cast(x: jax.Array, dtype: DTypeLike) -> jax.Array:
    """`x` in `dtype`; `x` itself where it has that dtype."""
    return x if x.dtype == dtype else x.astype(dtype)


def real_type(dtype: DTypeLike) -> np.dtype:
    """Return the dtype of the real part."""
    return np.real(np.zeros((), dtype)).dtype
