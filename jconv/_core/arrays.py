"""Arrays as they come, made into arrays that JAX knows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

ArrayLike = jax.Array | npt.ArrayLike
"""What public functions accept as an array: whatever NumPy makes one of, traced arrays included."""


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
