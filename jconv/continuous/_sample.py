"""A discrete kernel from a function of a real variable."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jconv._core import check
from jconv.continuous._nodes import legendre_points
from jconv.continuous._quadrature import sample_function
from jconv.continuous._types import Real, ScalarFunction

_MODES = ("center", "interpolate", "oversample", "integrate")


def sample(
    f: ScalarFunction, grid: ArrayLike, *, mode: str = "center", width: Real | None = None, factor: int = 10
) -> jax.Array:
    """Turn a function into a discrete kernel: one value for each cell of a uniform grid.

    Parameters
    ----------
    f : callable
        A function of a scalar that returns a scalar or an array (channels).
    grid : array (n,)
        The centers of the cells, equidistant.
    mode : {"center", "interpolate", "oversample", "integrate"}
        "center" (default): f at the center. "interpolate": the mean of f over the cell, f taken linear between its
        values at the two edges. "oversample": the mean of `factor` values per cell. "integrate": the mean over the cell
        by a Gauss rule of `factor` nodes, exact to machine precision for what is smooth in a cell.
    width : scalar, optional
        The width of a cell. Default: the spacing of the grid.
    factor : int
        Values per cell for "oversample" and "integrate". Default 10.

    Returns
    -------
    array (n, *channels)
        Multiply by the spacing to make a convolution with the kernel approximate the integral.

    Raises
    ------
    ValueError
        If `mode` is unknown, or `grid` has another rank, or one point without `width`.

    Notes
    -----
    The modes are those of `jconv.kernels.discretize` and of astropy's `discretize_model`. Differentiable in what f
    closes over and in `grid`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> [round(float(v), 6) for v in sample(lambda x: x**2, jnp.array([-1.0, 0.0, 1.0]), mode="integrate")]
    [1.083333, 0.083333, 1.083333]
    """
    check.choice("mode", mode, _MODES)
    grid = jnp.asarray(grid)
    grid = grid.astype(jnp.result_type(grid, 0.0))
    check.rank("grid", grid, 1)
    count = check.positive_int("factor", factor)
    if width is None:
        if grid.shape[0] < 2:
            raise ValueError(f"`width` must be given for a grid of {grid.shape[0]} points; pass the width of the cell")
        width = grid[1] - grid[0]
    if mode == "integrate":
        nodes, weights = legendre_points(count)
        places, shares = nodes / 2, weights / 2
    else:
        places = {
            "center": [0.0],
            "interpolate": [-0.5, 0.5],
            "oversample": [(i + 0.5) / count - 0.5 for i in range(count)],
        }[mode]
        shares = [1 / len(places)] * len(places)
    offsets = width * jnp.asarray(places, grid.dtype)
    values = sample_function(f, grid[:, None] + offsets)
    return jnp.tensordot(values, jnp.asarray(shares, values.dtype), axes=(1, 0), precision="highest")
