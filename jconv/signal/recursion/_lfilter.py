"""`lfilter` and its initial states: the difference equation, FIR and IIR."""

from __future__ import annotations

from functools import partial
from typing import overload

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv.signal._dtypes import ArrayLike, as_array, result_type
from jconv.signal.convolution._linear import linear
from jconv.signal.recursion._along_axis import filter_along
from jconv.signal.recursion._coefficients import Coefficients, coefficients, in_parts, widen
from jconv.signal.recursion._plan import Plan, plan_direct, plan_sections


@overload
def lfilter(b: ArrayLike, a: ArrayLike, x: ArrayLike, axis: int = -1, zi: None = None) -> jax.Array: ...
@overload
def lfilter(
    b: ArrayLike, a: ArrayLike, x: ArrayLike, axis: int = -1, *, zi: ArrayLike
) -> tuple[jax.Array, jax.Array]: ...
@overload
def lfilter(b: ArrayLike, a: ArrayLike, x: ArrayLike, axis: int, zi: ArrayLike) -> tuple[jax.Array, jax.Array]: ...
def lfilter(
    b: ArrayLike, a: ArrayLike, x: ArrayLike, axis: int = -1, zi: ArrayLike | None = None
) -> jax.Array | tuple[jax.Array, jax.Array]:
    r"""Filter along one axis with a rational transfer function.

    .. math:: a_0\, y[n] = \sum_k b_k\, x[n - k] - \sum_{k \ge 1} a_k\, y[n - k]

    Parameters
    ----------
    b, a : array (K,), array (M,)
        Numerator and denominator. With one element in `a`, or zeros behind the first, the filter is FIR.
    x : array (..., n, ...)
        The signals.
    axis : int
        The axis of time. Default -1.
    zi : array (..., max(K, M) - 1, ...), optional
        States of the transposed direct form II before the first sample, along `axis`; of size 1 or that of `x` along
        the other axes. Default zeros.

    Returns
    -------
    y : array of the shape of `x`
    zf : array of the shape of `zi`
        The states after the last sample; only where `zi` is given.

    Raises
    ------
    ValueError
        If `b` or `a` is not 1-D, a[0] is zero, `x` is a scalar, or `zi` has another shape.
    NotImplementedError
        If all are integers.

    Notes
    -----
    FIR filters go through the convolution engine. Recursions keep their states in double precision, also where `x` is
    in single precision and JAX's 64-bit mode is off, and use every bit of coefficients that are NumPy's float64. On a
    CPU with numba they are one compiled loop; elsewhere known denominators are split into sections of order 2 that run
    as matrix products in blocks, and traced ones of more than two poles run sample by sample. Comb filters run a delay
    at a time. Every output depends on inputs up to its own time only, also where later ones are not finite or overflow.
    Differentiable in all arguments, in both modes and to any order. Follows `scipy.signal.lfilter`.

    Examples
    --------
    >>> lfilter([1.0], [1.0, -0.5], [1.0, 0, 0, 0])
    Array([1.   , 0.5  , 0.25 , 0.125], dtype=float...)
    """
    b, a, x = coefficients("b", b), coefficients("a", a), as_array("x", x)
    for name, c in (("b", b), ("a", a)):
        if c.ndim != 1 or c.size == 0:
            raise ValueError(f"Parameter {name} is not a non-empty 1d array, since {name}.shape={c.shape}!")
    x = check_signal(x)
    axis = check.axis("axis", axis, x.ndim)
    zi = None if zi is None else as_array("zi", zi)
    dtype = result_type(b, a, x, *(() if zi is None else (zi,)))
    if dtype.kind in "biu":
        raise NotImplementedError(
            f"Parameter's dtypes produced result type '{dtype}', which is not supported! Pass one of them as float"
        )
    check_leading(a)
    if zi is not None:
        zi = _broadcast_states(zi, x.shape, axis, max(a.size, b.size) - 1).astype(dtype)
    x = x.astype(dtype)
    if a.size == 1 or (isinstance(a, np.ndarray) and not a[1:].any()):
        size = max(a.size, b.size) if zi is not None else b.size
        taps = (jnp.asarray(widen(b)) / jnp.asarray(widen(a))[0]).astype(dtype)
        y, zf = _sum_of_taps(jnp.pad(taps, (0, size - b.size)), x, zi, axis)
    else:
        c, h, plan = plan_lfilter(b, a, dtype, x.shape[axis])
        y, zf = filter_along(x, zi, c, h, plan=plan, axis=axis)
    return y if zi is None else (y, zf)


def plan_lfilter(b: Coefficients, a: Coefficients, dtype: np.dtype, n: int) -> tuple[jax.Array, jax.Array, Plan]:
    """Return the operands and the plan of a recursion on `n` samples."""
    b, a = monic(b, a)
    h = np.zeros((0, 2, 3))
    if b.size <= 3:
        plan = plan_sections(a[None] if isinstance(a, np.ndarray) else None, 1, n)
    elif isinstance(b, np.ndarray) and isinstance(a, np.ndarray):
        plan, h = plan_direct(b, a)
    else:
        plan = Plan("loop")
    if isinstance(b, np.ndarray) and isinstance(a, np.ndarray):
        c = np.stack([b, a])
    else:
        c = jnp.stack([jnp.asarray(b, dtype), jnp.asarray(a, dtype)])
    return in_parts(c[None], dtype), in_parts(h, dtype), plan


def monic(b: Coefficients, a: Coefficients) -> tuple[Coefficients, Coefficients]:
    """Both divided by a[0] and filled with zeros to one length; NumPy's if both are known."""
    if isinstance(b, np.ndarray) and isinstance(a, np.ndarray):
        b, a = widen(b), widen(a)
    size = max(a.size, b.size)
    return _filled(b / a[0], size), _filled(a / a[0], size)


def _filled(c: Coefficients, size: int) -> Coefficients:
    return (np if isinstance(c, np.ndarray) else jnp).pad(c, (0, max(0, size - c.size)))


def check_signal(x: jax.Array) -> jax.Array:
    """`x` if it has an axis, else a ValueError."""
    if x.ndim == 0:
        raise ValueError("`x` must have at least one axis, got a scalar; pass [x]")
    return x


def check_leading(a: Coefficients) -> None:
    """Raise a ValueError if a[0] is known to be zero."""
    if isinstance(a, np.ndarray) and a[0] == 0:
        raise ValueError("the first coefficient of `a` must be non-zero, got a[0] = 0; drop leading zeros")


@partial(jax.jit, static_argnames=("axis",))
def _sum_of_taps(b: jax.Array, x: jax.Array, zi: jax.Array | None, axis: int) -> tuple[jax.Array, jax.Array]:
    """Filter without poles, summed so that what is not finite reaches as far as the taps do."""
    rows = jnp.moveaxis(x, axis, -1)
    n = rows.shape[-1]
    if zi is None:
        y = linear(rows, b, spans=((0, n),)) if x.size else rows
        return jnp.moveaxis(y, -1, axis), x
    kept = n + b.size - 1
    y = linear(rows, b, spans=((0, kept),)) if x.size else jnp.zeros((*rows.shape[:-1], kept), x.dtype)
    y = y.at[..., : b.size - 1].add(jnp.moveaxis(zi, axis, -1))
    return jnp.moveaxis(y[..., :n], -1, axis), jnp.moveaxis(y[..., n:], -1, axis)


def _broadcast_states(zi: jax.Array, shape: tuple[int, ...], axis: int, count: int) -> jax.Array:
    wanted = (*shape[:axis], count, *shape[axis + 1 :])
    if zi.ndim != len(shape):
        raise ValueError(
            f"`zi` must have as many axes as `x`, {len(shape)}, got shape {zi.shape}; reshape it to {wanted}"
        )
    fits = all(have == want or (have == 1 and i != axis) for i, (have, want) in enumerate(zip(zi.shape, wanted)))
    if not fits:
        raise ValueError(f"Unexpected shape for parameter `zi`: expected {wanted}, found {zi.shape}")
    return lax.broadcast_in_dim(zi, wanted, range(zi.ndim)) if zi.shape != wanted else zi
