"""`fftconvolve` and `oaconvolve`: by the FFT over chosen axes, the others broadcast."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.signal._dtypes import as_array, cast, inexact_type, result_type
from jconv.signal.convolution._budget import within
from jconv.signal.convolution._by_fft import convolve_by_fft
from jconv.signal.convolution._extent import check_mode, check_same_rank, spans, valid_needs_swap


def fftconvolve(
    in1: Any, in2: Any, mode: str = "full", axes: Any = None, *, memory_budget: int | None = None
) -> jax.Array:
    r"""Convolve two n-D arrays by one FFT.

    .. math:: y = \mathcal F^{-1}(\mathcal F x \cdot \mathcal F h)

    Parameters
    ----------
    in1, in2 : array_like of one rank
        Along axes that are not convolved the sizes are equal, or one of them is 1 and is repeated.
    mode : {"full", "valid", "same"}
        As in `convolve`.
    axes : int or sequence of ints, optional
        The axes to convolve over; by default all.
    memory_budget : int, optional
        Bytes that may be used beside arguments and result; the signal is then worked through in stretches.

    Returns
    -------
    Array, real or complex floating: float64 for integers (float32 without JAX's 64-bit mode), float32 for halves.

    Raises
    ------
    ValueError
        If ranks, shapes, axes or the mode do not fit, or the budget is too small for the kernel.

    Notes
    -----
    Cost O(N log N) for lengths N = 2^a 3^b 5^c, no longer than `mode` needs. The error is a few ulp of the largest
    output, and one NaN or infinity spoils all. Differentiable in both arrays. Mirrors `scipy.signal.fftconvolve`.

    >>> fftconvolve([1.0, 2, 3], [0, 1, 0.5]).round(6)
    Array([0. , 1. , 2.5, 4. , 1.5], dtype=float...)
    """
    return _over_axes(False, in1, in2, mode, axes, memory_budget)


def oaconvolve(
    in1: Any, in2: Any, mode: str = "full", axes: Any = None, *, memory_budget: int | None = None
) -> jax.Array:
    r"""Convolve two n-D arrays by overlap-add: the longer one block by block, each by the FFT.

    .. math:: y = \sum_i T_{iL}\,(x_i * h), \qquad x = \sum_i T_{iL}\, x_i

    with blocks of L samples and the shift T, along each of `axes` by itself.

    Parameters
    ----------
    in1, in2, mode, axes, memory_budget
        As in `fftconvolve`.

    Returns
    -------
    Array, as `fftconvolve`.

    Raises
    ------
    ValueError
        As `fftconvolve`.

    Notes
    -----
    Cost O(n log k): best where one array is much longer than the other. An axis along which blocks do not pay is
    transformed whole. Differentiable in both arrays. Mirrors `scipy.signal.oaconvolve`.

    >>> oaconvolve([1.0, 2, 3], [0, 1, 0.5]).round(6)
    Array([0. , 1. , 2.5, 4. , 1.5], dtype=float...)
    """
    return _over_axes(True, in1, in2, mode, axes, memory_budget)


def _over_axes(blocks: bool, in1: Any, in2: Any, mode: str, axes: Any, budget: int | None) -> jax.Array:
    in1, in2 = as_array("in1", in1), as_array("in2", in2)
    check_mode(mode)
    check_same_rank(in1, in2)
    dtype = inexact_type(in1, in2)
    if in1.ndim == 0:
        return in1 * in2
    if in1.size == 0 or in2.size == 0:
        return jnp.zeros((0,), dtype)
    convolved = _convolved_axes(in1.shape, in2.shape, axes)
    if mode == "valid" and valid_needs_swap(in1.shape, in2.shape, convolved):
        in1, in2 = in2, in1
    if not convolved:  # no transform, no change of dtype
        dtype = result_type(in1, in2)
    x, h = cast(in1, dtype), cast(in2, dtype)
    kept = spans(mode, tuple(x.shape[a] for a in convolved), tuple(h.shape[a] for a in convolved))
    if not convolved:
        out = x * h
    elif budget is not None:
        out = within(
            x, h, axes=convolved, spans=kept, blocks=blocks, budget=check.positive_int("memory_budget", budget)
        )
    else:
        out = convolve_by_fft(x, h, axes=convolved, spans=kept, blocks=blocks)
    if mode == "same" and out.shape != x.shape:
        # An axis of size 1 in `in1` that was repeated is cut to its middle sample, as SciPy centres it.
        out = out[tuple(slice((m - n) // 2, (m - n) // 2 + n) for m, n in zip(out.shape, x.shape, strict=True))]
    return out


def _convolved_axes(shape1: tuple[int, ...], shape2: tuple[int, ...], axes: Any) -> tuple[int, ...]:
    """The axes of `axes` that need a convolution, ascending; an axis where one array has size 1 is a product."""
    rank = len(shape1)
    if axes is None:
        wanted = range(rank)
    else:
        wanted = [axes] if hasattr(axes, "__index__") else list(axes)
        if not wanted:
            raise ValueError(f"when provided, axes cannot be empty, got {axes!r}; pass None for all axes")
        if not all(hasattr(a, "__index__") for a in wanted):
            raise ValueError(
                f"axes must be a scalar or iterable of integers, got {axes!r}; pass for example axes=(0, 1)"
            )
        if not all(-rank <= a < rank for a in wanted):
            raise ValueError(
                f"axes exceeds dimensionality of input: got {axes!r} for rank {rank}; pass -{rank} … {rank - 1}"
            )
        wanted = [int(a) % rank for a in wanted]
        if len(set(wanted)) != len(wanted):
            raise ValueError(f"all axes must be unique, got {axes!r}; name each axis once")
    convolved = tuple(sorted(a for a in wanted if shape1[a] != 1 and shape2[a] != 1))
    for a, (n, k) in enumerate(zip(shape1, shape2, strict=True)):
        if a not in convolved and n != k and 1 not in (n, k):
            raise ValueError(
                f"incompatible shapes for in1 and in2: {shape1} and {shape2} differ along axis {a}, which is not "
                "convolved; make the sizes equal, make one of them 1, or add the axis to `axes`"
            )
    return convolved
