"""Recursive filters as primitives: linear in the signal and in the states, run by a native loop on CPU.

With z the states of the transposed direct form II, z[n+1] = A z[n] + B x[n] and y[n] = C z[n] + D x[n] make y and the
last states out of x and the first ones. The adjoint runs the system (Aᵀ, Cᵀ, Bᵀ, D) with the time reversed, and that
system is the direct form II of the same coefficients, whose states are the last values of w = x - Σ a w, the newest
first. So a primitive with two flags, the form and the direction, is closed under transposition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.jax_internals import Results, Type, operation
from jconv.native import _calls, _kernels
from jconv.native._bits import float64_bits

# A fallback: (coefficients, steady, x, zi, *, form, reverse) -> (y, zf), in the shapes of the primitive.
Fallback = Callable[..., tuple[jax.Array, jax.Array]]

_LANES = 8  # that a loop runs side by side


def lfilter(
    b: jax.typing.ArrayLike,
    a: jax.typing.ArrayLike,
    x: jax.Array,
    zi: jax.Array | None = None,
    *,
    axis: int = -1,
    steady: jax.typing.ArrayLike | None = None,
    reverse: bool = False,
    form: str = "transposed",
    fallback: Fallback | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Filter with a rational transfer function, the state in float64.

    Parameters
    ----------
    b, a : array, shape (K + 1,), real
        Numerator and denominator of equal length. NumPy's float64 keeps its bits also where 64-bit types are off. The
        loop divides by a[0]. Not differentiated: wrap the call in a rule where they carry derivatives.
    x : float32 or float64 array
    zi : array of the dtype of `x`, optional
        The states before the first sample, K of them along `axis`; zeros by default.
    axis : int
    steady : array, shape (K,), optional
        States that are added to `zi`, each times the first sample of its lane, in float64 (`lfilter_zi`).
    reverse : bool
        Run from the last sample to the first, which is then the "first" of the states.
    form : {"transposed", "direct"}
        The direct form II transposed, SciPy's, or the direct form II. In the direct form `steady` works as the adjoint:
        what the last states give, weighted by `steady`, is added to the last output.
    fallback : callable, optional
        What is traced where the loop cannot be used, hashable, called as
        `fallback(coefficients, steady, x, zi, *, form, reverse)` with coefficients uint32 (P, 2, K + 1, 2),
        steady uint32 (P, K, 2) (`from_float64_bits` gives numbers), x (P, B, N, C) filtered along N, zi (P, B, K, C);
        returns y and the last states in these shapes. P is 1 unless the coefficients were mapped by `vmap`. NumPy's
        own coefficients may stand in the fallback itself.

    Returns
    -------
    y : array of the shape of `x`
    zf : array of the shape of `zi`

    Raises
    ------
    NotImplementedError
        When the program is lowered, if the loop cannot be used and there is no fallback.

    Examples
    --------
    >>> import numpy as np
    >>> import jax.numpy as jnp
    >>> y, _ = lfilter(np.array([1.0, 0.0]), np.array([1.0, -0.5]), jnp.array([1.0, 0.0, 0.0]))
    >>> y.tolist()
    [1.0, 0.5, 0.25]
    """
    coefficients = float64_bits(np.stack([b, a]) if isinstance(b, np.ndarray) else jnp.stack([b, a]))
    order = coefficients.shape[1] - 1
    steady_bits = float64_bits(np.zeros(order) if steady is None else steady)
    x4, shape, axis = _canonical(x, axis)
    (_, batches, _, channels) = x4.shape
    states = (*shape[:axis], order, *shape[axis + 1 :])
    start = jnp.zeros(states, x.dtype) if zi is None else zi
    y, zf = _filter(
        coefficients[None],
        steady_bits[None],
        x4,
        start.reshape(1, batches, order, channels),
        cascade=False,
        form=form,
        reverse=reverse,
        fallback=fallback,
    )
    return y.reshape(shape), zf.reshape(states)


def sosfilt(
    sos: jax.typing.ArrayLike,
    x: jax.Array,
    zi: jax.Array | None = None,
    *,
    axis: int = -1,
    steady: jax.typing.ArrayLike | None = None,
    reverse: bool = False,
    form: str = "transposed",
    fallback: Fallback | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Filter with a cascade of second-order sections in one pass over the samples, the state in float64.

    Parameters
    ----------
    sos : array, shape (S, 6), real
        Rows b0, b1, b2, 1, a1, a2. Bits and derivatives as those of `b` and `a` in `lfilter`.
    x : float32 or float64 array
        The signal.
    zi : array of the dtype of `x`, shape (S, …, 2, …), optional
        The states before the first sample, with 2 in the place of `axis`. Default: zeros.
    axis : int
        The axis of time.
    steady : array, shape (S, 2), optional
        As for `lfilter`.
    reverse, form
        As for `lfilter`. In the direct form the last section comes first.
    fallback : callable, optional
        As for `lfilter`, with coefficients uint32 (P, S, 6, 2), steady uint32 (P, 2 S, 2) and zi (P, B, 2 S, C), the
        sections one after the other.

    Returns
    -------
    y : array of the shape of `x`
    zf : array of the shape of `zi`

    Raises
    ------
    NotImplementedError
        As `lfilter`.

    Examples
    --------
    >>> import numpy as np
    >>> import jax.numpy as jnp
    >>> sosfilt(np.array([[1.0, 0.0, 0.0, 1.0, -0.5, 0.0]]), jnp.array([1.0, 0.0, 0.0]))[0].tolist()
    [1.0, 0.5, 0.25]
    """
    coefficients = float64_bits(sos)
    sections = coefficients.shape[0]
    steady_bits = float64_bits(np.zeros((sections, 2)) if steady is None else steady).reshape(1, 2 * sections, 2)
    x4, shape, axis = _canonical(x, axis)
    (_, batches, _, channels) = x4.shape
    states = (sections, *shape[:axis], 2, *shape[axis + 1 :])
    start = jnp.zeros(states, x.dtype) if zi is None else zi
    start = start.reshape(sections, batches, 2, channels).swapaxes(0, 1).reshape(1, batches, 2 * sections, channels)
    y, zf = _filter(
        coefficients[None], steady_bits, x4, start, cascade=True, form=form, reverse=reverse, fallback=fallback
    )
    zf = zf.reshape(batches, sections, 2, channels).swapaxes(0, 1).reshape(states)
    return y.reshape(shape), zf


def _canonical(x: jax.Array, axis: int) -> tuple[jax.Array, tuple[int, ...], int]:
    """`x` as (1, B, N, C) without moving a sample, its shape, and the axis from the front."""
    axis %= x.ndim
    before, after = int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis + 1 :]))
    return x.reshape(1, before, x.shape[axis], after), x.shape, axis


def _types(coefficients: Any, steady: Any, x: Any, zi: Any, **_: Any) -> list[Type]:
    del coefficients, steady
    return [(x.shape, x.dtype), (zi.shape, x.dtype)]


def _run(
    coefficients: jax.Array,
    steady: jax.Array,
    x: jax.Array,
    zi: jax.Array,
    *,
    cascade: bool,
    form: str,
    reverse: bool,
    fallback: Fallback | None,
    **target: Any,
) -> Results:
    operands = coefficients, steady, x, zi
    reason = _calls.unsuitable(*operands, **target)
    if reason is not None:
        if fallback is None:
            raise NotImplementedError(f"the native loop of recursive filters cannot be used, since {reason}")
        return fallback(*operands, form=form, reverse=reverse)
    filters, batches, _, channels = x.shape
    steps = coefficients.shape[1] * 5 if cascade else coefficients.shape[2] * 2
    groups = filters * -(-batches * channels // _LANES)
    parts = _calls.parts(groups, x.size * steps, per_core=4)
    if cascade:
        kernel, scratch = _kernels.sosfilt(x.dtype), 2 * _LANES * coefficients.shape[1] * parts
    else:
        kernel, scratch = _kernels.lfilter(x.dtype), 16 * (max(coefficients.shape[2] - 1, 8) + 1) * parts
    parameters = parts, int(reverse), int(form == "direct")
    return _calls.call(kernel, *operands, results=(x, zi), parameters=parameters, scratch=scratch)


def _jvp(operands: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Results, Sequence[Any]]:
    coefficients, steady, x, zi = operands
    _, _, dx, dz = tangents
    results = _filter(*operands, **params)
    if dx is None and dz is None:
        return results, [None, None]
    dx, dz = (jnp.zeros_like(v) if d is None else d for v, d in ((x, dx), (zi, dz)))
    return results, _filter(coefficients, steady, dx, dz, **params)


def _transpose(cotangents: Sequence[Any], operands: Sequence[Any], **params: Any) -> list[Any]:
    coefficients, steady, *_ = operands
    params["form"] = "direct" if params["form"] == "transposed" else "transposed"
    params["reverse"] = not params["reverse"]
    return [None, None, *_filter(coefficients, steady, *cotangents, **params)]


def _batch(operands: Sequence[Any], axes: Sequence[int | None], **params: Any) -> tuple[Results, list[int]]:
    """A mapped axis joins the filters where coefficients are mapped, else the batches: one call either way."""
    size = next(v.shape[d] for v, d in zip(operands, axes) if d is not None)
    front = [v if d is None else jnp.moveaxis(v, d, 0) for v, d in zip(operands, axes)]
    whole = [jnp.broadcast_to(v, (size, *v.shape)) if d is None else v for v, d in zip(front, axes)]
    x, zi = whole[2:]
    filters = x.shape[1]
    if axes[0] is None and axes[1] is None:
        # (size, P, B, …) to (P, size · B, …)
        joined = [v.swapaxes(0, 1).reshape(filters, size * v.shape[2], *v.shape[3:]) for v in (x, zi)]
        results = _filter(front[0], front[1], *joined, **params)
        split = [v.reshape(filters, size, x.shape[2], *v.shape[2:]).swapaxes(0, 1) for v in results]
    else:
        joined = [v.reshape(size * filters, *v.shape[2:]) for v in whole]
        split = [v.reshape(size, filters, *v.shape[1:]) for v in _filter(*joined, **params)]
    return split, [0, 0]


# The states before the first sample are `zi` plus `steady` times that sample.
_filter = operation("jconv_recursive_filter", types=_types, run=_run, jvp=_jvp, transpose=_transpose, batch=_batch)
