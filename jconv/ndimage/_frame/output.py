"""Which dtype a filter computes in, and how the result becomes the dtype asked for.

SciPy computes in double precision and stores by a C cast. Here floating images are computed in their own precision,
whole-number images in JAX's default float (linear filters: see `arithmetic`), and the cast to whole numbers is that of
SciPy on x86: toward zero; modulo 2ⁿ for types of 8 and 16 bits and unsigned ones; the lowest number where a signed
type of 32 or 64 bits cannot hold the value, or where it is NaN. A value within rounding of a whole number counts as
that number.
"""

from __future__ import annotations

import warnings
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import dtypes
from jax.typing import DTypeLike

from jconv._core.concrete import is_traced

Output = DTypeLike | np.ndarray | None
"""What `output` may be: a dtype, or an array to fill."""


def dtype_of(output: Output, x: jax.Array, *, complex_result: bool = False) -> np.dtype:
    """Return the dtype of the result: `output`, else that of the image."""
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
        return _known(output.dtype)
    dtype = _known(np.dtype(output))
    if complex_result and not jnp.issubdtype(dtype, jnp.complexfloating):
        if isinstance(output, str):
            raise RuntimeError(f"output must have complex dtype, got {output!r}; pass 'complex64'")
        warnings.warn("promoting specified output dtype to complex", UserWarning, stacklevel=4)
        dtype = np.dtype(jnp.promote_types(dtype, jnp.complex64))
    return dtype


def _known(dtype: np.dtype) -> np.dtype:
    """Return the nearest dtype that JAX has: in the machine's byte order, of double precision at most."""
    if dtype.kind in "fc":
        dtype = min(dtype, np.dtype("f8" if dtype.kind == "f" else "c16"), key=lambda d: d.itemsize)
    return np.dtype(dtypes.canonicalize_dtype(dtype.newbyteorder("=")))


def deliver(result: jax.Array, output: Output) -> jax.Array:
    """Return the result; where `output` is a NumPy array, that array, filled (so not under `jit`)."""
    if isinstance(output, np.ndarray):
        if is_traced(result):
            raise TypeError("`output` must be a dtype while a program is traced; use the value that is returned")
        output[...] = np.asarray(result)
        return cast(jax.Array, output)  # what most callers get is typed for them
    return result


def working_dtype(x_dtype: DTypeLike, out_dtype: DTypeLike) -> np.dtype:
    """Return the floating (or complex) dtype to compute in."""
    dtype = jnp.promote_types(x_dtype, out_dtype)
    if not jnp.issubdtype(dtype, jnp.inexact):
        return dtypes.canonicalize_dtype(float)
    if not jnp.issubdtype(x_dtype, jnp.inexact):
        dtype = jnp.promote_types(dtype, dtypes.canonicalize_dtype(float))
    return np.dtype(jnp.promote_types(dtype, jnp.float32))


def floating(x: jax.Array, output: Output = None) -> tuple[jax.Array, np.dtype]:
    """Return a real image in its working dtype, and the result's dtype: floating unless `output` says otherwise."""
    whole = not jnp.issubdtype(x.dtype, jnp.inexact)
    dtype = working_dtype(x.dtype, x.dtype) if output is None and whole else dtype_of(output, x)
    return x.astype(working_dtype(x.dtype, dtype)), dtype


def has_doubles() -> bool:
    """Whether JAX's 64-bit types are on."""
    return dtypes.canonicalize_dtype(np.float64).itemsize == 8


def store(value: jax.Array, dtype: DTypeLike, *, rounded: bool = True) -> jax.Array:
    """`value` cast to `dtype` as SciPy stores it.

    With `rounded` the value may be off by rounding: what lies that little below a whole number counts as it. The
    allowance is 16 units in the last place, a guess at the error of an ordinary sum, and never more than a half.
    """
    dtype = np.dtype(dtype)
    if jnp.issubdtype(dtype, jnp.inexact) or not jnp.issubdtype(value.dtype, jnp.inexact):
        return value.astype(dtype)
    whole = jnp.trunc(value)
    if rounded:
        magnitude = jnp.maximum(jnp.abs(value), 1)
        slack = jnp.minimum(16 * jnp.finfo(value.dtype).eps * magnitude, 0.5)
        whole = jnp.where(jnp.abs(value - whole) > 1 - slack, whole + jnp.sign(value), whole)
    if dtype.kind == "b":
        return whole != 0
    wide = np.dtype(np.int64 if has_doubles() and (dtype.itemsize == 8 or dtype == np.uint32) else np.int32)
    signed = _signed(whole, wide).astype(dtype)
    if dtype == np.dtype(f"u{wide.itemsize}"):  # whose upper half the signed type does not hold
        return jnp.where(whole < 0, signed, jnp.abs(whole).astype(dtype))
    return signed


def _signed(whole: jax.Array, dtype: np.dtype) -> jax.Array:
    """Return a whole number as a signed integer, the lowest one where that cannot hold it."""
    lowest = -(2.0 ** (8 * dtype.itemsize - 1))
    return jnp.where((whole >= lowest) & (whole < -lowest), whole, lowest).astype(dtype)


def warn_of_overflow(x_dtype: DTypeLike, out_dtype: DTypeLike, low: float, high: float) -> None:
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
