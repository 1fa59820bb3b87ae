"""Which dtype a filter computes in, and how the result becomes the dtype asked for.

SciPy computes in double precision and stores by a C cast. Here floating images are computed in their own precision,
whole-number images in JAX's default float, and the cast to whole numbers is SciPy's: toward zero, modulo 2ⁿ for the
types of 8 and 16 bits and the unsigned ones. A value within rounding of a whole number counts as that number.
"""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import dtypes

from jconv._core.concrete import is_traced


def dtype_of(output: Any, x: jax.Array, *, complex_result: bool = False) -> np.dtype:
    """The dtype of the result: `output`, else that of the image."""
    if output is None:
        return np.dtype(jnp.promote_types(x.dtype, jnp.complex64)) if complex_result else x.dtype
    if isinstance(output, np.ndarray | jax.Array):
        if output.shape != x.shape:
            raise RuntimeError(f"output shape not correct: got {output.shape} for an image of shape {x.shape}")
        if complex_result and not jnp.iscomplexobj(output):
            raise RuntimeError(f"output must have complex dtype, got {output.dtype}; pass jnp.complex64")
        if isinstance(output, jax.Array):
            raise TypeError(
                "`output` must be a dtype or a NumPy array to fill: JAX arrays do not change; use the result"
            )
        return dtypes.canonicalize_dtype(output.dtype)
    dtype = dtypes.canonicalize_dtype(output)
    if complex_result and not jnp.issubdtype(dtype, jnp.complexfloating):
        if isinstance(output, str):
            raise RuntimeError(f"output must have complex dtype, got {output!r}; pass 'complex64'")
        warnings.warn("promoting specified output dtype to complex", UserWarning, stacklevel=4)
        dtype = np.dtype(jnp.promote_types(dtype, jnp.complex64))
    return dtype


def deliver(result: jax.Array, output: Any) -> Any:
    """The result; where `output` is a NumPy array, that array, filled (so not under `jit`)."""
    if isinstance(output, np.ndarray):
        if is_traced(result):
            raise TypeError("`output` must be a dtype while a program is traced; use the value that is returned")
        output[...] = np.asarray(result)
        return output
    return result


def working_dtype(x_dtype, out_dtype) -> np.dtype:
    """The floating (or complex) dtype to compute in."""
    dtype = jnp.promote_types(x_dtype, out_dtype)
    if not jnp.issubdtype(dtype, jnp.inexact):
        return dtypes.canonicalize_dtype(float)
    if not jnp.issubdtype(x_dtype, jnp.inexact):
        dtype = jnp.promote_types(dtype, dtypes.canonicalize_dtype(float))
    return np.dtype(jnp.promote_types(dtype, jnp.float32))


def store(value: jax.Array, dtype) -> jax.Array:
    """`value` cast to `dtype` as SciPy stores it."""
    if jnp.issubdtype(dtype, jnp.inexact) or not jnp.issubdtype(value.dtype, jnp.inexact):
        return value.astype(dtype)
    slack = 16 * jnp.finfo(value.dtype).eps * jnp.maximum(jnp.abs(value), 1)
    whole = jnp.trunc(value + jnp.where(value < 0, -slack, slack))
    if jnp.issubdtype(dtype, bool):
        return whole != 0
    if dtype in (np.int32, np.int64):
        return whole.astype(dtype)
    wide = jnp.int64 if jax.config.read("jax_enable_x64") else jnp.int32
    if dtype == np.uint64 or (dtype == np.uint32 and wide == jnp.int32):
        return jnp.where(whole < 0, whole.astype(wide).astype(dtype), jnp.abs(whole).astype(dtype))
    return whole.astype(wide).astype(dtype)


def warn_of_overflow(x_dtype, out_dtype, low: float, high: float) -> None:
    """Warn if a result of weights that sum to `low` (negative ones) and `high` (positive ones) may not fit.

    Types of 32 and 64 bits are not looked at: hardly an image uses their whole range.
    """
    wide = out_dtype in (np.int32, np.int64)
    if jnp.issubdtype(x_dtype, jnp.inexact) or not jnp.issubdtype(out_dtype, jnp.integer) or wide:
        return
    least, most = (0, 1) if jnp.issubdtype(x_dtype, bool) else (jnp.iinfo(x_dtype).min, jnp.iinfo(x_dtype).max)
    limits = jnp.iinfo(out_dtype)
    lowest, highest = low * most + high * least, low * least + high * most
    if lowest <= limits.min - 1 or (limits.bits < 32 and highest >= limits.max + 1):
        warnings.warn(
            f"results from {lowest:g} to {highest:g} are possible and wrap around in {out_dtype}, as in SciPy; "
            "pass output=jnp.int32 or output=jnp.float32 to keep them",
            RuntimeWarning,
            stacklevel=4,
        )
