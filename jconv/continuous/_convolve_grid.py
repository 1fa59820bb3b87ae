"""Convolution on a whole uniform grid: Gauss panels of the grid's own width, summed by FFT.

With panels of width h and the grid's spacing h, the i-th Gauss node of every panel forms a grid of its own, and

    value(t_k) = h Σ_i w_i Σ_j f(x_j + ξ_i h) g(t_k - x_j - ξ_i h)

is for each i a discrete convolution: m transforms instead of one, and an error of order h^(2m). Panels that hold a
breakpoint or the end of a support are left out of the sum and integrated by the rule on their pieces.
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jconv._core import check
from jconv._core.concrete import is_traced
from jconv.continuous import _nodes as nodes
from jconv.continuous._panels import Panels, add_meetings, describe_panels, sum_clean, sum_special
from jconv.continuous._pieces import Shape, check_shape
from jconv.continuous._quadrature import Convolved
from jconv.continuous._types import Points, ScalarFunction


def convolve_grid(
    f: ScalarFunction,
    g: ScalarFunction,
    grid: tuple[float, float, int],
    *,
    support_f: Points,
    support_g: Points,
    breaks_f: Points = (),
    breaks_g: Points = (),
    order: int = 8,
) -> Convolved:
    r"""Convolve two functions at all points of a uniform grid, by quadrature-corrected FFT.

    .. math:: v_k = \int f(x)\, g(t_k - x)\, dx, \qquad
              t_k = \text{start} + k\, (\text{stop} - \text{start}) / (\text{count} - 1)

    Parameters
    ----------
    f, g : callable
        Functions of a scalar, as in `convolve`, but scalar-valued; real or complex.
    grid : tuple (start, stop, count)
        As the arguments of `linspace`; known numbers.
    support_f, support_g : pairs of scalars
        (lower, upper), bounded and known numbers: cut a tail where it is negligible.
    breaks_f, breaks_g : sequences of scalars
        As in `convolve`; may be traced. Default none.
    order : int
        Gauss nodes per grid spacing, at least 2. The error falls like spacing^(2 order). Default 8.

    Returns
    -------
    Convolved
        (value, error), each (count,). The error compares the rule with the null rules of its panels and adds rounding,
        which of an FFT is relative to the largest value.

    Raises
    ------
    ValueError
        If a support is unbounded or traced, the grid has fewer than two points or does not ascend, or `order` is
        below 2.

    Notes
    -----
    Cost: `order` evaluations of f and g and two real FFTs per grid spacing, plus a few pointwise panels at every point
    for each breakpoint and support end. Ten thousand points take about as long as ten FFTs of that length.
    Differentiable in what f and g close over and in breakpoints; both modes.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> value, error = convolve_grid(jnp.ones_like, jnp.ones_like, (0, 2, 5), support_f=(0, 1), support_g=(0, 1))
    >>> [round(float(v), 6) for v in value]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    start, step, count = _check_grid(grid)
    check.positive_int("order", order)
    for name, support in (("support_f", support_f), ("support_g", support_g)):
        if any(is_traced(v) or not math.isfinite(float(v)) for v in support):
            raise ValueError(
                f"`{name}` must be bounded and known, got {support!r}; cut it where the function is negligible"
            )
    shape_f, shape_g = check_shape("f", support_f, breaks_f), check_shape("g", support_g, breaks_g)
    if order < 2:
        raise ValueError(f"`order` must be at least 2, got {order}; one node shows no error")
    run = functools.partial(_convolve_grid, f, g, (start, step, count), shape_f, shape_g, order)
    return jax.jit(run)()


def _check_grid(grid: tuple[float, float, int]) -> tuple[float, float, int]:
    """(start, spacing, count)."""
    if len(grid) != 3:
        raise ValueError(f"`grid` must be (start, stop, count), got {grid!r}; pass the arguments of linspace")
    start, stop, count = float(grid[0]), float(grid[1]), check.integer("grid[2]", grid[2])
    if count < 2 or not start < stop or not math.isfinite(stop - start):
        raise ValueError(f"`grid` must be (start, stop, count) with start < stop and count >= 2, got {grid!r}")
    return start, (stop - start) / (count - 1), count


def _convolve_grid(
    f: ScalarFunction,
    g: ScalarFunction,
    grid: tuple[float, float, int],
    shape_f: Shape,
    shape_g: Shape,
    order: int,
) -> Convolved:
    start, step, count = grid
    dtype = jnp.result_type(float)
    x, y = _describe_both(f, g, grid, shape_f, shape_g, dtype)
    table = nodes.gauss_legendre(order)
    value, error = sum_clean(x, y, table, count)
    t = start + step * jnp.arange(count, dtype=dtype)
    for one, other in ((x, y), (y, x)):
        more, doubt = sum_special(one, other, t, table)
        value, error = value + more, error + doubt
    value, error = add_meetings(value, error, x, y, start, order)
    return Convolved(value, jax.lax.stop_gradient(error))


def _describe_both(
    f: ScalarFunction,
    g: ScalarFunction,
    grid: tuple[float, float, int],
    shape_f: Shape,
    shape_g: Shape,
    dtype: DTypeLike,
) -> tuple[Panels, Panels]:
    """Return the panels of f that cover its support, and those of g that meet them at some point of the grid."""
    start, step, count = grid
    bounds_f, bounds_g = _bounds(shape_f), _bounds(shape_g)
    lower = bounds_f[0]
    stack = lambda *ends: jnp.stack([jnp.asarray(v, dtype) for v in ends])
    panels = max(1, math.ceil((bounds_f[1] - lower) / step - 1e-9))
    ends_f, ends_g = stack(*shape_f.breaks, bounds_f[1]), stack(*shape_g.breaks, *bounds_g)
    x = describe_panels(f, shape_f, bounds_f, lower, step, 0, panels, ends_f)
    y = describe_panels(g, shape_g, bounds_g, start - lower - step, step, 1 - panels, count + panels - 1, ends_g)
    return x, y


def _bounds(shape: Shape) -> tuple[float, float]:
    """Return the ends of a support that is known to be bounded."""
    assert shape.lower is not None
    assert shape.upper is not None
    return float(shape.lower), float(shape.upper)
