"""Convolution integrals in several dimensions: tensor and sparse rules, quasi-Monte Carlo."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jconv._core import check
from jconv.continuous._nodes import clenshaw_curtis, gauss_legendre
from jconv.continuous._quadrature import Convolved
from jconv.continuous._types import Real

_METHODS = ("tensor", "sparse", "qmc")
_BLOCK = 2**20
"""Values of the integrand that are held at once."""


def convolve_nd(
    f: Callable[[jax.Array], ArrayLike],
    g: Callable[[jax.Array], ArrayLike],
    t: ArrayLike,
    *,
    support_f: Sequence[Sequence[Real]],
    support_g: Sequence[Sequence[Real]],
    method: str = "tensor",
    n: int = 32,
    level: int = 6,
    points: int = 4096,
    key: jax.Array | None = None,
) -> Convolved:
    r"""Convolve two functions of d real variables at given points, on the overlap of two boxes.

    .. math:: (f \otimes g)(t) = \int_{R^d} f(x)\, g(t - x)\, dx

    Parameters
    ----------
    f, g : callable
        Functions of a (d,) array that return a scalar, real or complex; smooth inside their supports.
    t : array (..., d)
        Points.
    support_f, support_g : d pairs of scalars
        (lower, upper) for each axis, bounded; ends may be traced.
    method : {"tensor", "sparse", "qmc"}
        "tensor" (default): Gauss–Legendre with `n` nodes per axis, n^d evaluations, spectral. "sparse": Smolyak's
        combination of Clenshaw–Curtis rules, fewer evaluations for smooth functions as d grows. "qmc": a rank-1
        Kronecker sequence in 8 random shifts, periodised; needs no smoothness.
    n : int
        Nodes per axis of "tensor". Default 32.
    level : int
        Level of "sparse". Default 6.
    points : int
        Points of "qmc" per shift. Default 4096.
    key : PRNG key, optional
        For the shifts of "qmc", which needs it.

    Returns
    -------
    Convolved
        (value, error), each (...). The error of "tensor" comes from the last Legendre coefficients along each axis,
        that of "sparse" from the level below, that of "qmc" is 3 standard errors over the shifts.

    Raises
    ------
    ValueError
        If `method` is unknown, the last axis of `t` is not the number of pairs, or "qmc" comes without `key`.

    Notes
    -----
    Differentiable in everything, both modes. Where the boxes do not overlap the value is 0.

    S. A. Smolyak, Dokl. Akad. Nauk SSSR 148 (1963); I. H. Sloan and S. Joe, *Lattice Methods* (1994).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> box = ((0, 1), (0, 1))
    >>> one = lambda x: 1.0
    >>> round(float(convolve_nd(one, one, [0.5, 1.0], support_f=box, support_g=box, n=4).value), 6)
    0.5
    """
    check.choice("method", method, _METHODS)
    t = jnp.asarray(t)
    d = len(support_f)
    if len(support_g) != d or t.ndim < 1 or t.shape[-1] != d:
        raise ValueError(
            f"`t` must have shape (..., d) for d pairs in each support, got {t.shape} with {d} and "
            f"{len(support_g)} pairs; one pair per axis"
        )
    if method == "qmc" and key is None:
        raise ValueError("`key` must be given with method='qmc'; pass jax.random.key(0)")
    dtype = jnp.result_type(t, 0.0)
    ends_of = lambda s, i: jnp.stack([jnp.asarray(pair[i], dtype) for pair in s])
    (af, bf), (ag, bg) = ((ends_of(s, 0), ends_of(s, 1)) for s in (support_f, support_g))
    if method == "tensor":
        u, weights = _tensor(check.positive_int("n", n), d)
    elif method == "sparse":
        u, weights = _sparse(check.positive_int("level", level), d)
    else:
        assert key is not None
        u, weights = _draw_sequence(key, check.positive_int("points", points), d)

    def at(s: jax.Array) -> tuple[jax.Array, jax.Array]:
        lower, upper = jnp.maximum(af, s - bg), jnp.minimum(bf, s - ag)
        empty = jnp.any(upper <= lower)
        # An empty overlap looks at the middle of both boxes instead, with weight 0.
        length = jnp.where(empty, 0, upper - lower)
        x = jnp.where(empty, (af + bf) / 2, lower + length * jnp.asarray(u, dtype))
        y = jnp.where(empty, (ag + bg) / 2, s - x)
        product = jax.vmap(lambda p, q: jnp.asarray(f(p)) * jnp.asarray(g(q)))(x, y)
        sums = jnp.tensordot(jnp.asarray(weights, product.dtype), product, axes=(1, 0), precision="highest")
        volume = jnp.prod(length)
        size = jnp.sum(jnp.abs(weights[0]) * jnp.abs(product)) * volume
        rounding = (8 + 4 * math.sqrt(u.shape[0])) * jnp.finfo(dtype).eps * size
        if method == "qmc":
            value = jnp.mean(sums) * volume
            spread = jnp.std(sums, ddof=1) / math.sqrt(sums.shape[0]) * volume
            return value, jax.lax.stop_gradient(3 * jnp.abs(spread) + rounding)
        missed = jnp.sum(jnp.abs(sums[1:])) * volume
        return sums[0] * volume, jax.lax.stop_gradient(missed + rounding)

    flat = t.astype(dtype).reshape(-1, d)
    block = max(1, _BLOCK // u.shape[0])
    value, error = jax.vmap(at)(flat) if flat.shape[0] <= block else jax.lax.map(at, flat, batch_size=block)
    return Convolved(value.reshape(t.shape[:-1]), error.reshape(t.shape[:-1]))


@lru_cache
def _tensor(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (n^d, d) on the unit cube, and weights: the rule, then the null rules of one axis after the other."""
    table = gauss_legendre(n)
    u = np.stack(np.meshgrid(*[table.left] * d, indexing="ij"), -1).reshape(-1, d)
    rows = [_outer([table.weights] * d)]
    for axis in range(d):
        for null in table.null[-2:]:
            rows.append(_outer([null if k == axis else table.weights for k in range(d)]))
    return u, np.stack(rows)


def _outer(factors: list[np.ndarray]) -> np.ndarray:
    """Return the outer product of vectors, as one vector."""
    total = np.ones(1)
    for factor in factors:
        total = np.multiply.outer(total, factor).reshape(-1)
    return total


@lru_cache
def _sparse(level: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Smolyak's sum of tensor products of differences of nested Clenshaw–Curtis rules; row 1: minus the level below."""
    totals = [_smolyak(level, d), _smolyak(level - 1, d) if level > 1 else {}]
    places = sorted(totals[0])
    value = np.array([totals[0][p] for p in places])
    below = np.array([totals[1].get(p, 0.0) for p in places])
    return (1 - np.cos(np.pi * np.array(places))) / 2, np.stack([value, value - below])


def _smolyak(level: int, d: int) -> dict[tuple[float, ...], float]:
    """Weights by place; a place is an angle in units of pi per axis, exact in binary, so that nested nodes coincide."""

    def rule(k: int) -> dict[float, float]:
        if k == 0:
            return {0.5: 1.0}
        return {j / 2**k: w for j, w in enumerate(clenshaw_curtis(2**k + 1).weights)}

    def difference(k: int) -> dict[float, float]:
        fine, coarse = rule(k), rule(k - 1) if k else {}
        return {p: w - coarse.get(p, 0.0) for p, w in fine.items()}

    differences = [difference(k) for k in range(level + 1)]
    total: dict[tuple[float, ...], float] = {}
    for levels in itertools.product(range(level + 1), repeat=d):
        if sum(levels) > level:
            continue
        for parts in itertools.product(*(differences[k].items() for k in levels)):
            place = tuple(p for p, _ in parts)
            total[place] = total.get(place, 0.0) + math.prod(w for _, w in parts)
    return total


def _draw_sequence(key: jax.Array, points: int, d: int, shifts: int = 8) -> tuple[jax.Array, jax.Array]:
    """Make a Kronecker sequence of powers of the d-dimensional golden ratio, shifted at random, folded by the tent."""
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (d + 1))
    base = (np.arange(points)[:, None] * ratio ** -np.arange(1, d + 1)) % 1
    u = (base[None] + jax.random.uniform(key, (shifts, 1, d))) % 1
    tent = 1 - jnp.abs(2 * u - 1)
    weights = np.kron(np.eye(shifts), np.full(points, 1 / points))
    return tent.reshape(-1, d), jnp.asarray(weights)
