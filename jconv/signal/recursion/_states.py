"""States of recursive filters before the first sample: `lfilter_zi`, `lfiltic`, `sosfilt_zi`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jconv.signal._dtypes import ArrayLike, as_array, result_type
from jconv.signal.recursion._coefficients import Coefficients, coefficients, steady_states, widen
from jconv.signal.recursion._lfilter import check_leading, monic


def lfilter_zi(b: ArrayLike, a: ArrayLike) -> jax.Array:
    r"""Compute the states of `lfilter` in which a constant input of 1 gives a constant output.

    .. math:: z_i = \sum_{k > i} b_k - g\, a_k, \quad g = \frac{\sum_k b_k}{\sum_k a_k}

    Parameters
    ----------
    b, a : array (K,), array (M,)
        Numerator and denominator.

    Returns
    -------
    zi : array (max(K, M) - 1,)

    Raises
    ------
    ValueError
        If `b` or `a` is not 1-D, all of `a` is zero, or the filter has a pole at z = 1, where no such state exists.

    Notes
    -----
    The sums are rounded once, however low the cut-off. Differentiable. Follows `scipy.signal.lfilter_zi`.

    Examples
    --------
    >>> lfilter_zi([1.0], [1.0, -0.5])
    Array([1.], dtype=float...)
    """
    b, a = coefficients("b", b), coefficients("a", a)
    for name, c in (("b", b), ("a", a)):
        if c.ndim != 1:
            raise ValueError(f"`{name}` must be 1-D, got shape {c.shape}")
    if isinstance(a, np.ndarray):
        used = np.flatnonzero(a)
        if used.size == 0:
            raise ValueError(f"`a` must have at least one nonzero coefficient, got {a}")
        a = a[used[0] :]
    dtype = filter_type(b, a)
    check_steady(a)
    b, a = monic(b, a)
    known = isinstance(b, np.ndarray) and isinstance(a, np.ndarray)
    c = np.stack([b, a]) if known else jnp.stack([jnp.asarray(b, dtype), jnp.asarray(a, dtype)])
    return jnp.asarray(steady_states(c[None]), dtype)


def sosfilt_zi(sos: ArrayLike) -> jax.Array:
    r"""Compute the states of `sosfilt` in which a constant input of 1 gives a constant output.

    .. math:: z_{s,i} = \Big(\prod_{r < s} g_r\Big) \sum_{k > i} b_{s,k} - g_s\, a_{s,k}

    Parameters
    ----------
    sos : array (S, 6)
        Second-order sections.

    Returns
    -------
    zi : array (S, 2)

    Raises
    ------
    ValueError
        If `sos` has another shape, or a section has a pole at z = 1.

    Notes
    -----
    The sums are rounded once, however low the cut-off. Differentiable. Follows `scipy.signal.sosfilt_zi`.

    Examples
    --------
    >>> sosfilt_zi([[1.0, 0, 0, 1, -0.5, 0]])
    Array([[1., 0.]], dtype=float...)
    """
    c = coefficients("sos", sos)
    if c.ndim != 2 or c.shape[1] != 6:
        raise ValueError(f"`sos` must have shape (n_sections, 6), got {c.shape}")
    dtype = filter_type(c)
    c = widen(c) if isinstance(c, np.ndarray) else c.astype(dtype)
    for row in c if isinstance(c, np.ndarray) else ():
        check_steady(row[3:])
    return jnp.asarray(steady_states(c.reshape(-1, 2, 3)), dtype).reshape(-1, 2)


def lfiltic(b: ArrayLike, a: ArrayLike, y: ArrayLike, x: ArrayLike | None = None) -> jax.Array:
    r"""Compute the states of `lfilter` that follow from past outputs and inputs.

    .. math:: z_m = \sum_{k \ge 0} b_{m+1+k}\, x[-1-k] - a_{m+1+k}\, y[-1-k]

    Parameters
    ----------
    b, a : array (K,), array (M,)
        Numerator and denominator.
    y, x : array (n,), array (m,)
        Past outputs and inputs, the latest first. Missing values are zeros. Default of `x`: zeros.

    Returns
    -------
    zi : array (max(K, M) - 1,)

    Raises
    ------
    ValueError
        If `b` or `a` is not 1-D, or a[0] is zero.

    Notes
    -----
    Differentiable. Follows `scipy.signal.lfiltic`.

    Examples
    --------
    >>> lfiltic([1.0], [1.0, -0.5], [4.0])
    Array([2.], dtype=float...)
    """
    b, a, y = coefficients("b", b), coefficients("a", a), jnp.atleast_1d(as_array("y", y))
    for name, c in (("a", a), ("b", b)):
        if c.ndim > 1:
            raise ValueError(f"`{name}` must be 1-D, got shape {c.shape}")
    if a.size < 1:
        raise ValueError("`a` must have at least one coefficient, got none")
    check_leading(a)
    x = jnp.zeros(0, y.dtype) if x is None else jnp.atleast_1d(as_array("x", x))
    dtype = filter_type(b, a, y, x)
    count = max(a.size, b.size) - 1

    def past(c: Coefficients, values: jax.Array) -> jax.Array:
        """Σ_k c[m + 1 + k] values[k] for each m."""
        order = c.size - 1
        values = jnp.pad(values[:order], (0, max(0, order - values.size))).astype(dtype)
        index = np.arange(1, count + 1)[:, None] + np.arange(order)
        rows = jnp.where(index <= order, jnp.asarray(c, dtype)[np.minimum(index, order)], 0)
        return jnp.matmul(rows, values, precision="highest")

    return (past(b, x) - past(a, y)) / jnp.asarray(a, dtype)[0]


def check_steady(a: Coefficients) -> None:
    """Raise a ValueError if a known denominator has a root at z = 1."""
    if isinstance(a, np.ndarray) and np.sum(widen(a)) == 0:
        raise ValueError(
            f"the filter has a pole at z = 1 (the coefficients of `a` sum to 0), so no steady state: got {a}; move the "
            "pole inside the unit circle, or pass states of your own to lfilter or sosfilt"
        )


def filter_type(*arrays: Coefficients) -> np.dtype:
    """Return the dtype of states: NumPy's promotion, and float64 for integers."""
    dtype = result_type(*arrays)
    return result_type(np.float64) if dtype.kind in "biu" else dtype
