"""Deconvolution of counts: the likeliest nonnegative source under Poisson noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.signal._dtypes import ArrayLike, as_array, cast, inexact_type
from jconv.signal.convolution._convolve import convolve

Progress = Callable[[np.ndarray, np.ndarray], None]


_Carry = tuple[jax.Array, jax.Array, jax.Array]
"""The estimate, the iterations done, and the last relative change."""


class RichardsonLucy(NamedTuple):
    """The result of `richardson_lucy`."""

    estimate: jax.Array
    """The nonnegative source, in the shape of the signal."""
    iterations: jax.Array
    """Scalar: how many iterations were done."""
    change: jax.Array
    """Scalar: ‖x' - x‖ / ‖x‖ of the last iteration."""


def richardson_lucy(
    signal: ArrayLike,
    kernel: ArrayLike,
    *,
    iterations: int = 30,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    tolerance: float = 0.0,
    boundary: str = "fill",
    callback: Progress | None = None,
    mask_nan: bool = False,
    clip: bool = False,
    normalize: bool = False,
) -> RichardsonLucy:
    r"""Undo a blur of counts: find the likeliest nonnegative source under Poisson noise.

    .. math:: x \leftarrow \frac{x}{H^\top m} \cdot H^\top \frac{m\,y}{H x}

    Parameters
    ----------
    signal : array_like, nonnegative, shape (n1, …)
        The blurred counts y.
    kernel : array_like, nonnegative, shape (k1, …)
        The blur, its middle at (k - 1) // 2 as in mode "same".
    iterations : int
        The most to do. Default 30.
    mask : array_like, optional
        The weights m: 0 where `signal` is missing (it may be NaN there), 1 where it counts. Default 1 everywhere.
    start : array_like, optional
        The first estimate, positive. Default the mean of the signal.
    tolerance : float
        Stop when ‖x' - x‖ ≤ tolerance ‖x‖. Default 0: all iterations are done.
    boundary
        As in `convolve`: how the source continues outside. Default "fill".
    callback : function of (iteration, change), optional
        Called on the host after every iteration.
    mask_nan : bool
        Leave samples that are NaN out, as a mask of 0 does. By default they are refused. Default False.
    clip : bool
        Set negative samples, as a background that was subtracted leaves them, to 0. By default they are refused, since
        counts are never negative and the iterations diverge on them. Default False.
    normalize : bool
        Divide the kernel by its sum, so that the estimate has as many counts as the signal. By default a kernel that
        sums to c gives a source of 1/c times the counts, as an instrument that loses light does. Default False.

    Returns
    -------
    estimate : Array of the shape of `signal`, floating
    iterations : scalar integer array, those done
    change : scalar array, ‖x' - x‖ / ‖x‖ of the last one

    Raises
    ------
    ValueError
        If ranks or shapes do not fit, `iterations` is below 1, or an array is complex; if the kernel or, without
        `clip`, the signal has negative samples; if, without `mask_nan`, the signal has NaN where the mask is not 0.
        Traced arrays are not checked.

    Notes
    -----
    Two convolutions for each iteration, by the engine. Hᵀ is the exact adjoint under the boundary, so that the sum of
    the counts is kept. Differentiable in `signal`, `kernel`, `mask` and `start`: the gradient of the iterations.
    Source: W. H. Richardson, JOSA 62 (1972); L. B. Lucy, Astronomical Journal 79 (1974).

    Examples
    --------
    >>> from jconv.signal import convolve
    >>> y = convolve([0.0, 0, 4, 0, 0], [0.25, 0.5, 0.25], "same")
    >>> richardson_lucy(y, [0.25, 0.5, 0.25], iterations=200).estimate.round(1).tolist()
    [0.0, 0.0, 4.0, 0.0, 0.0]
    """
    y, h = as_array("signal", signal), as_array("kernel", kernel)
    check.rank("kernel", h, y.ndim, "give it the rank of `signal`; use jax.vmap for batches")
    check.not_empty("signal", y)
    check.not_empty("kernel", h)
    check.positive_int("iterations", iterations)
    dtype = inexact_type(y, h)
    if dtype.kind == "c":
        raise ValueError(f"`signal` and `kernel` must be real, got {dtype}; pass counts")
    y, h = cast(y, dtype), cast(h, dtype)
    weights = jnp.ones_like(y) if mask is None else jnp.broadcast_to(as_array("mask", mask).astype(dtype), y.shape)
    if mask_nan:
        weights = jnp.where(jnp.isnan(y), 0, weights)
    if clip:
        y = jnp.where(y < 0, 0, y)
    _check_counts(y, h, weights)
    if normalize:
        h = h / jnp.sum(h)
    counts = jnp.where(weights > 0, weights * jnp.where(weights > 0, y, 0), 0)
    if start is None:
        first = jnp.full(y.shape, 1, dtype) * (jnp.sum(counts) / jnp.maximum(jnp.sum(weights), 1))
    else:
        first = jnp.broadcast_to(as_array("start", start).astype(dtype), y.shape)
    return _iterate(counts, h, weights, first, tolerance, iterations, boundary, callback)


def _check_counts(y: jax.Array, h: jax.Array, weights: jax.Array) -> None:
    """Raise a ValueError for samples that no count can be, where they are known."""
    if not is_traced(h) and np.any(np.asarray(h) < 0):
        raise ValueError(f"`kernel` must not be negative, got {np.min(np.asarray(h))}; pass the spread of a point")
    if is_traced((y, weights)):
        return
    seen = np.asarray(y)[np.asarray(weights) > 0]
    if np.any(np.isnan(seen)):
        raise ValueError(
            f"`signal` has NaN in {np.count_nonzero(np.isnan(seen))} samples, which would spread to all of the "
            "estimate; pass mask_nan=True to leave them out, or a `mask`"
        )
    if np.any(seen < 0):
        raise ValueError(
            f"`signal` must hold counts, got {np.min(seen)} among them; pass clip=True to set negative samples to 0, "
            "or add the background that was subtracted"
        )


@partial(jax.jit, static_argnums=(5, 6, 7))
def _iterate(
    counts: jax.Array,
    h: jax.Array,
    weights: jax.Array,
    first: jax.Array,
    tolerance: float | jax.Array,
    iterations: int,
    boundary: str,
    callback: Progress | None,
) -> RichardsonLucy:
    def blur(x: jax.Array) -> jax.Array:
        return convolve(x, h, "same", boundary=boundary)

    adjoint = jax.linear_transpose(blur, first)
    tiny = jnp.finfo(first.dtype).tiny
    total = adjoint(weights)[0]

    def improve(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Compute the next estimate, and its relative change."""
        expected = blur(x)
        seen = expected > tiny
        ratio = jnp.where(seen, counts / jnp.where(seen, expected, 1), 0)
        used = total > tiny
        new = jnp.where(used, x * adjoint(ratio)[0] / jnp.where(used, total, 1), x)
        norm = jnp.sqrt(jnp.sum(lax.stop_gradient(x) ** 2))
        change = jnp.sqrt(jnp.sum(lax.stop_gradient(new - x) ** 2)) / jnp.maximum(norm, tiny)
        return new, change

    def step(carry: _Carry, i: jax.Array) -> tuple[_Carry, None]:
        x, done, change = carry
        stop = (i > 0) & (change <= tolerance)

        def go(x: jax.Array) -> _Carry:
            new, change = improve(x)
            if callback is not None:
                jax.debug.callback(callback, i + 1, change)
            return new, i + 1, change

        return lax.cond(stop, lambda x: (x, done, change), go, x), None

    begin = (first, jnp.zeros((), jnp.int32), jnp.full((), jnp.inf, first.dtype))
    (x, done, change), _ = lax.scan(step, begin, jnp.arange(iterations, dtype=jnp.int32))
    return RichardsonLucy(x, done, change)
