"""float64 numbers as pairs of 32-bit words, so that they keep their bits where JAX's 64-bit types are off."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core.concrete import is_traced


def float64_bits(values: jax.typing.ArrayLike) -> jax.Array:
    """Write real numbers as float64 in pairs of 32-bit words.

    Parameters
    ----------
    values : real array, shape (…)
        NumPy's float64 keeps all its bits; what JAX holds as float32 becomes the same number in float64.

    Returns
    -------
    uint32 array, shape (…, 2)
        The lower word first.

    Examples
    --------
    >>> import numpy as np
    >>> float64_bits(np.array([1.0])).tolist()
    [[0, 1072693248]]
    """
    if not isinstance(values, jax.Array) and not is_traced(values):
        array = np.ascontiguousarray(np.asarray(values, np.float64))
        return jnp.asarray(array.reshape(*array.shape, 1).view(np.uint32))
    array = jnp.asarray(values)
    if array.dtype == jnp.float64:
        return lax.bitcast_convert_type(array, jnp.uint32)
    word = lax.bitcast_convert_type(array.astype(jnp.float32), jnp.uint32)
    sign, exponent, fraction = word & np.uint32(0x80000000), (word >> 23) & np.uint32(0xFF), word & np.uint32(0x7FFFFF)
    # The exponent's bias is 127 in float32 and 1023 in float64; numbers below the normal ones count as zero.
    wide = jnp.where(exponent == 255, np.uint32(2047), exponent + np.uint32(896))
    high = jnp.where(exponent == 0, sign, sign | (wide << 20) | (fraction >> 3))
    low = jnp.where(exponent == 0, np.uint32(0), fraction << 29)
    return jnp.stack([low, high], axis=-1)


def from_float64_bits(bits: jax.Array) -> jax.Array:
    """Read the numbers that `float64_bits` wrote.

    Parameters
    ----------
    bits : uint32 array, shape (…, 2)
        The lower word first.

    Returns
    -------
    array, shape (…)
        float64, or float32 (rounded) where 64-bit types are off.

    Examples
    --------
    >>> import numpy as np
    >>> from_float64_bits(float64_bits(np.array([1.5]))).tolist()
    [1.5]
    """
    if jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        return lax.bitcast_convert_type(bits, jnp.float64)
    low, high = bits[..., 0], bits[..., 1]
    sign, exponent = high & np.uint32(0x80000000), (high >> 20) & np.uint32(0x7FF)
    fraction = ((high & np.uint32(0xFFFFF)) << 3) | (low >> 29)
    rest = low & np.uint32(0x1FFFFFFF)
    half = np.uint32(0x10000000)
    up = (rest > half) | ((rest == half) & (fraction & 1 == 1))
    word = ((exponent - np.uint32(896)) << 23) + fraction + up.astype(jnp.uint32)
    word = jnp.where(exponent <= 896, 0, jnp.where(exponent >= 1151, np.uint32(0x7F800000), word))
    word = jnp.where((exponent == 2047) & ((fraction | rest) != 0), np.uint32(0x7FC00000), word)
    return lax.bitcast_convert_type(sign | word, jnp.float32)
