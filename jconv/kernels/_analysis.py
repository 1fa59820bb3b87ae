"""What a kernel is: `factor` it into separable terms, `describe` it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import dtypes

from jconv._core import check, separable
from jconv._core.concrete import is_traced


class Factors(NamedTuple):
    """Separable terms: the kernel is, up to `error`, the sum over terms of the outer product of their 1-D factors.

    `error` is the sum of the magnitudes of what is left, which bounds the error of a filtered sample for inputs of
    magnitude one.
    """

    terms: tuple[tuple[jax.Array, ...], ...]
    error: float

    def dense(self) -> jax.Array:
        """The kernel that the terms add up to."""
        return sum((separable.outer(term) for term in self.terms), start=jnp.zeros(()))


def factor(kernel, *, rtol: float | None = None, terms: int | None = None) -> Factors:
    r"""Write a kernel of rank two or more as a sum of outer products, the most important first.

    .. math:: K[i, j, …] \approx \sum_r a_r[i]\, b_r[j] \cdots

    Parameters
    ----------
    kernel: concrete array of rank at least one.
    rtol: drop terms below this fraction of the kernel's largest singular value (default: its dtype's rounding times
        its length).
    terms: keep at most so many.

    Notes
    -----
    By the singular value decomposition of the first axis against the rest, and so on down the axes; for two axes
    that is the best approximation of its rank (Eckart and Young). A term costs one pass per axis.

    >>> factor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]).error < 1e-5
    True
    """
    if is_traced(kernel):
        raise TypeError("`kernel` must be known when the program is traced, since its rank decides the shapes")
    given = np.asarray(kernel)
    check.not_empty("kernel", given)
    if given.ndim == 0:
        raise ValueError("`kernel` must have rank 1 or more, got shape (); pass an array")
    dtype: Any = given.dtype if np.issubdtype(given.dtype, np.inexact) else np.float64
    wide = given.astype(np.complex128 if np.iscomplexobj(given) else np.float64)
    tolerance = np.finfo(dtype).eps * max(wide.shape) if rtol is None else rtol
    largest = np.linalg.norm(wide.reshape(wide.shape[0], -1), 2)
    found = separable.terms(wide, float(tolerance * largest))
    found = found[: check.positive_int("terms", terms)] if terms is not None else found
    dtype = dtypes.canonicalize_dtype(dtype)
    rest = wide - sum((separable.outer(term) for term in found), start=np.zeros(wide.shape))
    return Factors(tuple(tuple(jnp.asarray(f, dtype) for f in term) for term in found), float(np.abs(rest).sum()))


class Description(NamedTuple):
    """What `describe` found; prints as a short table."""

    shape: tuple[int, ...]
    dtype: str
    sum: complex | float
    absolute_sum: float
    energy: float
    centroid: tuple[float, ...]
    spread: tuple[float, ...]
    rank: int
    separable: bool
    peak_gain: float
    peak_frequency: tuple[float, ...]
    nyquist_gain: float

    def __str__(self) -> str:
        return "\n".join(f"{name.replace('_', ' '):15} {value}" for name, value in self._asdict().items())


def describe(kernel) -> Description:
    """The sums, moments, separable rank and frequency response of a concrete kernel.

    `absolute_sum` bounds the output for inputs of magnitude one; `energy` is the gain of white noise's variance;
    `centroid` and `spread` are the mean and standard deviation of |kernel| along each axis, in samples from the
    centre; `peak_gain` is the largest |H| and `peak_frequency` its place in cycles per sample; `nyquist_gain` is |H|
    at the highest frequency of every axis.

    >>> print(describe([[0.25, 0.5, 0.25]]).peak_gain)
    1.0
    """
    factors = factor(kernel)
    values = np.asarray(kernel)
    weights = np.abs(values).astype(float)
    mass = weights.sum() or 1.0
    grids = np.meshgrid(*(np.arange(n) - n // 2 for n in values.shape), indexing="ij")
    centroid = [float((weights * g).sum() / mass) for g in grids]
    spread = [float(np.sqrt((weights * (g - c) ** 2).sum() / mass)) for g, c in zip(grids, centroid)]
    gains = np.abs(np.asarray(frequency_response(values)))
    peak = np.unravel_index(gains.argmax(), gains.shape)
    return Description(
        shape=values.shape,
        dtype=str(values.dtype),
        sum=values.sum().item(),
        absolute_sum=float(weights.sum()),
        energy=float((weights**2).sum()),
        centroid=tuple(centroid),
        spread=tuple(spread),
        rank=len(factors.terms),
        separable=len(factors.terms) == 1,
        peak_gain=float(gains[peak]),
        peak_frequency=tuple(float(np.fft.fftfreq(n)[i]) for i, n in zip(peak, gains.shape)),
        nyquist_gain=float(gains[tuple(n // 2 for n in gains.shape)]),
    )


def frequency_response(kernel, shape: int | tuple[int, ...] | None = None) -> jax.Array:
    r"""The response of *correlating* with the kernel, its centre at the origin, at the frequencies of `fftfreq`.

    .. math:: H(\nu) = \sum_k K[k]\, e^{2 \pi i \nu (k - \lfloor n/2 \rfloor)}

    `shape` is the number of frequencies per axis (default: at least 64, even, and the kernel's size).
    """
    kernel = jnp.asarray(kernel)
    if shape is None:
        shape = tuple(max(64, 2 * n) for n in kernel.shape)
    shape = (shape,) * kernel.ndim if isinstance(shape, int) else tuple(shape)
    if any(n < k for n, k in zip(shape, kernel.shape)):
        raise ValueError(f"`shape` must not be smaller than the kernel's, got {shape} for {kernel.shape}")
    padded = jnp.pad(kernel, [(0, n - k) for n, k in zip(shape, kernel.shape)])
    centred = jnp.roll(padded, [-(k // 2) for k in kernel.shape], range(kernel.ndim))
    return jnp.fft.ifftn(centred) * centred.size
