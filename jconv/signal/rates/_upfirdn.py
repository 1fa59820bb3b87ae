"""`upfirdn`: insert zeros, filter, keep every so many samples; in one matrix product.

Output m is  Σ_k h[k] u[m·down - k]  with u[j·up] = x[j]. P = up / gcd consecutive outputs see windows of x that repeat
with a hop of D = down / gcd. G·P outputs at a time are a matrix (window, G·P) times a window of x; with windows at most
two hops long, the windows are two neighbouring blocks of x, and no sample is copied more than twice.
"""

from __future__ import annotations

import functools
import math
import operator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.signal._dtypes import as_array, result_type
from jconv.signal._extend import MODES, extend


def upfirdn(
    h: Any, x: Any, up: int = 1, down: int = 1, axis: int = -1, mode: str = "constant", cval: Any = 0
) -> jax.Array:
    r"""Upsample, filter and downsample.

    .. math:: y[m] = \sum_j h[m d - j u]\, x[j]

    Parameters
    ----------
    h : array_like, 1-D
        The filter, at the upsampled rate.
    x : array_like
    up, down : int
        The factors u and d.
    axis : int
    mode : {"constant", "wrap", "edge", "smooth", "symmetric", "reflect", "antisymmetric", "antireflect", "line"}
        How `x` continues outside.
    cval : scalar
        The value outside under "constant".

    Returns
    -------
    Array with ((n - 1) u + k - 1) // d + 1 samples along `axis`; at least float32.

    Raises
    ------
    ValueError
        If `h` is not 1-D or empty, a factor is below 1, or `mode` is unknown.

    Notes
    -----
    Cost of a matrix product, within about four times the k / u products that an output needs. Differentiable in `h`,
    `x` and `cval`. Mirrors `scipy.signal.upfirdn`. Source: Vaidyanathan, *Multirate Systems and Filter Banks* (1993).

    >>> upfirdn([1, 1, 1], [1, 2, 3], 3)
    Array([1., 1., 1., 2., 2., 2., 3., 3., 3.], dtype=float...)
    """
    h, x = as_array("h", h), as_array("x", x)
    if h.ndim != 1 or h.size == 0:
        raise ValueError(f"h must be 1-D with non-zero length, got shape {h.shape}; pass the taps of one filter")
    up, down = int(up), int(down)
    if up < 1 or down < 1:
        raise ValueError(f"Both up and down must be >= 1, got {up} and {down}")
    mode = mode.lower() if isinstance(mode, str) else mode
    if mode not in MODES:
        check.choice("mode", mode, MODES)
    axis = check.axis("axis", axis, x.ndim)
    check.not_empty("x", x)
    dtype = result_type(h, x, np.float32)
    cval = as_array("cval", cval).astype(dtype)
    return _upfirdn(h.astype(dtype), x.astype(dtype), cval, up, down, axis, mode)


def output_length(taps: int, n: int, up: int, down: int) -> int:
    """The number of samples that `upfirdn` returns."""
    return ((n - 1) * up + taps - 1) // down + 1


@partial(jax.jit, static_argnums=(3, 4, 5, 6))
def _upfirdn(h: jax.Array, x: jax.Array, cval: jax.Array, up: int, down: int, axis: int, mode: str) -> jax.Array:
    x = jnp.moveaxis(x, axis, -1)
    n, taps = x.shape[-1], h.size
    length = output_length(taps, n, up, down)
    common = math.gcd(up, down)
    phases, hop = up // common, down // common
    # Output m sees x[q - j] with taps h[p + j·up], where (q, p) = divmod(m·down, up).
    newest, phase = np.divmod(np.arange(phases) * down, up)
    depth = -(-taps // up)
    span = depth + newest[-1]
    # G groups of P outputs; their window of span + (G - 1)·hop samples has to fit in 2·G·hop.
    groups = max(-(-(span - hop) // hop), -(-_ROW // hop), 1)
    groups = min(groups, -(-length // phases))
    block = groups * hop
    pieces = max(-(-(span + (groups - 1) * hop) // block), 1)
    rows = -(-length // (groups * phases))
    last = ((length - 1) * down) // up
    x = extend(x, depth - 1, max(0, last - n + 1), mode, cval)
    total = (rows + pieces - 1) * block
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, max(0, total - x.shape[-1]))])[..., :total]
    blocks = x.reshape(*x.shape[:-1], rows + pieces - 1, block)
    # matrix[i, g·P + s] = h[phase_s + j·up] with i = g·hop + newest_s + depth - 1 - j
    row = np.arange(pieces * block)[:, None]
    j = (np.arange(groups)[:, None] * hop + newest).reshape(-1)[None, :] + depth - 1 - row
    tap = np.tile(phase, groups)[None, :] + j * up
    inside = (j >= 0) & (tap < taps)
    matrix = jnp.where(inside, h[np.where(inside, tap, 0)], 0)
    # Each block has a share in the outputs of its own row and of the rows before; they are added up.
    width = groups * phases
    if width <= block:  # fewer outputs than inputs: shift those
        shares = jnp.matmul(blocks, jnp.concatenate(jnp.split(matrix, pieces), axis=1), precision="highest")
        terms = [shares[..., i : i + rows, i * width : (i + 1) * width] for i in range(pieces)]
    else:
        terms = []
        for i, part in enumerate(np.split(inside, pieces)):
            used = int(np.flatnonzero(part.any(axis=1)).max(initial=-1)) + 1
            weights = matrix[i * block : i * block + used]
            terms.append(jnp.matmul(blocks[..., i : i + rows, :used], weights, precision="highest"))
    y = functools.reduce(operator.add, terms)
    y = y.reshape(*x.shape[:-1], rows * groups * phases)[..., :length]
    return jnp.moveaxis(y, -1, axis)


# The least width of a window in samples, so that the matrix product is worth its name.
_ROW = 16
