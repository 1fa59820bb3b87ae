"""Polynomial division: the inverse of a full convolution."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jconv.signal._dtypes import as_array, result_type
from jconv.signal.convolution._convolve import convolve
from jconv.signal.recursion._lfilter import check_leading, lfilter


def deconvolve(signal: Any, divisor: Any) -> tuple[jax.Array, jax.Array]:
    r"""Divide a signal by a kernel as polynomials.

    .. math:: \text{signal} = \text{divisor} * \text{quotient} + \text{remainder}

    Parameters
    ----------
    signal, divisor : array_like, 1-D, shapes (n,) and (k,)

    Returns
    -------
    quotient : Array, shape (n - k + 1,), empty where the divisor is longer
    remainder : Array, shape (n,)

    Raises
    ------
    ValueError
        If an array is not 1-D or empty, or the divisor's first element is zero.

    Notes
    -----
    Errors grow as the divisor's inverse does; for noisy signals see `wiener_deconvolve`. Differentiable in both arrays.
    Mirrors `scipy.signal.deconvolve`.

    >>> deconvolve([0.0, 1, 2.5, 4, 1.5], [1.0, 2, 3])[0] + 0.0
    Array([0. , 1. , 0.5], dtype=float...)
    """
    num, den = jnp.atleast_1d(as_array("signal", signal)), jnp.atleast_1d(as_array("divisor", divisor))
    for name, c in (("signal", num), ("divisor", den)):
        if c.ndim != 1 or c.size == 0:
            raise ValueError(f"Parameter {name} must be non-empty 1d array, but its shape is {c.shape}!")
    n, k = num.size, den.size
    if k > n:
        return jnp.zeros(0, result_type(num, den)), num
    check_leading(den)
    impulse = jnp.zeros(n - k + 1, float).at[0].set(1)
    quotient = lfilter(num, den, impulse)
    return quotient, num - convolve(den, quotient)
