"""A kernel as a sum of separable terms."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import dtypes
from jax.typing import ArrayLike

from jconv._core import check, html, separable
from jconv._core.concrete import is_traced


class Factors(NamedTuple):
    """The separable terms of a kernel: up to `error` it is the sum of the outer products of their 1-D factors.

    Attributes
    ----------
    terms : tuple of tuples of arrays (n,)
        For each term one factor per axis.
    error : float
        The sum of the magnitudes of what is left, which bounds the error of a filtered sample for inputs of magnitude
        one.
    """

    terms: tuple[tuple[jax.Array, ...], ...]
    error: float

    def dense(self) -> jax.Array:
        """Return the kernel that the terms add up to."""
        return sum((separable.outer(term) for term in self.terms), start=jnp.zeros(()))

    def _repr_html_(self) -> str:
        if is_traced([factor for term in self.terms for factor in term]):
            return html.table([(repr(self),)])
        rows = "".join(f"<tr>{''.join(f'<td>{html.cells(f)}</td>' for f in term)}</tr>" for term in self.terms)
        words = f"{len(self.terms)} separable terms, a row each with a factor for each axis; error {self.error:.1e}"
        return f"{html.table([], caption=words)}<table><tbody>{rows}</tbody></table>"


def factor(kernel: ArrayLike, *, rtol: float | None = None, terms: int | None = None) -> Factors:
    r"""Write a kernel as a sum of outer products, the most important first.

    .. math:: K[i, j, …] \approx \sum_r a_r[i]\, b_r[j] \cdots

    Parameters
    ----------
    kernel : array (...)
        Known, of rank at least one.
    rtol : float, optional
        Drop terms below this fraction of the kernel's largest singular value. Default: its dtype's rounding times its
        length.
    terms : int, optional
        The largest number of terms to keep. Default all.

    Returns
    -------
    Factors

    Raises
    ------
    TypeError
        If `kernel` is traced.
    ValueError
        If `kernel` is empty or a scalar, or `terms` is below 1.

    Notes
    -----
    By the singular value decomposition of the first axis against the rest, and so on down the axes; for two axes
    that is the best approximation of its rank (Eckart and Young). A term costs one pass per axis.

    Examples
    --------
    >>> factor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]).error < 1e-5
    True
    """
    if is_traced(kernel):
        raise TypeError("`kernel` must be known when the program is traced, since its rank decides the shapes")
    values = np.asarray(kernel)
    check.not_empty("kernel", values)
    if values.ndim == 0:
        raise ValueError("`kernel` must have rank 1 or more, got shape (); pass an array")
    dtype = values.dtype if np.issubdtype(values.dtype, np.inexact) else np.dtype(np.float64)
    wide = values.astype(np.complex128 if np.iscomplexobj(values) else np.float64)
    tolerance = np.finfo(dtype).eps * max(wide.shape) if rtol is None else rtol
    largest = np.linalg.norm(wide.reshape(wide.shape[0], -1), 2)
    kept = separable.terms(wide, float(tolerance * largest))
    kept = kept[: check.positive_int("terms", terms)] if terms is not None else kept
    target = dtypes.canonicalize_dtype(dtype)
    rest = wide - sum((separable.outer(term) for term in kept), start=np.zeros(wide.shape))
    return Factors(tuple(tuple(jnp.asarray(f, target) for f in term) for term in kept), float(np.abs(rest).sum()))
