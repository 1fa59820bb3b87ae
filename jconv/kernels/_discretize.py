"""From a continuous function to a kernel."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jconv._core import check
from jconv.kernels import _array

MODES = ("center", "interpolate", "oversample", "integrate")

_AT_ONCE = 1 << 20
"""Values of f in one call, 8 MiB an array; a guess."""


def discretize(
    f: Callable[..., jax.Array | np.ndarray],
    shape: int | Sequence[int],
    *,
    mode: str = "center",
    factor: int = 10,
    dtype: DTypeLike | None = None,
) -> jax.Array:
    r"""Sample a function f(x_0, x_1, …) on the unit grid centered at the origin.

    Parameters
    ----------
    f : callable
        A function of one coordinate array per axis, vectorized; the coordinate of sample i is i - (n - 1) / 2.
    shape : int or sequence of int
        One integer for one axis, or one per axis.
    mode : {"center", "interpolate", "oversample", "integrate"}
        "center" (default): the value at the sample. "interpolate": the mean of the values at the corners of its cell
        (the cell's integral of the multilinear interpolant). "oversample": the mean of `factor` midpoints per axis.
        "integrate": the integral over the cell by Gauss–Legendre quadrature with `factor` nodes per axis, exact for
        polynomials of degree 2 factor - 1.
    factor : int
        Values per axis and cell for "oversample" and "integrate", at most 1000. Default 10.
    dtype : dtype, optional
        Floating dtype of the result. Default: JAX's default float.

    Returns
    -------
    array of the given shape

    Raises
    ------
    TypeError
        If `dtype` is not floating.
    ValueError
        If `mode` is unknown, a size or `factor` is below 1, or the kernel would not fit into memory.

    Notes
    -----
    Modes and their names are those of `jconv.continuous.sample` and of astropy's `discretize_model`. A smooth f is
    integrated to rounding; one with jumps is not. If f is made of `jax.numpy`, the result is differentiable in what f
    closes over. Cost: factor^ndim values of f for each sample; f is called
    with arrays of one more axis than the grid has, the places in a cell.

    Examples
    --------
    >>> discretize(lambda x: x**2, 3).tolist()
    [1.0, 0.0, 1.0]
    >>> discretize(lambda x: x**2, 3, mode="integrate").round(4).tolist()
    [1.083..., 0.083..., 1.083...]
    """
    check.choice("mode", mode, MODES)
    dtype = _array.check_floating(dtype)
    shape = _array.check_shape(shape, 1)
    if not check.positive_int("factor", factor) <= 1000:
        raise ValueError(f"`factor` must be at most 1000, got {factor}; use mode='integrate' with fewer nodes")
    nodes, weights = _cell_rule(mode, factor)
    ndim = len(shape)
    beside = (-1, *[1] * ndim)  # an axis in front of the grid's
    places = [place.reshape(beside) for place in np.meshgrid(*[nodes] * ndim, indexing="ij")]
    weights = functools.reduce(np.multiply.outer, [weights] * ndim).reshape(beside)
    grid = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    # One call takes many places, since each call of a traced f is a copy of f in the program that XLA compiles.
    at_once = max(1, _AT_ONCE // math.prod(shape))
    total = 0.0
    for first in range(0, len(weights), at_once):
        chunk = slice(first, first + at_once)
        values = f(*(x + place[chunk] for x, place in zip(grid, places)))
        total = total + (weights[chunk] * values).sum(0)
    return jnp.broadcast_to(jnp.asarray(total, dtype), shape)


def _cell_rule(mode: str, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Places in a cell (-½, ½) along one axis, and their weights."""
    if mode == "center":
        return np.zeros(1), np.ones(1)
    if mode == "interpolate":
        return np.array([-0.5, 0.5]), np.array([0.5, 0.5])
    if mode == "oversample":
        return (np.arange(factor) + 0.5) / factor - 0.5, np.full(factor, 1 / factor)
    nodes, weights = np.polynomial.legendre.leggauss(factor)
    return nodes / 2, weights / 2
