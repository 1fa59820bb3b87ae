"""A kernel function against samples at scattered positions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jconv._core import check
from jconv.continuous._quadrature import sample_function
from jconv.continuous._types import ScalarFunction

_BLOCK = 2**22
"""Values of the kernel that are held at once."""


def convolve_samples(
    positions: ArrayLike, values: ArrayLike, kernel: ScalarFunction, t: ArrayLike, *, weights: ArrayLike | None = None
) -> jax.Array:
    r"""Convolve samples at scattered positions with a kernel function.

    .. math:: v(t) = \sum_j w_j v_j k(t - x_j)

    Parameters
    ----------
    positions : array (n,)
        x_j, in any order.
    values : array (n,)
        v_j.
    kernel : callable
        A function of a scalar that returns a scalar or an array (channels).
    t : array (...)
        Points.
    weights : array (n,), optional
        w_j. Default: those of the trapezoidal rule on the sorted positions, so that the sum approximates
        ∫ v(x) kernel(t - x) dx. Pass ones for the plain sum over the samples.

    Returns
    -------
    array (..., *channels)

    Raises
    ------
    ValueError
        If `positions` and `values` have different shapes, or fewer than two samples come without `weights`.

    Notes
    -----
    Cost: t.size · n evaluations of the kernel. Differentiable in everything.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(convolve_samples([0.0, 1.0, 3.0], [1.0, 1.0, 1.0], jnp.ones_like, 0.0))
    3.0
    """
    x, v = jnp.asarray(positions), jnp.asarray(values)
    check.rank("positions", x, 1)
    if x.shape != v.shape:
        raise ValueError(
            f"`values` must have the shape of `positions`, got {v.shape} and {x.shape}; pass one value each"
        )
    if weights is None:
        if x.shape[0] < 2:
            raise ValueError("`weights` must be given for fewer than two samples; pass ones for the plain sum")
        weights = _trapezoid_weights(x)
    points = jnp.asarray(t)
    flat = points.astype(jnp.result_type(points, x, 0.0)).reshape(-1)
    weighted = jnp.asarray(weights) * v

    def at(s: jax.Array) -> jax.Array:
        kernel_values = sample_function(kernel, s - x)
        terms = weighted.astype(jnp.result_type(weighted, kernel_values))
        return jnp.tensordot(terms, kernel_values, axes=(0, 0), precision="highest")

    block = max(1, _BLOCK // max(1, x.shape[0]))
    sums = jax.vmap(at)(flat) if flat.shape[0] <= block else jax.lax.map(at, flat, batch_size=block)
    return sums.reshape(points.shape + sums.shape[1:])


@jax.jit
def _trapezoid_weights(x: jax.Array) -> jax.Array:
    order = jnp.argsort(x)
    gaps = jnp.diff(x[order])
    zero = jnp.zeros_like(gaps[:1])
    halves = (jnp.concatenate([zero, gaps]) + jnp.concatenate([gaps, zero])) / 2
    return jnp.zeros_like(halves).at[order].set(halves)
