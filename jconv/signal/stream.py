"""Convolution chunk by chunk: a state and a pure step, equal to the whole signal's result.

`init` and `step` are for kernels applied directly, for chunks of any size down to one sample (the decoding cache of a
causal depthwise convolution). `partitioned_init` and `partitioned_step` are for long kernels: one FFT for each block,
with a latency of one block.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike

from jconv._core import check
from jconv.signal._dtypes import HALF, ArrayLike, as_array


class State(NamedTuple):
    """The kernel, the last taps - 1 inputs, and the segments that they belong to (None if there is one segment)."""

    kernel: jax.Array
    past: jax.Array
    segments: jax.Array | None


def init(
    kernel: ArrayLike, batch: tuple[int, ...] = (), *, dtype: DTypeLike | None = None, segmented: bool = False
) -> State:
    r"""Make the state before the first sample of a causal convolution: zeros.

    .. math:: y_t = \sum_{s=0}^{k-1} h_s\, x_{t-s}

    Parameters
    ----------
    kernel : array (taps,) or (taps, channels)
        With channels each has its own kernel, and chunks have shape (..., samples, channels).
    batch : tuple of int
        The leading axes of the chunks. Default none.
    dtype : dtype, optional
        That of the chunks. Default that of the kernel.
    segmented : bool
        Whether `step` will be given segment ids. Default False.

    Returns
    -------
    state : State

    Raises
    ------
    ValueError
        If the kernel has another rank or is empty.

    Notes
    -----
    A pytree of arrays: it passes through `jit`, `scan` and `grad`.

    Examples
    --------
    >>> state, y = step(init(jnp.array([1.0, 0.5])), jnp.array([1.0, 2.0]))
    >>> step(state, jnp.array([3.0]))[1].tolist()
    [4.0]
    """
    h = as_array("kernel", kernel)
    check.rank("kernel", h, (1, 2), "pass (taps,) or (taps, channels)")
    check.not_empty("kernel", h)
    shape = (*batch, h.shape[0] - 1, *h.shape[1:])
    segments = jnp.full((*batch, h.shape[0] - 1), -1, jnp.int32) if segmented else None
    return State(h, jnp.zeros(shape, h.dtype if dtype is None else dtype), segments)


def step(state: State, chunk: ArrayLike, segment_ids: ArrayLike | None = None) -> tuple[State, jax.Array]:
    r"""Convolve the next chunk.

    .. math:: y_t = \sum_{s=0}^{k-1} h_s\, x_{t-s}

    Parameters
    ----------
    state : State
        From `init` or the step before.
    chunk : array (..., samples) or (..., samples, channels)
        Any number of samples, from one on.
    segment_ids : integer array (..., samples), optional
        The sequence that each sample belongs to, for sequences of various lengths packed into one; a sample sees those
        of its own segment only. Nonnegative.

    Returns
    -------
    state : State
        For the next chunk.
    y : array of the shape of `chunk`

    Raises
    ------
    ValueError
        If the chunk's shape does not fit the state, or segment ids are given and the state has none, or conversely.

    Notes
    -----
    Each output is summed in the order of the taps, whatever the chunks, so that they do not change the result; float16
    and bfloat16 are summed in float32. It depends on samples up to its own time only. Differentiable in kernel, past
    and chunk. The cost is one product for each tap and sample.

    Examples
    --------
    >>> state = init([1.0, -1.0])
    >>> state, y = step(state, [1.0, 4.0])
    >>> y.tolist(), step(state, [9.0])[1].tolist()
    ([1.0, 3.0], [5.0])
    """
    h, past, segments = state
    chunk = as_array("chunk", chunk)
    tail = h.ndim - 1
    fits = chunk.ndim == past.ndim and chunk.shape[: chunk.ndim - 1 - tail] == past.shape[: past.ndim - 1 - tail]
    if not fits or (tail and chunk.shape[-1] != past.shape[-1]):
        wanted = (*past.shape[: past.ndim - 1 - tail], "samples", *past.shape[past.ndim - tail :])
        raise ValueError(f"`chunk` must have shape {wanted}, got {chunk.shape}; see `batch` of init".replace("'", ""))
    if (segments is None) != (segment_ids is None):
        raise ValueError("`segment_ids` must be given exactly where the state was made with init(…, segmented=True)")
    ids = None if segment_ids is None else as_array("segment_ids", segment_ids).astype(jnp.int32)
    return _step(State(h, past, segments), chunk.astype(past.dtype), ids)


@jax.jit
def _step(state: State, chunk: jax.Array, ids: jax.Array | None) -> tuple[State, jax.Array]:
    h, past, segments = state
    axis = chunk.ndim - h.ndim
    taps, samples = h.shape[0], chunk.shape[axis]
    total = jnp.float32 if chunk.dtype.name in HALF else jnp.result_type(chunk, h)
    x = jnp.concatenate([past, chunk], axis=axis)
    known = None if ids is None or segments is None else jnp.concatenate([segments, ids], axis=-1)

    def term(s: int | jax.Array) -> jax.Array:
        """Compute the products with tap s."""
        start = taps - 1 - s
        shifted = lax.dynamic_slice_in_dim(x, start, samples, axis=axis).astype(total)
        if known is not None and ids is not None:
            same = lax.dynamic_slice_in_dim(known, start, samples, axis=-1) == ids
            shifted = jnp.where(same[..., None] if h.ndim == 2 else same, shifted, 0)
        product = shifted * h[s].astype(total)
        # Always true but for NaN: a product that is chosen is rounded before it is added, in every chunk. Left to
        # itself, the compiler contracts some sums of products to fused operations, which ones depends on the shape.
        return jnp.where(shifted == shifted, product, shifted)

    if taps <= _UNROLLED:
        y = term(0)
        for s in range(1, taps):
            y = y + term(s)
    else:
        y, _ = lax.scan(lambda y, s: (y + term(s), None), term(0), jnp.arange(1, taps))
    last = lax.slice_in_dim(x, samples, samples + taps - 1, axis=axis)
    left = None if known is None else lax.slice_in_dim(known, samples, samples + taps - 1, axis=-1)
    return State(h, last, left), y.astype(chunk.dtype)


# Taps up to which the sum is written out, so that XLA fuses it into one pass.
_UNROLLED = 16


class PartitionedState(NamedTuple):
    """The spectra of the kernel's parts, those of the last inputs (the newest first), and the last block."""

    kernel: jax.Array
    spectra: jax.Array
    past: jax.Array


def partitioned_init(kernel: ArrayLike, block: int, batch: tuple[int, ...] = ()) -> PartitionedState:
    r"""Make the state of a long causal convolution in blocks of fixed size.

    .. math:: Y_i = \sum_p H_p\, X_{i-p}

    with the spectra X of two neighbouring blocks and H of the kernel's parts of one block each.

    Parameters
    ----------
    kernel : real array (taps,)
    block : int
        Samples in a chunk, the latency.
    batch : tuple of int
        The leading axes of the chunks. Default none.

    Returns
    -------
    state : PartitionedState

    Raises
    ------
    ValueError
        If the kernel is complex, empty, or not 1-D, or `block` is below 1.

    Notes
    -----
    Two FFTs of 2 · block and taps / block products of spectra for each chunk. A block's outputs depend on all of its
    samples within rounding: who needs each output free of later samples to the bit takes `init` and `step`. Source:
    Gardner, "Efficient convolution without input-output delay", J. Audio Eng. Soc. 43 (1995).

    Examples
    --------
    >>> state = partitioned_init(jnp.array([1.0, 0.5, 0.25]), 2)
    >>> partitioned_step(state, jnp.array([1.0, 0.0]))[1].round(3).tolist()
    [1.0, 0.5]
    """
    h = as_array("kernel", kernel)
    check.rank("kernel", h, 1, "use jax.vmap for many kernels")
    check.not_empty("kernel", h)
    check.positive_int("block", block)
    if h.dtype.kind != "f":
        raise ValueError(f"`kernel` must be real floating, got {h.dtype}; convert it")
    parts = -(-h.size // block)
    h = jnp.pad(h, (0, parts * block - h.size)).reshape(parts, block)
    spectra = jnp.fft.rfft(h, 2 * block)
    past = jnp.zeros((*batch, block), h.dtype)
    return PartitionedState(spectra, jnp.zeros((*batch, *spectra.shape), spectra.dtype), past)


def partitioned_step(state: PartitionedState, chunk: ArrayLike) -> tuple[PartitionedState, jax.Array]:
    r"""Convolve the next block.

    .. math:: Y_i = \sum_p H_p\, X_{i-p}

    Parameters
    ----------
    state : PartitionedState
        From `partitioned_init` or the step before.
    chunk : array (..., block)

    Returns
    -------
    state : PartitionedState
        For the next block.
    y : array (..., block)

    Raises
    ------
    ValueError
        If the chunk has another shape.

    Notes
    -----
    Differentiable in state and chunk. See `partitioned_init` for cost and source.

    Examples
    --------
    >>> state = partitioned_init([1.0, 0.5], 2)
    >>> state, _ = partitioned_step(state, [0.0, 2.0])
    >>> partitioned_step(state, [0.0, 0.0])[1].round(3).tolist()
    [1.0, 0.0]
    """
    chunk = as_array("chunk", chunk)
    if chunk.shape != state.past.shape:
        raise ValueError(f"`chunk` must have shape {state.past.shape}, got {chunk.shape}; see `block` and `batch`")
    return _partitioned_step(state, chunk.astype(state.past.dtype))


@jax.jit
def _partitioned_step(state: PartitionedState, chunk: jax.Array) -> tuple[PartitionedState, jax.Array]:
    block = chunk.shape[-1]
    newest = jnp.fft.rfft(jnp.concatenate([state.past, chunk], axis=-1))
    spectra = jnp.concatenate([newest[..., None, :], state.spectra[..., :-1, :]], axis=-2)
    y = jnp.fft.irfft(jnp.sum(state.kernel * spectra, axis=-2), 2 * block)[..., block:]
    return PartitionedState(state.kernel, spectra, chunk), y
