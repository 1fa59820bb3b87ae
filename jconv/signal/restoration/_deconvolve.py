"""Polynomial division: the inverse of a full convolution."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jconv.signal._dtypes import ArrayLike, as_array, result_type
from jconv.signal.convolution._convolve import convolve
from jconv.signal.recursion._along_axis import filter_along
from jconv.signal.recursion._coefficients import Coefficients, coefficients, in_parts
from jconv.signal.recursion._lfilter import check_leading, monic
from jconv.signal.recursion._plan import Plan


def deconvolve(signal: ArrayLike, divisor: ArrayLike) -> tuple[jax.Array, jax.Array]:
    r"""Divide a signal by a kernel as polynomials.

    .. math:: \text{signal} = \text{divisor} * \text{quotient} + \text{remainder}

    Parameters
    ----------
    signal, divisor : array (n,), array (k,)
        Dividend and divisor, the highest power first.

    Returns
    -------
    quotient : array (n - k + 1,)
        Empty where the divisor is longer.
    remainder : array (n,)

    Raises
    ------
    ValueError
        If an array is not 1-D or empty, or the divisor's first element is zero.

    Notes
    -----
    The long division itself, n - k + 1 steps of k - 1 products in double precision: where all numbers on the way are
    integers that it holds, quotient and remainder are exact. Errors grow as the divisor's inverse does; for noisy
    signals see `wiener_deconvolve`. Differentiable in both arrays. Follows `scipy.signal.deconvolve`.

    Examples
    --------
    >>> deconvolve([0.0, 1, 2.5, 4, 1.5], [1.0, 2, 3])[0] + 0.0
    Array([0. , 1. , 0.5], dtype=float...)
    """
    num, den = coefficients("signal", signal), coefficients("divisor", divisor)
    for name, c in (("signal", num), ("divisor", den)):
        if c.ndim != 1 or c.size == 0:
            raise ValueError(f"Parameter {name} must be non-empty 1d array, but its shape is {c.shape}!")
    n, k = num.size, den.size
    if k > n:
        return jnp.zeros(0, result_type(num, den)), as_array("signal", signal)
    check_leading(den)
    dtype = result_type(num, den, np.float64)
    first = num[: n - k + 1]
    if k == 1:
        quotient = jnp.asarray(first / den[0], dtype)
    else:
        quotient, _ = filter_along(
            jnp.asarray(first, dtype),
            None,
            _inverse(den, dtype),
            jnp.zeros((1, 0, 2, 3), dtype),
            plan=Plan("loop"),
            axis=0,
        )
    return quotient, jnp.asarray(num) - convolve(jnp.asarray(den), quotient, method="direct")


def _inverse(divisor: Coefficients, dtype: np.dtype) -> jax.Array:
    """Run the recursion 1 / divisor."""
    b, a = monic(np.ones(1), divisor)
    xp = np if isinstance(b, np.ndarray) and isinstance(a, np.ndarray) else jnp
    return in_parts(xp.stack([b, a])[None], dtype)
