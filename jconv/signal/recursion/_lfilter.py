"""`lfilter` and its initial states: the difference equation, FIR and IIR."""

from __future__ import annotations

from functools import partial
from typing import Any, overload

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal._dtypes import as_array, result_type
from jconv.signal.convolution._linear import linear
from jconv.signal.recursion import _state_space


@overload
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: None = None) -> jax.Array: ...
@overload
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, *, zi: Any) -> tuple[jax.Array, jax.Array]: ...
@overload
def lfilter(b: Any, a: Any, x: Any, axis: int, zi: Any) -> tuple[jax.Array, jax.Array]: ...
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> jax.Array | tuple[jax.Array, jax.Array]:
    r"""Filter along one axis with a rational transfer function.

    .. math:: a_0\, y[n] = \sum_k b_k\, x[n - k] - \sum_{k \ge 1} a_k\, y[n - k]

    Parameters
    ----------
    b, a : array_like, 1-D
        Numerator and denominator; with one element in `a` the filter is FIR.
    x : array_like
    axis : int
    zi : array_like, optional
        States of the transposed direct form II before the first sample, max(len(a), len(b)) - 1 of them along `axis`;
        of size 1 or that of `x` along the others.

    Returns
    -------
    Array of the shape of `x`; with `zi` also the states after the last sample.

    Raises
    ------
    ValueError
        If `b` or `a` is not 1-D, `x` is a scalar, or `zi` has another shape.
    NotImplementedError
        If all are integers.

    Notes
    -----
    FIR filters go through the engine. IIR filters run in blocks as matrix products (see `jconv.signal._state_space`),
    fastest for two poles or fewer; narrow filters of high order amplify rounding, so prefer `sosfilt` there.
    Differentiable in all arguments, unstable filters included. Mirrors `scipy.signal.lfilter`.

    >>> lfilter([1.0], [1.0, -0.5], [1.0, 0, 0, 0])
    Array([1.   , 0.5  , 0.25 , 0.125], dtype=float...)
    """
    b, a, x = jnp.atleast_1d(as_array("b", b)), jnp.atleast_1d(as_array("a", a)), as_array("x", x)
    for name, c in (("b", b), ("a", a)):
        if c.ndim != 1 or c.size == 0:
            raise ValueError(f"Parameter {name} is not a non-empty 1d array, since {name}.shape={c.shape}!")
    x = check_signal(x)
    axis = check.axis("axis", axis, x.ndim)
    arrays = [b, a, x]
    if zi is not None:
        zi = as_array("zi", zi)
        arrays.append(zi)
    dtype = result_type(*arrays)
    if dtype.kind in "biu":
        raise NotImplementedError(
            f"Parameter's dtypes produced result type '{dtype}', which is not supported! Pass one of them as float"
        )
    check_leading(a)
    states = max(a.size, b.size) - 1
    if zi is not None:
        zi = _broadcast_states(zi, x.shape, axis, states).astype(dtype)
    y, zf = _lfilter(b.astype(dtype), a.astype(dtype), x.astype(dtype), zi, axis)
    return y if zi is None else (y, zf)


def lfilter_zi(b: Any, a: Any) -> jax.Array:
    r"""The states of `lfilter` in which a constant input of 1 gives a constant output.

    .. math:: z = A z + B

    Parameters
    ----------
    b, a : array_like, 1-D

    Returns
    -------
    Array, shape (max(len(a), len(b)) - 1,).

    Raises
    ------
    ValueError
        If `b` or `a` is not 1-D, or all of `a` is zero.

    Notes
    -----
    Differentiable. Mirrors `scipy.signal.lfilter_zi`.

    >>> lfilter_zi([1.0], [1.0, -0.5])
    Array([1.], dtype=float...)
    """
    b, a = jnp.atleast_1d(as_array("b", b)), jnp.atleast_1d(as_array("a", a))
    if b.ndim != 1:
        raise ValueError(f"Numerator b must be 1-D, got shape {b.shape}")
    if a.ndim != 1:
        raise ValueError(f"Denominator a must be 1-D, got shape {a.shape}")
    if not is_traced(a):
        used = np.flatnonzero(np.asarray(a))
        if used.size == 0:
            raise ValueError(f"There must be at least one nonzero `a` coefficient, got a={a}")
        a = a[used[0] :]
    dtype = filter_type(b, a)
    b, a = _monic(b.astype(dtype), a.astype(dtype))
    if b.size == 1:
        return jnp.zeros(0, dtype)
    system = _state_space.direct_form(b, a)
    return jnp.linalg.solve(jnp.eye(b.size - 1, dtype=dtype) - system.A, system.B)


def lfiltic(b: Any, a: Any, y: Any, x: Any = None) -> jax.Array:
    r"""The states of `lfilter` that follow from past outputs and inputs.

    .. math:: z_m = \sum_{k \ge 0} b_{m+1+k}\, x[-1-k] - a_{m+1+k}\, y[-1-k]

    Parameters
    ----------
    b, a : array_like, 1-D
    y, x : array_like, 1-D
        Past outputs and inputs, the latest first; `x` is zero by default. Missing values are zeros.

    Returns
    -------
    Array, shape (max(len(a), len(b)) - 1,).

    Raises
    ------
    ValueError
        If `b` or `a` is not 1-D, or a[0] is zero.

    Notes
    -----
    Differentiable. Mirrors `scipy.signal.lfiltic`.

    >>> lfiltic([1.0], [1.0, -0.5], [4.0])
    Array([2.], dtype=float...)
    """
    b, a, y = jnp.atleast_1d(as_array("b", b)), jnp.atleast_1d(as_array("a", a)), jnp.atleast_1d(as_array("y", y))
    if a.ndim > 1:
        raise ValueError(f"Filter coefficients `a` must be 1-D, got shape {a.shape}")
    if b.ndim > 1:
        raise ValueError(f"Filter coefficients `b` must be 1-D, got shape {b.shape}")
    if a.size < 1:
        raise ValueError("There must be at least one `a` coefficient; got none")
    check_leading(a)
    x = jnp.zeros(0, y.dtype) if x is None else jnp.atleast_1d(as_array("x", x))
    dtype = filter_type(b, a, y, x)
    count = max(a.size, b.size) - 1

    def past(c: jax.Array, values: jax.Array) -> jax.Array:
        """Σ_k c[m + 1 + k] values[k] for each m."""
        order = c.size - 1
        values = jnp.pad(values[:order], (0, max(0, order - values.size))).astype(dtype)
        index = np.arange(1, count + 1)[:, None] + np.arange(order)
        rows = jnp.where(index <= order, c.astype(dtype)[np.minimum(index, order)], 0)
        return jnp.matmul(rows, values, precision="highest")

    return (past(b, x) - past(a, y)) / a[0].astype(dtype)


def check_signal(x: jax.Array) -> jax.Array:
    """`x` if it has an axis, else a ValueError."""
    if x.ndim == 0:
        raise ValueError("x must be at least 1-D, got a scalar; pass [x]")
    return x


def check_leading(a: jax.Array) -> None:
    """Raise a ValueError if a[0] is known to be zero."""
    if not is_traced(a) and np.asarray(a)[0] == 0:
        raise ValueError("First `a` filter coefficient must be non-zero, got a[0] = 0; drop leading zeros")


def filter_type(*arrays: jax.Array) -> np.dtype:
    """The dtype a recursion runs in: NumPy's promotion, and float64 for integers."""
    dtype = result_type(*arrays)
    return result_type(np.float64) if dtype.kind in "biu" else dtype


@partial(jax.jit, static_argnums=(4,))
def _lfilter(b: jax.Array, a: jax.Array, x: jax.Array, zi: jax.Array | None, axis: int):
    x = jnp.moveaxis(x, axis, -1)
    zi = None if zi is None else jnp.moveaxis(zi, axis, -1)
    n = x.shape[-1]
    if a.size == 1:
        b = b / a[0]
        kept = n if zi is None else n + b.size - 1
        y = linear(x, b, spans=((0, kept),)) if x.size else jnp.zeros((*x.shape[:-1], kept), x.dtype)
        zf = None
        if zi is not None:
            y = y.at[..., : b.size - 1].add(zi)
            y, zf = y[..., :n], y[..., n:]
    else:
        b, a = _monic(b, a)
        z = jnp.zeros((*x.shape[:-1], b.size - 1), x.dtype) if zi is None else zi
        system = _state_space.direct_form(b, a)
        y, zf = _state_space.run(system, x, z, doubling=b.size <= 3) if x.size else (x, z)
        zf = None if zi is None else zf
    return jnp.moveaxis(y, -1, axis), None if zf is None else jnp.moveaxis(zf, -1, axis)


def _monic(b: jax.Array, a: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both divided by a[0] and filled with zeros to one length."""
    size = max(a.size, b.size)
    b, a = b / a[0], a / a[0]
    return jnp.pad(b, (0, size - b.size)), jnp.pad(a, (0, size - a.size))


def _broadcast_states(zi: jax.Array, shape: tuple[int, ...], axis: int, count: int) -> jax.Array:
    wanted = (*shape[:axis], count, *shape[axis + 1 :])
    if zi.ndim != len(shape):
        raise ValueError(
            f"Dimensions of parameters x and zi must match, but x.ndim={len(shape)}, zi.ndim={zi.ndim}; "
            f"zi must have shape {wanted}"
        )
    fits = all(have == want or (have == 1 and i != axis) for i, (have, want) in enumerate(zip(zi.shape, wanted)))
    if not fits:
        raise ValueError(f"Unexpected shape for parameter zi: expected {wanted}, found {zi.shape}.")
    return lax.broadcast_in_dim(zi, wanted, range(zi.ndim)) if zi.shape != wanted else zi
