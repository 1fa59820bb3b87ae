"""`sosfilt`: cascades of second-order sections."""

from __future__ import annotations

from typing import overload

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.signal._dtypes import ArrayLike, as_array, result_type
from jconv.signal.recursion._along_axis import filter_along
from jconv.signal.recursion._coefficients import Coefficients, coefficients, in_parts, widen
from jconv.signal.recursion._lfilter import check_signal
from jconv.signal.recursion._plan import Plan, plan_sections

# The binary exponent below which a part of a coefficient would leave float32's range.
_SMALL = 60


@overload
def sosfilt(sos: ArrayLike, x: ArrayLike, axis: int = -1, zi: None = None) -> jax.Array: ...
@overload
def sosfilt(sos: ArrayLike, x: ArrayLike, axis: int = -1, *, zi: ArrayLike) -> tuple[jax.Array, jax.Array]: ...
@overload
def sosfilt(sos: ArrayLike, x: ArrayLike, axis: int, zi: ArrayLike) -> tuple[jax.Array, jax.Array]: ...
def sosfilt(
    sos: ArrayLike, x: ArrayLike, axis: int = -1, zi: ArrayLike | None = None
) -> jax.Array | tuple[jax.Array, jax.Array]:
    r"""Filter along one axis with a cascade of second-order sections.

    .. math:: H(z) = \prod_s \frac{b_{s0} + b_{s1} z^{-1} + b_{s2} z^{-2}}{1 + a_{s1} z^{-1} + a_{s2} z^{-2}}

    Parameters
    ----------
    sos : array (S, 6)
        Rows b0, b1, b2, 1, a1, a2.
    x : array (..., n, ...)
        The signals.
    axis : int
        The axis of time. Default -1.
    zi : array (S, ..., 2, ...), optional
        States before the first sample, with 2 in the place of `axis`. Default zeros.

    Returns
    -------
    y : array of the shape of `x`
    zf : array of the shape of `zi`
        The states after the last sample; only where `zi` is given.

    Raises
    ------
    ValueError
        If `sos` or `zi` has another shape, sos[:, 3] is not 1, or `x` is a scalar.
    NotImplementedError
        If all are integers.

    Notes
    -----
    The states are kept in double precision, also where `x` is in single precision and JAX's 64-bit mode is off, and
    coefficients that are NumPy's float64 keep every bit: the error is that of one rounding of the result in single
    precision, and below SciPy's in double. On a CPU with numba the cascade is one compiled loop, elsewhere it runs in
    blocks as matrix products. Every output depends on inputs up to its own time only, also where later ones are not
    finite or overflow. Differentiable in all arguments, in both modes and to any order. Follows `scipy.signal.sosfilt`.

    Examples
    --------
    >>> sosfilt([[1.0, 0, 0, 1, -0.5, 0]], [1.0, 0, 0, 0])
    Array([1.   , 0.5  , 0.25 , 0.125], dtype=float...)
    """
    x, sections = check_signal(as_array("x", x)), check_sos(sos)
    axis = check.axis("axis", axis, x.ndim)
    zi = None if zi is None else as_array("zi", zi)
    dtype = result_type(sections, x, *(() if zi is None else (zi,)))
    if dtype.kind in "biu":
        raise NotImplementedError(
            f"`sos` and `x` have the common dtype {dtype}, which is not supported; pass one of them as float"
        )
    count = sections.shape[0]
    wanted = (count, *x.shape[:axis], 2, *x.shape[axis + 1 :])
    if zi is not None:
        if zi.shape != wanted:
            raise ValueError(
                f"Invalid zi shape: with axis={axis}, `x` of shape {x.shape} and {count} sections, `zi` must have "
                f"shape {wanted}, got {zi.shape}"
            )
        # The sections' states one after the other along the axis of time.
        zi = jnp.moveaxis(zi.astype(dtype), 0, axis).reshape(*x.shape[:axis], 2 * count, *x.shape[axis + 1 :])
    c, h, plan = plan_sos(sections if zi is not None else even_gains(sections), dtype, x.shape[axis])
    y, zf = filter_along(x.astype(dtype), zi, c, h, plan=plan, axis=axis)
    if zi is None:
        return y
    return y, jnp.moveaxis(zf.reshape(*x.shape[:axis], count, 2, *x.shape[axis + 1 :]), axis, 0)


def plan_sos(sos: Coefficients, dtype: np.dtype, n: int) -> tuple[jax.Array, jax.Array, Plan]:
    """Return the operands and the plan of a cascade on `n` samples."""
    sos = widen(sos) if isinstance(sos, np.ndarray) else sos.astype(dtype)
    count = sos.shape[0]
    plan = plan_sections(sos[:, 3:] if isinstance(sos, np.ndarray) else None, count, n)
    return in_parts(sos.reshape(count, 2, 3), dtype), in_parts(np.zeros((0, 2, 3)), dtype), plan


def even_gains(sos: Coefficients) -> Coefficients:
    """Known sections with a numerator below float32's range share their gains evenly, by powers of two."""
    if not isinstance(sos, np.ndarray) or np.iscomplexobj(sos) or not np.isfinite(sos).all():
        return sos
    exponents = np.frexp(np.abs(sos[:, :3]).max(axis=1))[1]
    if exponents.min(initial=0) > -_SMALL or not np.all(np.any(sos[:, :3] != 0, axis=1)):
        return sos
    shares = np.full(len(sos), exponents.sum() // len(sos))
    shares[-1] += exponents.sum() - shares.sum()
    numerators = np.ldexp(sos[:, :3], (shares - exponents)[:, None])
    return np.concatenate([numerators, sos[:, 3:]], axis=1)


def check_sos(sos: ArrayLike) -> Coefficients:
    """`sos` as an array of shape (sections, 6), else a ValueError."""
    array = coefficients("sos", sos)
    array = array[None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[1] != 6:
        raise ValueError(f"`sos` must have shape (n_sections, 6), got {array.shape}")
    if isinstance(array, np.ndarray) and not np.all(array[:, 3] == 1):
        raise ValueError(f"sos[:, 3] should be all ones, got {array[:, 3]}; divide each row by its fourth number")
    return array
