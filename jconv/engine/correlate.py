"""The engine's face for signals and images: correlation of one array with one kernel, no channels."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.engine.convolution import Window, convolve
from jconv.engine.lax_face import precision_name
from jconv.engine.planner import Plan, policy_of


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
    algorithm, precision, memory_budget, finite_only : as `jconv.conv_general_dilated`.

    Returns
    -------
    array (*batch, *out), of the promoted dtype, `(size + before + after − d (taps − 1) − 1) // s + 1` samples an axis.

    Raises
    ------
    ValueError
        Where `x` has fewer axes than the kernel, or a sequence has another length than the kernel's rank.

    Notes
    -----
    The gradient is that of the sum.

    Examples
    --------
    >>> correlate(jnp.array([1.0, 2.0, 4.0]), jnp.array([1.0, 1.0]), padding=[(1, 0)])
    Array([1., 3., 6.], dtype=float...)
    """
    x, kernel = jnp.asarray(x), jnp.asarray(kernel)
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
    batch, space = x.shape[: x.ndim - n], x.shape[x.ndim - n :]
    if n == 0:
        return x * kernel
    out = convolve(
        x.reshape(int(np.prod(batch)), *space, 1),
        kernel[..., None, None],
        window,
        precision=precision_name(precision),
        policy=policy_of(algorithm, memory_budget, finite_only),
    )
    return out.reshape(batch + out.shape[1:-1])
