"""Arrays and dtypes as NumPy promotes them, within what JAX represents."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

HALF = ("float16", "bfloat16")


def as_array(name: str, value: Any) -> jax.Array:
    """`value` as an array of JAX, or a TypeError that names the argument."""
    if isinstance(value, jax.Array):  # traced ones too; `jnp.asarray` takes its time over them
        return value
    try:
        return jnp.asarray(value)
    except (TypeError, ValueError) as error:
        try:
            dtype = np.asarray(value).dtype
        except ValueError:  # ragged
            raise error from None
        if dtype.kind in "biufc" and dtype.itemsize <= 16 and dtype.name not in ("longdouble", "float128"):
            raise
        raise TypeError(
            f"`{name}` has dtype {dtype}, which JAX cannot hold; pass booleans, integers, reals or complex numbers"
        ) from error


def _dtype(value: Any) -> np.dtype:
    """The dtype of an array, or a dtype itself."""
    return np.dtype(value if isinstance(value, type) else getattr(value, "dtype", value))


def result_type(*arrays: Any) -> np.dtype:
    """The dtype of NumPy's promotion (int32 with float32 is float64), as far as JAX's 64-bit mode allows.

    Types that NumPy does not know (bfloat16 and narrower) follow JAX's promotion.
    """
    dtypes = list(map(_dtype, arrays))
    if any(d.kind == "V" for d in dtypes):
        promoted = jnp.result_type(*dtypes)
    else:
        promoted = np.result_type(*dtypes)
    return np.dtype(jax.dtypes.canonicalize_dtype(promoted))


def inexact_type(*arrays: Any) -> np.dtype:
    """The promoted dtype, integers and booleans taken as float64, float16 and bfloat16 as float32."""
    dtypes = list(map(_dtype, arrays))
    dtypes = [np.dtype(np.float64) if d.kind in "biu" else d for d in dtypes]
    dtypes = [np.dtype(np.float32) if d.name in HALF else d for d in dtypes]
    return result_type(*dtypes)


def cast(x: jax.Array, dtype: Any) -> jax.Array:
    """`x` in `dtype`; `x` itself where it has that dtype."""
    return x if x.dtype == dtype else x.astype(dtype)


def real_type(dtype: Any) -> np.dtype:
    """The dtype of the real part."""
    return np.zeros((), dtype).real.dtype
