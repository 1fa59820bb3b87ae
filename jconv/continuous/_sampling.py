"""Between the continuous and the discrete: kernels from functions, scattered samples, Gaussian blur."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jconv._core import check
from jconv.continuous._nodes import legendre_points
from jconv.continuous._pointwise import convolve
from jconv.continuous._quadrature import Convolved, sampled
from jconv.continuous._rules import GaussLegendre, Rule

_HOW = ("centre", "interpolate", "oversample", "integrate")


def sample(f: Callable[..., Any], grid: Any, *, how: str = "centre", width: Any = None, factor: int = 10) -> jax.Array:
    """A discrete kernel from a function: one value for each cell of a uniform grid, as astropy's `discretize_model`.

    Parameters
    ----------
    f : function of a scalar, returning a scalar or an array (channels).
    grid : (n,), the centres of the cells, equidistant.
    how : "centre", f at the centres; "interpolate", the mean of f between its values at the two edges of a cell and
        linear in between; "oversample", the mean of `factor` values per cell; "integrate", the mean over the cell by a
        Gauss rule of `factor` nodes, exact to machine precision for what is smooth in a cell.
    width : of a cell; by default the spacing of the grid.
    factor : values per cell for "oversample" and "integrate".

    Returns
    -------
    (n, *channels). Multiply by the spacing to make a convolution with the kernel approximate the integral.

    Raises
    ------
    ValueError : an unknown `how`, a grid of another rank, or of one point without `width`.

    >>> import jax.numpy as jnp
    >>> [round(float(v), 6) for v in sample(lambda x: x**2, jnp.array([-1.0, 0.0, 1.0]), how="integrate")]
    [1.083333, 0.083333, 1.083333]
    """
    check.choice("how", how, _HOW)
    grid = jnp.asarray(grid)
    grid = grid.astype(jnp.result_type(grid, 0.0))
    check.rank("grid", grid, 1)
    count = check.positive_int("factor", factor)
    if width is None:
        if grid.shape[0] < 2:
            raise ValueError(f"`width` must be given for a grid of {grid.shape[0]} points; pass the width of the cell")
        width = grid[1] - grid[0]
    if how == "integrate":
        nodes, weights = legendre_points(count)
        places, shares = nodes / 2, weights / 2
    else:
        places = {
            "centre": [0.0],
            "interpolate": [-0.5, 0.5],
            "oversample": [(i + 0.5) / count - 0.5 for i in range(count)],
        }[how]
        shares = [1 / len(places)] * len(places)
    offsets = width * jnp.asarray(places, grid.dtype)
    values = sampled(lambda x: jnp.asarray(f(x)), grid[:, None] + offsets)
    return jnp.tensordot(values, jnp.asarray(shares, values.dtype), axes=(1, 0), precision="highest")


def convolve_samples(
    positions: Any, values: Any, kernel: Callable[..., Any], t: Any, *, weights: Any = None
) -> jax.Array:
    """A kernel function against samples at scattered positions: Σ_j w_j v_j kernel(t - x_j).

    Parameters
    ----------
    positions : (n,), in any order.
    values : (n,).
    kernel : function of a scalar, returning a scalar or an array (channels).
    t : points, any shape.
    weights : (n,), or None: those of the trapezoidal rule on the sorted positions, so that the sum approximates
        ∫ v(x) kernel(t - x) dx. Pass ones for the plain sum over the samples.

    Returns
    -------
    t.shape + channels. Cost: t.size · n evaluations of the kernel. Differentiable in everything.

    Raises
    ------
    ValueError : positions and values of different shapes, fewer than two samples without `weights`.

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
        order = jnp.argsort(x)
        gaps = jnp.diff(x[order])
        none = jnp.zeros_like(gaps[:1])
        halves = (jnp.concatenate([none, gaps]) + jnp.concatenate([gaps, none])) / 2
        weights = jnp.zeros_like(halves).at[order].set(halves)
    t = jnp.asarray(t)
    flat = t.astype(jnp.result_type(t, x, 0.0)).reshape(-1)
    wv = jnp.asarray(weights) * v

    def at(s: jax.Array) -> jax.Array:
        seen = sampled(lambda y: jnp.asarray(kernel(y)), s - x)
        return jnp.tensordot(wv.astype(jnp.result_type(wv, seen)), seen, axes=(0, 0), precision="highest")

    block = max(1, 2**22 // max(1, x.shape[0]))
    out = jax.vmap(at)(flat) if flat.shape[0] <= block else jax.lax.map(at, flat, batch_size=block)
    return out.reshape(t.shape + out.shape[1:])


def smooth_gaussian(
    f: Callable[..., Any],
    t: Any,
    *,
    std: Any,
    mean: Any = 0.0,
    support_f: Sequence[Any] = (-math.inf, math.inf),
    breaks_f: Sequence[Any] = (),
    rule: Rule | None = None,
) -> Convolved:
    """Gaussian ⊗ f, ∫ f(x) exp(-(t - x - mean)²/(2 std²)) dx / (std √(2π)), by the short window where it lives.

    Beyond 12 std (7 in float32) the area of a Gaussian is 4e-33 (3e-12): the window is bounded whatever the support
    of f, and 96 nodes per piece do. `std` and `mean` may be traced. Arguments, result and derivatives as of `convolve`;
    the error leaves out what f weighs beyond the window.

    >>> import jax.numpy as jnp
    >>> round(float(smooth_gaussian(jnp.cos, 0.0, std=1.0).value), 6)
    0.606531
    """
    dtype = jnp.result_type(jnp.asarray(t), std, mean, 0.0)
    reach = 12.0 if jnp.finfo(dtype).bits == 64 else 7.0
    g = lambda y: jnp.exp(-(((y - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
    window = (mean - reach * std, mean + reach * std)
    rule = GaussLegendre(96) if rule is None else rule
    return convolve(f, g, t, support_f=support_f, breaks_f=breaks_f, support_g=window, rule=rule)
