"""Up-sampling and resizing: samples repeated or interpolated; channels last, with any number of leading axes."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jconv._core import check
from jconv.nn.layers import _dtypes, _layer

METHODS = ("nearest", "linear", "bilinear", "trilinear")


def upsample(inputs: ArrayLike, scale: Sequence[int], method: str = "nearest") -> jax.Array:
    r"""Enlarge each axis by an integer, as PyTorch's `Upsample` with `align_corners=False`.

    .. math:: y[s\, i + r] = (1 - |f|)\, x[i] + |f|\, x[i + \operatorname{sign} f], \qquad f = (r + 1/2) / s - 1/2

    for "linear", the border continued; "nearest" repeats every sample s times.

    Parameters
    ----------
    inputs : array (…, *space, C)
        Samples; with "linear" integers count as floats.
    scale : sequence of int
        One s for each spatial axis.
    method : "nearest" or "linear" (also called "bilinear" and "trilinear")
        What stands between samples. Default "nearest".

    Returns
    -------
    array (…, *(s · size), C)

    Raises
    ------
    ValueError, TypeError
        When ranks or options do not fit.

    Notes
    -----
    Slices and sums without a gather, and so is the gradient. Other sizes: `resize`. Half precision is interpolated in
    float32.

    Examples
    --------
    >>> upsample(jnp.array([0.0, 4.0]).reshape(1, 2, 1), (2,), "linear")[0, :, 0]
    Array([0., 1., 3., 4.], dtype=float...)
    """
    inputs, method = jnp.asarray(inputs), _check_method(method)
    scale = _layer.each_axis("scale", scale)
    _layer.check_rank(inputs, len(scale))
    inputs = _dtypes.to_floating(inputs) if method == "linear" else inputs
    first = inputs.ndim - len(scale) - 1
    x = _dtypes.widen(inputs) if method == "linear" else inputs
    for axis, s in enumerate(scale, start=first):
        if s > 1:
            x = jnp.repeat(x, s, axis=axis) if method == "nearest" else _interleave_phases(x, axis, s)
    return x.astype(inputs.dtype)


def resize(
    inputs: ArrayLike, shape: Sequence[int], method: str = "nearest", *, align_corners: bool = False
) -> jax.Array:
    """Sample each axis at another number of points, as PyTorch's `interpolate`.

    "nearest" takes sample ⌊i n / m⌋ of n for the i-th of m, "linear" interpolates at (i + 1/2) n / m − 1/2, the border
    continued, or with `align_corners` at i (n − 1) / (m − 1).

    Parameters
    ----------
    inputs : array (…, *space, C)
        Samples; with "linear" integers count as floats.
    shape : sequence of int
        Samples of the result along each spatial axis.
    method : "nearest" or "linear" (also called "bilinear" and "trilinear")
        What stands between samples. Default "nearest".
    align_corners : bool
        Whether the first and last samples keep their places; only with "linear". Default False.

    Returns
    -------
    array (…, *shape, C)

    Raises
    ------
    ValueError, TypeError
        When ranks or options do not fit.

    Notes
    -----
    There is no low-pass where it shrinks, as in PyTorch; `jax.image.resize` has one. Half precision is interpolated in
    float32. The gradient adds the weights to where they were taken from; enlarging by an integer is faster by
    `upsample`.

    Examples
    --------
    >>> resize(jnp.array([0.0, 3.0]).reshape(1, 2, 1), (4,), "linear", align_corners=True)[0, :, 0]
    Array([0., 1., 2., 3.], dtype=float...)
    """
    inputs, method = jnp.asarray(inputs), _check_method(method)
    if align_corners and method == "nearest":
        raise ValueError("`align_corners` is for method='linear'; leave it out with 'nearest'")
    shape = _layer.each_axis("shape", shape)
    _layer.check_rank(inputs, len(shape))
    first = inputs.ndim - len(shape) - 1
    if 0 in inputs.shape[first:-1]:
        raise ValueError(f"`inputs` must have at least one sample along each axis, got shape {inputs.shape}")
    inputs = _dtypes.to_floating(inputs) if method == "linear" else inputs
    x = _dtypes.widen(inputs) if method == "linear" else inputs
    for axis, m in enumerate(shape, start=first):
        n, i = x.shape[axis], np.arange(m)
        if method == "nearest":
            x = jnp.take(x, i * n // m, axis=axis)
            continue
        where = i * (n - 1) / max(m - 1, 1) if align_corners else np.maximum((i + 0.5) * n / m - 0.5, 0)
        low = np.minimum(where.astype(int), n - 1)
        share = jnp.asarray(where - low, x.dtype).reshape(*(1,) * axis, -1, *(1,) * (x.ndim - 1 - axis))
        below, above = jnp.take(x, low, axis=axis), jnp.take(x, np.minimum(low + 1, n - 1), axis=axis)
        x = below * (1 - share) + above * share
    return x.astype(inputs.dtype)


def _check_method(method: str) -> str:
    return "nearest" if check.choice("method", method, METHODS) == "nearest" else "linear"


def _interleave_phases(x: jax.Array, axis: int, scale: int) -> jax.Array:
    """Interpolate linearly at the `scale` phases between samples: each a weighted sum of two neighbours."""
    n = x.shape[axis]
    wide = jnp.concatenate(
        [jax.lax.slice_in_dim(x, 0, 1, axis=axis), x, jax.lax.slice_in_dim(x, n - 1, n, axis=axis)], axis=axis
    )
    shifted = {step: jax.lax.slice_in_dim(wide, 1 + step, 1 + step + n, axis=axis) for step in (-1, 0, 1)}
    phases = []
    for r in range(scale):
        f = (r + 0.5) / scale - 0.5
        phases.append(shifted[0] * (1 - abs(f)) + shifted[1 if f >= 0 else -1] * abs(f))
    return jnp.stack(phases, axis=axis + 1).reshape(*x.shape[:axis], n * scale, *x.shape[axis + 1 :])
