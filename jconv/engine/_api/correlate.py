"""The engine's face for signals and images: correlation of one array with one kernel, no channels."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.engine import _low_rank as low_rank
from jconv.engine._api.lax import precision_name
from jconv.engine._canonical import compute_dtype, crops_and_padding
from jconv.engine._planner import Plan, policy_of
from jconv.engine._primitive import Window, convolve, is_left_to_lax
from jconv.engine._problem import Problem


def correlate(
    x: jax.Array,
    kernel: jax.Array,
    *,
    padding: Sequence[tuple[int, int]] | None = None,
    strides: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    algorithm: str | Plan = "auto",
    precision=None,
    memory_budget: int | None = None,
    finite_only: bool = True,
    kernel_error: float | None = None,
    borders: str = "zero",
) -> jax.Array:
    r"""Correlate the last axes of `x` with a kernel, zeros outside.

    .. math:: y[b, i] = \sum_k x[b, s\,i + d\,k - p]\, h[k]

    Parameters
    ----------
    x : array (*batch, *space)
        Leading axes beyond the kernel's rank are batch axes.
    kernel : array (*taps), rank n
    padding : (before, after) zeros for each of the n axes; negative crops. Default none.
    strides, dilation : one integer for each axis. Default 1.
    algorithm, precision, memory_budget, finite_only : as `jconv.conv_general_dilated`; but where no
        precision is asked for, it is "high": signals and images keep theirs on GPU and TPU too.
    kernel_error : how far the kernel may be from the one that is applied, relative to its norm. Default: its rounding.
    borders : "zero", or "free": outputs at a padded end may be anything, as many lines as there are zeros and one more.
        That is faster for who writes over them, with what another boundary rule makes of them. Gradients are those of
        the sum; what flows into a free output must be zero.

    Returns
    -------
    array (*batch, *out), of the promoted dtype, `(size + before + after − d (taps − 1) − 1) // s + 1` samples an axis.

    Raises
    ------
    ValueError
        Where `x` has fewer axes than the kernel, a sequence has another length than the kernel's rank, or
        `kernel_error` is negative.

    Notes
    -----
    The gradient is that of the sum. A kernel of rank two or more whose numbers are known – a NumPy array, or any array
    outside of jit – becomes a sum of separable ones where that is estimated to be faster (`jconv.kernels.factor`
    shows them). An output then errs by at most `kernel_error` times the kernel's norm times the norm of the samples
    under it.

    Examples
    --------
    >>> correlate(jnp.array([1.0, 2.0, 4.0]), jnp.array([1.0, 1.0]), padding=[(1, 0)])
    Array([1., 3., 6.], dtype=float...)
    """
    given, x, kernel = kernel, jnp.asarray(x), jnp.asarray(kernel)
    n = kernel.ndim
    if x.ndim < n:
        raise ValueError(f"`x` must have at least the rank of `kernel`, got shapes {x.shape} and {kernel.shape}")
    ones = (1,) * n
    window = Window(
        check.per_axis("strides", strides if strides is not None else ones, n),
        tuple((int(lo), int(hi)) for lo, hi in (padding if padding is not None else ((0, 0),) * n)),
        ones,
        check.per_axis("dilation", dilation if dilation is not None else ones, n),
        1,
    )
    if len(window.padding) != n:
        raise ValueError(f"`padding` must hold a pair for each of the kernel's {n} axes, got {padding!r}")
    if kernel_error is not None and not kernel_error >= 0:
        raise ValueError(f"`kernel_error` must not be negative, got {kernel_error}; pass a share of the kernel's norm")
    batch, space = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
    if n == 0:
        return x * kernel
    free = check.choice("borders", borders, ("zero", "free")) == "free"
    policy = dataclasses.replace(policy_of(algorithm, memory_budget, finite_only), free_borders=free)
    name = precision_name(precision)
    if precision is None and name == "default":
        name = "high"
    x = x.reshape(math.prod(batch), *space, 1)
    problem, cropped = _one_channel(x, kernel, window, name)
    terms = None if problem is None else low_rank.terms_for(problem, given, policy=policy, error=kernel_error)
    if problem is not None and terms is not None:
        out = low_rank.apply(problem, cropped, terms, policy=policy)
        out = out.astype(jnp.promote_types(x.dtype, kernel.dtype))
    else:
        out = convolve(x, kernel[..., None, None], window, precision=name, policy=policy)
    return out.reshape(batch + out.shape[1:-1])


def _one_channel(x, kernel, window: Window, precision: str) -> tuple[Problem | None, jax.Array]:
    """The problem and its cropped input; no problem where nothing is left to sum, or lax takes it."""
    if is_left_to_lax(x, kernel):
        return None, x
    crops, padding = crops_and_padding(window.padding, window.lhs_dilation, x.shape[1:-1])
    cropped = x[(slice(None), *(slice(*crop) for crop in crops), slice(None))]
    if 0 in cropped.shape or 0 in kernel.shape:
        return None, cropped
    dtype = compute_dtype(str(jnp.promote_types(x.dtype, kernel.dtype)))
    platform = jax.default_backend()
    problem = Problem(
        lhs_shape=cropped.shape,
        rhs_shape=(*kernel.shape, 1, 1),
        strides=window.strides,
        padding=padding,
        lhs_dilation=window.lhs_dilation,
        rhs_dilation=window.rhs_dilation,
        groups=1,
        dtype=dtype,
        precision=precision,
        platform="cuda" if platform == "gpu" else platform,
    )
    return problem, cropped
