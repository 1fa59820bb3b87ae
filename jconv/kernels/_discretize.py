"""From a continuous function to a kernel."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.kernels import _array

MODES = ("center", "interpolate", "oversample", "integrate")


def discretize(
    f: Callable, shape: int | Sequence[int], *, mode: str = "center", factor: int = 10, dtype=None
) -> jax.Array:
    r"""Samples of `f(x_0, x_1, …)` on the unit grid centred at the origin.

    Parameters
    ----------
    f: function of one coordinate array per axis, vectorized; the coordinate of sample i is i - (n - 1) / 2.
    shape: one integer for one axis, or one per axis.
    mode: ``center`` takes the value at the sample; ``interpolate`` the mean of the values at its cell's corners (the
        cell's integral of the multilinear interpolant); ``oversample`` the mean of `factor` midpoints per axis;
        ``integrate`` the integral over the cell by Gauss–Legendre quadrature with `factor` nodes per axis, exact for
        polynomials of degree 2 factor - 1.
    factor: see `mode`.

    Notes
    -----
    Modes and their names are those of astropy's `discretize_model`. A smooth f is integrated to rounding; one with
    jumps is not. If f is made of `jax.numpy`, the result is differentiable in what f closes over.

    >>> discretize(lambda x: x**2, 3).tolist()
    [1.0, 0.0, 1.0]
    >>> discretize(lambda x: x**2, 3, mode="integrate").round(4).tolist()
    [1.083..., 0.083..., 1.083...]
    """
    check.choice("mode", mode, MODES)
    dtype = _array.floating(dtype)
    shape = _array.shape(shape, 1)
    factor = check.positive_int("factor", factor)
    if mode == "center":
        nodes, weights = np.zeros(1), np.ones(1)
    elif mode == "interpolate":
        nodes, weights = np.array([-0.5, 0.5]), np.array([0.5, 0.5])
    elif mode == "oversample":
        nodes, weights = (np.arange(factor) + 0.5) / factor - 0.5, np.full(factor, 1 / factor)
    else:
        nodes, weights = (a / 2 for a in np.polynomial.legendre.leggauss(factor))
    grid = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    total = 0.0
    for index in itertools.product(range(len(nodes)), repeat=len(shape)):
        weight = np.prod(weights[list(index)])
        total = total + weight * f(*(x + nodes[i] for x, i in zip(grid, index)))
    return jnp.broadcast_to(jnp.asarray(total, dtype), shape)
