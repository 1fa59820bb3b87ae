"""An array as a sum of outer products of vectors.

The first axis is split from the others by a singular value decomposition, and so on down the axes (a tensor train:
Oseledets, *SIAM J. Sci. Comput.* 33, 2011). Of two axes no shorter sum is as near (Eckart & Young, *Psychometrika* 1,
1936).
"""

from __future__ import annotations

from typing import Any

import numpy as np

Term = tuple[np.ndarray, ...]


def terms(array: np.ndarray, threshold: float) -> list[Term]:
    """Return an array's terms in double precision, the largest first, without singular values up to `threshold`."""
    return sorted(_split(array, threshold), key=lambda term: -np.prod([np.linalg.norm(f) for f in term]))


def _split(array: np.ndarray, threshold: float) -> list[Term]:
    if array.ndim == 1:
        return [(array,)]
    u, s, v = np.linalg.svd(array.reshape(array.shape[0], -1), full_matrices=False)
    found = []
    for r in range(max(1, int((s > threshold).sum()))):
        for rest in _split((s[r] * v[r]).reshape(array.shape[1:]), threshold):
            # Share the weight, so that all the factors are of one size.
            norms = np.array([1.0, *(np.linalg.norm(f) for f in rest)])
            mean = np.prod(norms) ** (1 / len(norms))
            scales = mean / np.where(norms == 0, 1, norms)
            found.append(tuple(f * c for f, c in zip((u[:, r], *rest), scales)))
    return found


def outer(term: tuple[Any, ...]) -> Any:
    """Return the outer product of a term's vectors, of NumPy or JAX."""
    result = term[0]
    for f in term[1:]:
        result = result[..., None] * f
    return result


def factor_exactly(array: np.ndarray, error: float) -> Term | None:
    """One vector for each axis whose outer product equals the array entry by entry, or None.

    Each entry may be off by `error` relative to itself, so that zeros stay zeros and small entries keep their digits.
    The vectors are lines of the array through its largest entry; a decomposition would spread rounding over all
    entries.
    """
    pivot = np.unravel_index(np.argmax(np.abs(array)), array.shape)
    largest = array[pivot]
    if largest == 0:
        return None
    lines = [array[(*pivot[:axis], slice(None), *pivot[axis + 1 :])] for axis in range(array.ndim)]
    factors = (lines[0], *(line / largest for line in lines[1:]))
    return factors if (np.abs(outer(factors) - array) <= error * np.abs(array)).all() else None


def within(array: np.ndarray, error: float) -> list[Term]:
    """Return the fewest terms, the largest first, whose sum lies within `error` of the array, relative to its norm."""
    norm = float(np.linalg.norm(array))
    kept, rest = [], array
    for term in terms(array, float(np.finfo(np.float64).eps) * norm):
        if np.linalg.norm(rest) <= error * norm:
            break
        kept.append(term)
        rest = rest - outer(term)
    return kept
