"""Convolution on a whole uniform grid: Gauss panels of the grid's own width, summed by FFT.

With panels of width h and the grid's spacing h, the i-th Gauss node of every panel forms a grid of its own, and

    value(t_k) = h Σ_i w_i Σ_j f(x_j + ξ_i h) g(t_k - x_j - ξ_i h)

is for each i a discrete convolution: m transforms instead of one, and an error of order h^(2m). Panels that hold a
breakpoint or the end of a support are left out of the sum and integrated by the rule on their pieces.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core import check
from jconv.continuous import _nodes as nodes
from jconv.continuous import _pieces as pieces
from jconv.continuous import _quadrature as quadrature
from jconv.continuous._pointwise import convolve
from jconv.continuous._quadrature import Convolved
from jconv.continuous._rules import GaussLegendre


def convolve_grid(
    f: Callable[..., Any],
    g: Callable[..., Any],
    grid: tuple[float, float, int],
    *,
    support_f: Sequence[Any],
    support_g: Sequence[Any],
    breaks_f: Sequence[Any] = (),
    breaks_g: Sequence[Any] = (),
    order: int = 8,
) -> Convolved:
    """Convolution of two functions at all points of a uniform grid, by quadrature-corrected FFT.

        value_k = ∫ f(x) g(t_k - x) dx,   t_k = start + k (stop - start)/(count - 1)

    Parameters
    ----------
    f, g : functions of a scalar, as in `convolve`, but scalar-valued; real or complex.
    grid : (start, stop, count), as of `linspace`; known numbers.
    support_f, support_g : (lower, upper), bounded and known numbers: cut a tail where it is negligible.
    breaks_f, breaks_g : as in `convolve`; may be traced.
    order : Gauss nodes per grid spacing. The error falls like spacing^(2 order).

    Returns
    -------
    `(value, error)`, each (count,). The error compares the rule with the null rules of its panels and adds rounding,
    which of an FFT is relative to the largest value.

    Raises
    ------
    ValueError : an unbounded support, fewer than two points, a spacing that is not positive.

    Notes
    -----
    Cost: `order` evaluations of f and g and two real FFTs per grid spacing, plus a few pointwise panels at every point
    for each breakpoint and support end. Ten thousand points take about as long as ten FFTs of that length.
    Differentiable in what f and g close over and in breakpoints; both modes.

    >>> import jax.numpy as jnp
    >>> value, error = convolve_grid(jnp.ones_like, jnp.ones_like, (0, 2, 5), support_f=(0, 1), support_g=(0, 1))
    >>> [round(float(v), 6) for v in value]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    start, step, count = _grid(grid)
    check.positive_int("order", order)
    for name, support in (("support_f", support_f), ("support_g", support_g)):
        if not all(pieces.concrete(v) and math.isfinite(v) for v in support):
            raise ValueError(
                f"`{name}` must be bounded and known, got {support!r}; cut it where the function is negligible"
            )
    shape_f, shape_g = pieces.shape("f", support_f, breaks_f), pieces.shape("g", support_g, breaks_g)
    if order < 2:
        raise ValueError(f"`order` must be at least 2, got {order}; one node shows no error")
    run = functools.partial(_on_grid, f, g, (start, step, count), shape_f, shape_g, order)
    return jax.jit(run)()


def _on_grid(
    f: Callable, g: Callable, grid: tuple, shape_f: pieces.Shape, shape_g: pieces.Shape, order: int
) -> Convolved:
    start, step, count = grid
    dtype = jnp.result_type(float)
    t = start + step * jnp.arange(count, dtype=dtype)
    # x-panel j begins at lower + j h. With y = t_k - x, the y-panel k - j begins at start - lower + (k - j - 1) h.
    count_x = max(1, math.ceil((shape_f.upper - shape_f.lower) / step - 1e-9))
    edge_x = lambda j: shape_f.lower + step * j
    edge_y = lambda i: start - shape_f.lower + step * (i - 1)
    special_x = jnp.floor((jnp.stack([*_as(dtype, *shape_f.breaks, shape_f.upper)]) - edge_x(0)) / step)
    special_y = jnp.floor((jnp.stack([*_as(dtype, *shape_g.breaks, *shape_g[:2])]) - edge_y(0)) / step)
    table = nodes.gauss_legendre(order)

    j = jnp.arange(count_x, dtype=dtype)[:, None]
    i = jnp.arange(1 - count_x, count, dtype=dtype)[:, None]
    near = 1e-9 * step
    inside = (edge_y(i) >= shape_g.lower - near) & (edge_y(i) + step <= shape_g.upper + near)
    clean_x = ~jnp.any(j == special_x, axis=1, keepdims=True)
    clean_y = inside & ~jnp.any(i == special_y, axis=1, keepdims=True)
    samples_f = _sampled(f, edge_x(j) + step * table.left, clean_x, pieces.interior(shape_f, dtype))
    samples_g = _sampled(g, edge_y(i) + step * table.right, clean_y, pieces.interior(shape_g, dtype))
    value, error = _summed(samples_f, samples_g, step, table, count)

    # A special panel of one function against the clean panels of the other: fixed nodes, cut at the breakpoints.
    k = jnp.arange(count, dtype=dtype)
    ends_x, ends_y = (*shape_f.breaks, shape_f.upper), (*shape_g.breaks, *shape_g[:2])
    fresh_x, fresh_y = _fresh(special_x), _fresh(special_y)
    for special, fresh, edge, shape, ends, here, there, clean, first in (
        (special_x, fresh_x, edge_x, shape_f, ends_x, f, g, clean_y, 1 - count_x),
        (special_y, fresh_y, edge_y, shape_g, ends_y, g, f, clean_x, 0),
    ):
        other = pieces.interior(shape_g if here is f else shape_f, dtype)
        for n in range(special.shape[0]):
            panel = _panel(edge(special[n]), step, shape)
            place, rows = _cut(panel, _as(dtype, *ends), table)
            place = jnp.where(panel[1] > panel[0], place, pieces.interior(shape, dtype))
            index = (k - special[n] - first).astype(int)
            usable = (
                fresh[n] & (index >= 0) & (index < clean.shape[0]) & clean[jnp.clip(index, 0, clean.shape[0] - 1), 0]
            )
            seen = _sampled(there, t[:, None] - place, usable[:, None], other)
            weighted = rows * _sampled(here, place, jnp.ones_like(place, bool), other)[:, None]
            sums = jnp.matmul(seen, weighted.astype(seen.dtype), precision="highest")
            value, error = value + sums[:, 0], error + jnp.max(jnp.abs(sums[:, 1:]), axis=1)

    # Two special panels meet at one point each: there the pieces of both are resolved.
    def meeting(x_panel: jax.Array, y_panel: jax.Array) -> Convolved:
        return convolve(
            f,
            g,
            start + step * (x_panel + y_panel),
            support_f=_panel(edge_x(x_panel), step, shape_f),
            support_g=_panel(edge_y(y_panel), step, shape_g),
            breaks_f=shape_f.breaks,
            breaks_g=shape_g.breaks,
            rule=GaussLegendre(max(order, 8)),
        )

    pairs = [jnp.ravel(v) for v in jnp.meshgrid(special_x, special_y, indexing="ij")]
    part = jax.vmap(meeting)(*pairs)
    at = (pairs[0] + pairs[1]).astype(int)
    counted = jnp.ravel(fresh_x[:, None] & fresh_y) & (at >= 0) & (at < count)
    at = jnp.clip(at, 0, count - 1)
    value = value.astype(jnp.result_type(value, part.value)).at[at].add(jnp.where(counted, part.value, 0))
    error = error.at[at].add(jnp.where(counted, part.error, 0))
    return Convolved(value, jax.lax.stop_gradient(error))


def _fresh(special: jax.Array) -> jax.Array:
    """Which entries repeat no earlier one: two breakpoints in one panel make it special once."""
    return jnp.stack([~jnp.any(special[:n] == special[n]) for n in range(special.shape[0])])


def _cut(panel: tuple, ends: list, table: nodes.Table) -> tuple[jax.Array, jax.Array]:
    """Nodes of the rule on the pieces of a panel, flat, and the columns of their weights and null rules."""
    edges = jnp.sort(jnp.clip(jnp.stack([*panel, *ends]), *panel))
    length = jnp.diff(edges)[:, None]
    place = edges[:-1, None] + length * table.left
    columns = jnp.asarray(np.concatenate([table.weights[None], table.null[-2:]]).T, place.dtype)
    return jnp.ravel(place), jnp.reshape(length[..., None] * columns, (-1, 3))


def _as(dtype: Any, *values: Any) -> list[jax.Array]:
    return [jnp.asarray(v, dtype) for v in values]


def _grid(grid: tuple) -> tuple[float, float, int]:
    if len(grid) != 3:
        raise ValueError(f"`grid` must be (start, stop, count), got {grid!r}; pass the arguments of linspace")
    start, stop, count = float(grid[0]), float(grid[1]), check.integer("grid[2]", grid[2])
    if count < 2 or not start < stop or not math.isfinite(stop - start):
        raise ValueError(f"`grid` must be (start, stop, count) with start < stop and count >= 2, got {grid!r}")
    return start, (stop - start) / (count - 1), count


def _sampled(h: Callable, place: jax.Array, clean: jax.Array, harmless: jax.Array) -> jax.Array:
    values = quadrature.sampled(lambda s: jnp.asarray(h(s)), jnp.where(clean, place, harmless))
    if values.shape != place.shape:
        raise ValueError(
            f"`f` and `g` must return scalars here, got shape {values.shape[place.ndim :]}; vmap over channels"
        )
    return jnp.where(clean, values, 0)


def _panel(edge: jax.Array, step: float, shape: pieces.Shape) -> tuple[jax.Array, jax.Array]:
    return jnp.maximum(edge, shape.lower), jnp.minimum(edge + step, shape.upper)


def _summed(f: jax.Array, g: jax.Array, step: float, table: nodes.Table, count: int) -> tuple[jax.Array, jax.Array]:
    """Σ_i w_i Σ_j f_ji g_(k-j)i for the weights and the null rules, by FFT along the panels."""
    panels, length = f.shape[0], _fast(g.shape[0])
    real = not (jnp.iscomplexobj(f) or jnp.iscomplexobj(g))
    forward = jnp.fft.rfft if real else jnp.fft.fft
    # The transformed axis last, and all transforms in one call: XLA's are fastest so, and share the cores.
    at_f, at_g = forward(f.T, length), forward(g.T, length)
    product = at_f * at_g
    rows = jnp.asarray(np.concatenate([table.weights[None], table.null[-2:]]) * step, product.dtype)
    spectrum = jnp.matmul(rows, product, precision="highest")
    sums = jnp.fft.irfft(spectrum, length) if real else jnp.fft.ifft(spectrum)
    sums = sums[:, panels - 1 : panels - 1 + count]
    size = lambda v: jnp.sqrt(jnp.sum(jnp.abs(v) ** 2))
    rounding = 4 * jnp.finfo(f.real.dtype).eps * math.log2(length) * step / f.shape[1] * size(f) * size(g)
    return sums[0], jnp.max(jnp.abs(sums[1:]), axis=0) + rounding


def _fast(n: int) -> int:
    """The smallest 2^a 3^b 5^c of at least n: a length that FFTs like."""
    best = 1 << (n - 1).bit_length()
    for five in range(8):
        for three in range(10):
            odd = 5**five * 3**three
            best = min(best, odd << max(0, (-(-n // odd) - 1).bit_length()))
    return best
