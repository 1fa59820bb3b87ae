"""`upfirdn`: insert zeros, filter, keep every so many samples.

Output m is  Σ_k h[k] u[m·down - k]  with u[j·up] = x[j]. P = up / gcd consecutive outputs see windows of x that repeat
with a hop of D = down / gcd, each with its own phase h[p], h[p + up], … of the filter. Three forms, by size:

- few numbers in all phases: G·P outputs at a time are a matrix (window, G·P) times a window of x; with windows at most
  two hops long, the windows are two neighbouring blocks of x, and no sample is copied more than twice;
- one phase: a strided correlation, which is the engine's;
- else a sum over the taps of a phase, each a gather: no array is larger than input, filter and output.

The matrix multiplies samples with zeros too, which would spread what is not finite; such signals take the sum.
"""

from __future__ import annotations

import functools
import math
import operator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jconv import engine
from jconv._core import check
from jconv.signal._dtypes import ArrayLike, as_array, result_type
from jconv.signal._extend import MODES, extend


def upfirdn(
    h: ArrayLike,
    x: ArrayLike,
    up: int = 1,
    down: int = 1,
    axis: int = -1,
    mode: str = "constant",
    cval: ArrayLike = 0,
) -> jax.Array:
    r"""Upsample, filter and downsample.

    .. math:: y[m] = \sum_j h[m d - j u]\, x[j]

    Parameters
    ----------
    h : array (k,)
        The filter, at the upsampled rate.
    x : array (..., n, ...)
        The signals.
    up, down : int
        The factors u and d. Default 1.
    axis : int
        The axis of time. Default -1.
    mode : {"constant", "wrap", "edge", "smooth", "symmetric", "reflect", "antisymmetric", "antireflect", "line"}
        How `x` continues outside. Default "constant".
    cval : scalar
        The value outside under "constant". Default 0.

    Returns
    -------
    y : array (..., ((n - 1) u + k - 1) // d + 1, ...)
        Of at least float32; empty where `x` is.

    Raises
    ------
    ValueError
        If `h` is not 1-D or empty, a factor is below 1, or `mode` is unknown.

    Notes
    -----
    The cost is that of the k / u products that an output needs, up to a factor of four where they are a matrix product;
    the memory is in proportion to input, filter and output. A sample reaches the outputs that see it and no others,
    also where it is not finite. Differentiable in `h`, `x` and `cval`. Follows `scipy.signal.upfirdn`. Source:
    Vaidyanathan, *Multirate Systems and Filter Banks* (1993).

    Examples
    --------
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
    check.choice("mode", mode, MODES)
    axis = check.axis("axis", axis, x.ndim)
    dtype = result_type(h, x, np.float32)
    if x.size == 0:
        length = max(0, output_length(h.size, x.shape[axis], up, down))
        return jnp.zeros((*x.shape[:axis], length, *x.shape[axis + 1 :]), dtype)
    cval = as_array("cval", cval).astype(dtype)
    return _upfirdn(h.astype(dtype), x.astype(dtype), cval, up, down, axis, mode)


def output_length(taps: int, n: int, up: int, down: int) -> int:
    """Return the number of samples that `upfirdn` returns."""
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
    last = ((length - 1) * down) // up
    x = extend(x, depth - 1, max(0, last - n + 1), mode, cval)
    matrix = partial(_by_matrix, hop=hop, up=up, newest=newest, phase=phase, length=length)
    gathered = partial(_by_gathers, hop=hop, up=up, newest=newest, phase=phase, length=length)
    groups, block, pieces = _windows(depth + int(newest[-1]), hop, phases, length)
    if pieces * block * groups * phases <= _MATRIX:
        y = lax.cond(jnp.all(jnp.isfinite(x)), matrix, gathered, h, x)
    elif phases == 1:
        needed = depth + (length - 1) * hop
        x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, max(0, needed - x.shape[-1]))])[..., :needed]
        taps_of_phase = lax.rev(h[::up], (0,))
        y = engine.correlate(x, taps_of_phase, padding=[(0, 0)], strides=[hop], finite_only=False)
    else:
        y = gathered(h, x)
    return jnp.moveaxis(y, -1, axis)


def _windows(span: int, hop: int, phases: int, length: int) -> tuple[int, int, int]:
    """How many groups of outputs share a window, the samples in a block, and the blocks in a window."""
    # The window of span + (G - 1)·hop samples has to fit in 2·G·hop.
    groups = max(-(-(span - hop) // hop), -(-_ROW // hop), 1)
    groups = min(groups, -(-length // phases))
    block = groups * hop
    return groups, block, max(-(-(span + (groups - 1) * hop) // block), 1)


def _by_matrix(
    h: jax.Array, x: jax.Array, *, hop: int, up: int, newest: np.ndarray, phase: np.ndarray, length: int
) -> jax.Array:
    """All outputs from `x` (…, n), which begins with the depth - 1 samples before the first."""
    taps, phases = h.size, newest.size
    depth = -(-taps // up)
    groups, block, pieces = _windows(depth + int(newest[-1]), hop, phases, length)
    rows = -(-length // (groups * phases))
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
    return y.reshape(*x.shape[:-1], rows * groups * phases)[..., :length]


def _by_gathers(
    h: jax.Array, x: jax.Array, *, hop: int, up: int, newest: np.ndarray, phase: np.ndarray, length: int
) -> jax.Array:
    """Compute the same, tap after tap of each phase."""
    phases = newest.size
    depth, rows = -(-h.size // up), -(-length // phases)
    weights = jnp.pad(h, (0, depth * up - h.size)).reshape(depth, up)[:, phase]
    index = (np.arange(rows)[:, None] * hop + newest + depth - 1).astype(np.int32)
    # A tap that the filter lacks sees no sample, also where that is not finite.
    inside = (np.arange(depth)[:, None] * up + phase) < h.size

    def add(total: jax.Array, tap: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        j, weight, present = tap
        samples = jnp.take(x, index - j, axis=-1, mode="clip")
        return total + jnp.where(present, weight * samples, 0), None

    start = jnp.zeros((*x.shape[:-1], rows, phases), x.dtype)
    total, _ = lax.scan(jax.checkpoint(add), start, (jnp.arange(depth, dtype=np.int32), weights, jnp.asarray(inside)))
    return total.reshape(*x.shape[:-1], rows * phases)[..., :length]


# The least width of a window in samples, so that the matrix product is worth its name.
_ROW = 16
# Numbers in a matrix beyond which other forms take less memory and time (a guess between a cache and a gigabyte).
_MATRIX = 1 << 22
