"""`fftconvolve` and `oaconvolve`: by the FFT over chosen axes, the others broadcast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.signal._dtypes import ArrayLike, as_array, cast, inexact_type, result_type
from jconv.signal.convolution._budget import convolve_within_budget
from jconv.signal.convolution._by_fft import convolve_by_fft
from jconv.signal.convolution._extent import Mode, check_mode, check_same_rank, spans, valid_needs_swap


def fftconvolve(
    in1: ArrayLike,
    in2: ArrayLike,
    mode: Mode = "full",
    axes: int | Sequence[int] | None = None,
    *,
    memory_budget: int | None = None,
    crop_repeated: bool = True,
) -> jax.Array:
    r"""Convolve two n-D arrays by one FFT.

    .. math:: y = \mathcal F^{-1}(\mathcal F x \cdot \mathcal F h)

    Parameters
    ----------
    in1, in2 : array_like of one rank
        Along axes that are not convolved the sizes are equal, or one of them is 1 and is repeated.
    mode : {"full", "valid", "same"}
        As in `convolve`. Default "full".
    axes : int or sequence of ints, optional
        The axes to convolve over. Default all.
    memory_budget : int, optional
        Bytes that may be used besides arguments and result; the signal is then worked through in stretches. Default
        None: as many as one transform takes.
    crop_repeated : bool
        Under mode "same", an axis of size 1 in `in1` that is repeated along `in2` is cut back to its middle, as SciPy
        does: of many kernels for one signal, all results but one are lost. False keeps them. Default True.

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
    output, and one NaN or infinity spoils all. Differentiable in both arrays. Follows `scipy.signal.fftconvolve`.

    Examples
    --------
    >>> fftconvolve([1.0, 2, 3], [0, 1, 0.5]).round(6)
    Array([0. , 1. , 2.5, 4. , 1.5], dtype=float...)
    """
    return _convolve_axes(in1, in2, mode, axes, memory_budget, crop_repeated, blocks=False)


def oaconvolve(
    in1: ArrayLike,
    in2: ArrayLike,
    mode: Mode = "full",
    axes: int | Sequence[int] | None = None,
    *,
    memory_budget: int | None = None,
    crop_repeated: bool = True,
) -> jax.Array:
    r"""Convolve two n-D arrays block by block, each block by the FFT.

    .. math:: y = \sum_i T_{iL}\,(x_i * h), \qquad x = \sum_i T_{iL}\, x_i

    with blocks of L samples and the shift T.

    Parameters
    ----------
    in1, in2, mode, axes, memory_budget, crop_repeated
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
    Cost O(n log k): best where one array is much longer than the other. One axis goes by the engine's overlap-add, two
    and three by overlap-save; one transform takes their place where the engine refuses them, as for a kernel above a
    quarter of the signal. A NaN spoils its block and the next. Differentiable in both arrays. Follows
    `scipy.signal.oaconvolve`.

    Examples
    --------
    >>> oaconvolve([1.0, 2, 3], [0, 1, 0.5]).round(6)
    Array([0. , 1. , 2.5, 4. , 1.5], dtype=float...)
    """
    return _convolve_axes(in1, in2, mode, axes, memory_budget, crop_repeated, blocks=True)


def _convolve_axes(
    in1: ArrayLike,
    in2: ArrayLike,
    mode: Mode,
    axes: int | Sequence[int] | None,
    budget: int | None,
    crop_repeated: bool,
    *,
    blocks: bool,
) -> jax.Array:
    in1, in2 = as_array("in1", in1), as_array("in2", in2)
    check_mode(mode)
    check_same_rank(in1, in2)
    dtype = inexact_type(in1, in2)
    if in1.ndim == 0:
        return in1 * in2
    if in1.size == 0 or in2.size == 0:
        return jnp.zeros((0,), dtype)
    chosen = _chosen_axes(in1.ndim, axes)
    convolved = _convolved_axes(in1.shape, in2.shape, chosen)
    if mode == "valid" and valid_needs_swap(in1.shape, in2.shape, convolved):
        in1, in2 = in2, in1
    if not convolved:  # no transform, no change of dtype
        dtype = result_type(in1, in2)
    x, h = cast(in1, dtype), cast(in2, dtype)
    kept = spans(mode, tuple(x.shape[a] for a in convolved), tuple(h.shape[a] for a in convolved))
    if not convolved:
        out = x * h
    elif budget is not None:
        out = convolve_within_budget(
            x, h, axes=convolved, spans=kept, blocks=blocks, budget=check.positive_int("memory_budget", budget)
        )
    else:
        out = convolve_by_fft(x, h, axes=convolved, spans=kept, blocks=blocks)
    if mode == "same" and out.shape != x.shape:
        sizes = [n if crop_repeated or a in chosen else out.shape[a] for a, n in enumerate(x.shape)]
        out = out[tuple(slice((m - n) // 2, (m - n) // 2 + n) for m, n in zip(out.shape, sizes, strict=True))]
    return out


def _chosen_axes(rank: int, axes: int | Sequence[int] | None) -> list[int]:
    """`axes` as nonnegative numbers, each once; a ValueError where that is not possible."""
    if axes is None:
        return list(range(rank))
    chosen = list(axes) if isinstance(axes, Iterable) else [axes]
    if not chosen:
        raise ValueError(f"when provided, axes cannot be empty, got {axes!r}; pass None for all axes")
    if not all(hasattr(a, "__index__") for a in chosen):
        raise ValueError(f"axes must be a scalar or iterable of integers, got {axes!r}; pass for example axes=(0, 1)")
    if not all(-rank <= a < rank for a in chosen):
        raise ValueError(
            f"axes exceeds dimensionality of input: got {axes!r} for rank {rank}; pass -{rank} … {rank - 1}"
        )
    chosen = [int(a) % rank for a in chosen]
    if len(set(chosen)) != len(chosen):
        raise ValueError(f"all axes must be unique, got {axes!r}; name each axis once")
    return chosen


def _convolved_axes(shape1: tuple[int, ...], shape2: tuple[int, ...], chosen: Sequence[int]) -> tuple[int, ...]:
    """Return the axes that need a convolution, ascending; a chosen axis where one array has size 1 is a product."""
    convolved = tuple(sorted(a for a in chosen if shape1[a] != 1 and shape2[a] != 1))
    for a, (n, k) in enumerate(zip(shape1, shape2, strict=True)):
        if a not in convolved and n != k and 1 not in (n, k):
            raise ValueError(
                f"incompatible shapes for in1 and in2: {shape1} and {shape2} differ along axis {a}, which is not "
                "convolved; make the sizes equal, make one of them 1, or add the axis to `axes`"
            )
    return convolved
