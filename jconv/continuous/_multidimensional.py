"""Convolution integrals in two and three dimensions: tensor and sparse rules, quasi-Monte Carlo, Hankel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.continuous._nodes import clenshaw_curtis, gauss_legendre, legendre_points
from jconv.continuous._quadrature import Convolved

_METHODS = ("tensor", "sparse", "qmc")
_BLOCK = 2**20


def convolve_nd(
    f: Callable[..., Any],
    g: Callable[..., Any],
    t: Any,
    *,
    support_f: Sequence[Any],
    support_g: Sequence[Any],
    method: str = "tensor",
    n: int = 32,
    level: int = 6,
    points: int = 4096,
    key: jax.Array | None = None,
) -> Convolved:
    """Convolution of two functions of d real variables, at given points, on the overlap of two boxes.

        value(t) = ∫ f(x) g(t - x) dx,   x in R^d

    Parameters
    ----------
    f, g : functions of a (d,) array, returning a scalar, real or complex; smooth inside their supports.
    t : points, (..., d).
    support_f, support_g : d pairs (lower, upper), bounded; ends may be traced.
    method : "tensor", Gauss–Legendre with `n` nodes per axis: n^d evaluations, spectral. "sparse", Smolyak's
        combination of Clenshaw–Curtis rules to `level`: fewer evaluations for smooth functions as d grows. "qmc", a
        rank-1 Kronecker sequence of `points` points in 8 random shifts, periodised: no smoothness needed; wants `key`.

    Returns
    -------
    `(value, error)`, t.shape[:-1] each. The error of "tensor" comes from the last Legendre coefficients along each
    axis, that of "sparse" from the level below, that of "qmc" is 3 standard errors over the shifts.

    Raises
    ------
    ValueError : an unknown method, points whose last axis is not the number of pairs, "qmc" without `key`.

    Notes
    -----
    Differentiable in everything, both modes. Where the boxes do not overlap the value is 0.

    S. A. Smolyak, Dokl. Akad. Nauk SSSR 148 (1963); I. H. Sloan and S. Joe, *Lattice Methods* (1994).

    >>> import jax.numpy as jnp
    >>> box = ((0, 1), (0, 1))
    >>> round(float(convolve_nd(lambda x: 1.0, lambda x: 1.0, [0.5, 1.0], support_f=box, support_g=box, n=4).value), 6)
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
    ends = lambda s, i: jnp.stack([jnp.asarray(pair[i], dtype) for pair in s])
    (af, bf), (ag, bg) = ((ends(s, 0), ends(s, 1)) for s in (support_f, support_g))
    if method == "tensor":
        u, weights = _tensor(check.positive_int("n", n), d)
    elif method == "sparse":
        u, weights = _sparse(check.positive_int("level", level), d)
    else:
        assert key is not None
        u, weights = _shifted(key, check.positive_int("points", points), d)

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
    """The outer product of vectors, as one vector."""
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


def _shifted(key: jax.Array, points: int, d: int, shifts: int = 8) -> tuple[jax.Array, jax.Array]:
    """A Kronecker sequence by powers of the d-dimensional golden ratio, shifted at random, periodised by the tent."""
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (d + 1))
    base = (np.arange(points)[:, None] * ratio ** -np.arange(1, d + 1)) % 1
    u = (base[None] + jax.random.uniform(key, (shifts, 1, d))) % 1
    tent = 1 - jnp.abs(2 * u - 1)
    weights = np.kron(np.eye(shifts), np.full(points, 1 / points))
    return tent.reshape(-1, d), jnp.asarray(weights)


def convolve_radial(
    f: Callable[..., Any],
    g: Callable[..., Any],
    r: Any,
    *,
    radius: float,
    frequency: float,
    dimension: int = 2,
    n: int = 128,
) -> jax.Array:
    """Convolution of two radially symmetric functions in 2 or 3 dimensions, by Hankel transforms.

        F(k) = ∫ f(|x|) exp(-i k·x) dx,   (f * g)(r) = ∫ F(k) G(k) exp(i k·x) dk / (2π)^d

    Parameters
    ----------
    f, g : functions of the distance from the origin, smooth there and negligible beyond `radius`.
    r : distances, any shape.
    radius, frequency : where f and g, and where the product of their transforms, are negligible.
    dimension : 2 (kernel J0) or 3 (kernel sin(kr)/(kr)).
    n : Gauss nodes in distance and in frequency; at least radius · frequency / 2 or so.

    Returns
    -------
    Values, of the shape of `r`. Cost: n² + n · r.size kernel values. Differentiable in everything.

    Raises
    ------
    ValueError : another dimension.

    >>> import jax.numpy as jnp
    >>> blob = lambda r: jnp.exp(-r * r / 2) / (2 * jnp.pi)
    >>> round(float(convolve_radial(blob, blob, 0.0, radius=9.0, frequency=9.0)), 6)
    0.079577
    """
    if dimension not in (2, 3):
        raise ValueError(f"`dimension` must be 2 or 3, got {dimension!r}; in one dimension use convolve")
    u, w = legendre_points(check.positive_int("n", n))
    r = jnp.asarray(r)
    dtype = jnp.result_type(r, 0.0)
    u, w = jnp.asarray((1 + u) / 2, dtype), jnp.asarray(w / 2, dtype)
    s, k = radius * u, frequency * u
    wave = _bessel_j0 if dimension == 2 else _sinc
    area = (lambda v: 2 * math.pi * v) if dimension == 2 else (lambda v: 4 * math.pi * v * v)
    forward = wave(k[:, None] * s) * (radius * w * area(s))
    product = (forward @ jax.vmap(f)(s)) * (forward @ jax.vmap(g)(s))
    back = wave(r.astype(dtype)[..., None] * k)
    return back @ (product * (frequency * w * area(k))) / (2 * math.pi) ** dimension


def _sinc(x: jax.Array) -> jax.Array:
    return jnp.sinc(x / math.pi)


def _bessel_j0(x: jax.Array) -> jax.Array:
    """J0 by the trapezoidal rule for ∫ cos(x sin θ) dθ / π: exact to rounding for x below about 400."""
    theta = math.pi * (np.arange(128) + 0.5) / 256
    return jnp.mean(jnp.cos(x[..., None] * jnp.asarray(np.sin(theta), x.dtype)), axis=-1)
