"""Signals and images without channels: the correlation of one array with one kernel."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from jconv._core import check
from jconv.engine._api.lax import precision_name
from jconv.engine._plan import Plan
from jconv.engine._policy import Policy, policy_of
from jconv.engine._primitive import convolve, is_left_to_lax
from jconv.engine._problem import Geometry
from jconv.engine._separable_kernel import decompose


def correlate(
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    padding: Sequence[tuple[int, int]] | None = None,
    strides: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    algorithm: str | Plan = "auto",
    precision: lax.PrecisionLike = None,
    memory_budget: int | None = None,
    finite_only: bool | None = None,
    kernel_error: float | None = None,
) -> jax.Array:
    r"""Correlate the last axes of `x` with a kernel, zeros outside.

    .. math:: y[b, i] = \sum_k x[b, s\,i + d\,k - p]\, h[k]

    Parameters
    ----------
    x : array (*batch, *space)
        Leading axes beyond the kernel's rank are batch axes.
    kernel : array (*taps), rank n
    padding : sequence of (int, int), optional
        Zeros before and after each of the n axes; negative numbers crop. Default none.
    strides, dilation : sequence of int, optional
        One integer for each axis. Default 1.
    algorithm, precision, memory_budget, finite_only
        As for `jconv.conv_general_dilated`; but where no precision is asked for, it is "high": signals and images keep
        full float32 on GPU and TPU too.
    kernel_error : float, optional
        How far the applied kernel may be from `kernel`, relative to its norm; rounding may then spread. By default it
        is `kernel`, to rounding in every tap.

    Returns
    -------
    array (*batch, *out)
        Of the promoted dtype, with `(size + before + after − d (taps − 1) − 1) // s + 1` samples along an axis.

    Raises
    ------
    ValueError
        Where `x` has fewer axes than the kernel, a sequence has another length than the kernel's rank, or
        `kernel_error` is negative.

    Notes
    -----
    The gradient is that of the sum. A kernel whose numbers are known – a NumPy array, or any array outside of jit – and
    that is an outer product becomes passes along the axes where that is estimated to be faster. With `kernel_error` it
    may become a sum of several such terms (`jconv.kernels.factor` shows them); an output then errs by at most
    `kernel_error` times the kernel's norm times the norm of the samples under it.

    Examples
    --------
    >>> correlate(jnp.array([1.0, 2.0, 4.0]), jnp.array([1.0, 1.0]), padding=[(1, 0)])
    Array([1., 3., 6.], dtype=float...)
    """
    if kernel_error is not None and finite_only is None:
        finite_only = True  # who allows the kernel to be off allows its rounding to spread
    policy = policy_of(algorithm, memory_budget, finite_only)
    return _correlate(x, kernel, padding, strides, dilation, policy, precision, kernel_error)


def correlate_with_free_borders(
    x: ArrayLike,
    kernel: ArrayLike,
    *,
    padding: Sequence[tuple[int, int]],
    precision: lax.PrecisionLike = None,
    finite_only: bool | None = None,
) -> jax.Array:
    """Correlate as `correlate`, but leave the outputs at a padded end undefined.

    Parameters
    ----------
    x : array (*batch, *space)
    kernel : array (*taps)
    padding : sequence of (int, int)
        Zeros before and after each axis of the kernel.
    precision, finite_only
        As for `correlate`.

    Returns
    -------
    array (*batch, *out)
        At a padded end of an axis as many lines as there are zeros, and one more, may have any value.

    Notes
    -----
    It is for callers that overwrite these outputs, for instance by those of another boundary rule, and is faster than
    computing them. Gradients are those of the sum; the cotangents of the undefined outputs must be zero.

    Examples
    --------
    >>> y = correlate_with_free_borders(jnp.arange(6.0), jnp.ones(3), padding=[(1, 1)])
    >>> y[2:-2]
    Array([6., 9.], dtype=float...)
    """
    policy = dataclasses.replace(policy_of("auto", None, finite_only), free_borders=True)
    return _correlate(x, kernel, padding, None, None, policy, precision, None)


def _correlate(
    x: ArrayLike,
    kernel: ArrayLike,
    padding: Sequence[tuple[int, int]] | None,
    strides: Sequence[int] | None,
    dilation: Sequence[int] | None,
    policy: Policy,
    precision: lax.PrecisionLike,
    kernel_error: float | None,
) -> jax.Array:
    given, x, kernel = kernel, jnp.asarray(x), jnp.asarray(kernel)
    n = kernel.ndim
    if x.ndim < n:
        raise ValueError(f"`x` must have at least the rank of `kernel`, got shapes {x.shape} and {kernel.shape}")
    ones = (1,) * n
    geometry = Geometry(
        check.per_axis("strides", strides if strides is not None else ones, n),
        tuple((int(lo), int(hi)) for lo, hi in (padding if padding is not None else ((0, 0),) * n)),
        ones,
        check.per_axis("dilation", dilation if dilation is not None else ones, n),
        1,
    )
    if len(geometry.padding) != n:
        raise ValueError(f"`padding` must hold a pair for each of the kernel's {n} axes, got {padding!r}")
    if kernel_error is not None and not kernel_error >= 0:
        raise ValueError(f"`kernel_error` must not be negative, got {kernel_error}; pass a share of the kernel's norm")
    batch, space = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
    if n == 0:
        return x * kernel
    name = precision_name(precision)
    if precision is None and name == "default":
        name = "high"
    dtype = jnp.promote_types(x.dtype, kernel.dtype)
    separable = None
    if jnp.issubdtype(dtype, jnp.inexact) and not is_left_to_lax(x, kernel):
        separable = decompose(given, str(dtype), kernel_error)
    out = convolve(
        x.reshape(math.prod(batch), *space, 1),
        kernel[..., None, None],
        geometry,
        precision=name,
        policy=policy,
        separable=separable,
    )
    return out.reshape(batch + out.shape[1:-1])
