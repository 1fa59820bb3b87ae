"""Arrays as they come, and dtypes as NumPy promotes them, within what JAX represents."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.typing import DTypeLike

ArrayLike = jax.Array | npt.ArrayLike
"""What the functions of this subpackage accept as an array: whatever NumPy makes one of, traced arrays included."""

HALF = ("float16", "bfloat16")


def as_array(name: str, value: ArrayLike) -> jax.Array:
    """`value` as an array of JAX, or a TypeError that names the argument.

    Whatever NumPy turns into numbers is accepted: lists, scalars, `np.matrix`, read-only and strided arrays, pandas
    and xarray objects. Foreign byte orders become the machine's, and extended precision becomes double precision, the
    widest that JAX has.
    """
    if isinstance(value, jax.Array):  # traced ones too; `jnp.asarray` takes its time over them
        return value
    try:
        array = as_numpy(name, value)
    except jax.errors.TracerArrayConversionError:  # a list that holds traced numbers
        return jnp.asarray(value)
    return jnp.asarray(array)


def as_numpy(name: str, value: ArrayLike) -> np.ndarray:
    """`value`, which is not traced, as a NumPy array of a dtype that JAX knows; else a TypeError with the name."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"`{name}` is a masked array, whose mask would be lost; pass {name}.filled(number), or average what is "
            f"present with jconv.signal.normalized_convolve({name}.data, kernel, mask=np.ma.getmaskarray({name}))"
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"`{name}` is not a rectangular array of numbers: {error}") from error
    if array.dtype.kind in "fc" and array.dtype.itemsize > (8 if array.dtype.kind == "f" else 16):
        array = array.astype(np.float64 if array.dtype.kind == "f" else np.complex128)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    # Kind V holds bfloat16 and its relatives, but also records, which have fields or no name of a number.
    if array.dtype.kind not in "biufc" and not _is_extended(array.dtype):
        raise TypeError(
            f"`{name}` has dtype {array.dtype}, which JAX cannot hold; "
            "pass booleans, integers, reals or complex numbers"
        )
    return array


def _is_extended(dtype: np.dtype) -> bool:
    """Whether a dtype of kind V is a number of JAX's, such as bfloat16."""
    return dtype.kind == "V" and jnp.issubdtype(dtype, np.number)


def is_floating(dtype: np.dtype) -> bool:
    """Whether numbers of this dtype are rounded: real or complex, bfloat16 (NumPy's kind V) included."""
    return dtype.kind in "fcV"


def _dtype(value: jax.Array | np.ndarray | jax.ShapeDtypeStruct | DTypeLike) -> np.dtype:
    """The dtype of an array, or a dtype itself."""
    return np.dtype(value if isinstance(value, type) else getattr(value, "dtype", value))


def result_type(*arrays: jax.Array | np.ndarray | jax.ShapeDtypeStruct | DTypeLike) -> np.dtype:
    """The dtype of NumPy's promotion (int32 with float32 is float64), as far as JAX's 64-bit mode allows.

    Types that NumPy does not know (bfloat16 and narrower) follow JAX's promotion.
    """
    dtypes = list(map(_dtype, arrays))
    if any(d.kind == "V" for d in dtypes):
        promoted = jnp.result_type(*dtypes)
    else:
        promoted = np.result_type(*dtypes)
    return np.dtype(jax.dtypes.canonicalize_dtype(promoted))


def inexact_type(*arrays: jax.Array | np.ndarray | jax.ShapeDtypeStruct | DTypeLike) -> np.dtype:
    """The promoted dtype, integers and booleans taken as float64, float16 and bfloat16 as float32."""
    dtypes = list(map(_dtype, arrays))
    dtypes = [np.dtype(np.float64) if d.kind in "biu" else d for d in dtypes]
    dtypes = [np.dtype(np.float32) if d.name in HALF else d for d in dtypes]
    return result_type(*dtypes)


def cast(x: jax.Array, dtype: DTypeLike) -> jax.Array:
    """`x` in `dtype`; `x` itself where it has that dtype."""
    return x if x.dtype == dtype else x.astype(dtype)


def real_type(dtype: DTypeLike) -> np.dtype:
    """The dtype of the real part."""
    return np.zeros((), dtype).real.dtype
