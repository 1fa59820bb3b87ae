"""In which numbers a weighted sum is taken, so that its rounding is SciPy's.

SciPy sums in double precision. Where the result is floating, its own precision serves. Where the result is whole
numbers, the sum must be right to the unit before it is cut. It is taken in single precision where that is exact: where
weights and samples are whole and Σ|w|·max|x| ≤ 2²⁴. Else it is taken in double precision, also while JAX's 64-bit mode
is off. Then 64-bit types are switched on around the sum alone. Its operations must be those of `jax.lax`, which keep
their types when they are lowered later, and what becomes whole numbers has no gradient to bring back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jconv._core.concrete import host, is_traced
from jconv.ndimage._frame.output import has_doubles, working_dtype

T = TypeVar("T")


class Arithmetic(NamedTuple):
    """How a sum is taken, as a static argument of jitted functions."""

    dtype: np.dtype
    """Of its terms."""
    whole: bool
    """Whether its result becomes whole numbers."""
    rounded: bool = True
    """Whether it may be off by rounding."""
    in_parts: bool = False
    """Whether integers would overflow: quotients and remainders are then summed apart."""
    local: bool = False
    """Whether 64-bit types are on around it alone. The engine lowers later, and cannot serve there."""

    def context(self) -> contextlib.AbstractContextManager:
        """Return the mode in which the sum is to be traced."""
        return jax.enable_x64(True) if self.local else contextlib.nullcontext()


def is_whole(dtype: np.dtype) -> bool:
    """Whether numbers of this dtype are integers or booleans."""
    return not jnp.issubdtype(dtype, jnp.inexact)


def largest(dtype: np.dtype) -> int:
    """Return the largest magnitude of a whole-number dtype."""
    return 1 if dtype.kind == "b" else max(-int(jnp.iinfo(dtype).min), int(jnp.iinfo(dtype).max))


def of_sums(x_dtype: np.dtype, dtype: np.dtype, weights: Sequence[ArrayLike], cval: ArrayLike) -> Arithmetic:
    """Choose the arithmetic of sums of `x_dtype`, one after another with each of `weights`, each stored in `dtype`."""
    if not is_whole(dtype):
        return Arithmetic(working_dtype(x_dtype, dtype), whole=False)
    bound = _bound(x_dtype, dtype, weights, cval)
    if bound is not None and bound <= 2**24:
        return Arithmetic(np.dtype(np.float32), whole=True, rounded=False)
    exact = bound is not None and bound <= 2**53
    return Arithmetic(np.dtype(np.float64), whole=True, rounded=not exact, local=not has_doubles())


def of_boxes(x_dtype: np.dtype, dtype: np.dtype, sizes: Sequence[int], cval: ArrayLike) -> Arithmetic:
    """Return the arithmetic of moving sums of `sizes` samples, one after the other, each divided and stored in `dtype`.

    Integers where all samples are: the division then cuts the true mean.
    """
    bound = _bound(x_dtype, dtype, [np.ones(size) for size in sizes], cval) if is_whole(dtype) else None
    if bound is not None and bound < 2**31:
        return Arithmetic(np.dtype(np.int32), whole=True, rounded=False)
    common = np.promote_types(x_dtype, dtype)
    if bound is None or not is_whole(common) or not _holds(common, cval):
        return of_sums(x_dtype, dtype, [np.full(2, 0.5)], cval)
    return Arithmetic(np.dtype(common), whole=True, rounded=False, in_parts=True)


def _bound(x_dtype: np.dtype, dtype: np.dtype, weights: Sequence[ArrayLike], cval: ArrayLike) -> int | None:
    """Return the largest Σ|w|·|x| of whole numbers; None where some of them are not, or are not known to be."""
    outside = _whole_values(cval)
    if not is_whole(x_dtype) or outside is None:
        return None
    bound = 0
    for given in weights:
        values = _whole_values(given)
        if values is None:
            return None
        sample = max(largest(x_dtype), int(np.abs(outside).max()))
        bound = max(bound, int(np.abs(values).sum()) * sample)
        x_dtype = dtype
    return bound


def _holds(dtype: np.dtype, value: ArrayLike) -> bool:
    """Whether a dtype of whole numbers holds a value that is known."""
    limits = jnp.iinfo(dtype)
    return limits.min <= int(np.asarray(value)) <= limits.max


def _whole_values(array: ArrayLike) -> np.ndarray | None:
    """Values that are known and whole, else None."""
    values = host(array)
    if values is None or np.iscomplexobj(values):
        return None
    values = np.asarray(values, np.float64)
    whole = np.isfinite(values).all() and not (values % 1).any() and np.abs(values).max(initial=0) < 2**62
    return values if whole else None


def known_in_double(build: Callable[[], T], *parameters: ArrayLike | None) -> T:
    """Call `build` with its `parameters`: now, on the host in double precision, unless one of them is traced."""
    if any(map(is_traced, parameters)):
        return build()
    with jax.ensure_compile_time_eval(), jax.enable_x64(True):
        return jax.tree.map(np.asarray, build())
