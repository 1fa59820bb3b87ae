"""The panels of a uniform grid: which are clean, and what clean and special ones contribute to a convolution.

The x-panel j of f begins at a + j h, a the lower end of its support. With y = t_k - x, it meets the y-panel k - j of g,
which begins at start - a + (k - j - 1) h. A panel that holds a breakpoint or the end of a support is special; the
others are clean.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv._core.fast_length import fast_length
from jconv.continuous._convolve import convolve
from jconv.continuous._nodes import Table
from jconv.continuous._pieces import Shape, interior_point
from jconv.continuous._quadrature import Convolved, sample_function
from jconv.continuous._rules import GaussLegendre
from jconv.continuous._types import Real, ScalarFunction


class Panels(NamedTuple):
    """The panels of one function.

    bounds: the support. origin: where panel 0 begins. first: the index of the first panel that is summed. clean:
    (count,), from `first` on. special: (K,), the indices of special panels, and distinct: (K,), whether the entry is
    not a repetition. ends: the breakpoints and the ends of the support that make them special.
    """

    function: ScalarFunction
    shape: Shape
    bounds: tuple[Real, Real]
    origin: Real
    step: float
    first: int
    clean: jax.Array
    special: jax.Array
    distinct: jax.Array
    ends: jax.Array

    def edge(self, index: jax.Array) -> jax.Array:
        """Where a panel begins."""
        return jnp.asarray(self.origin + self.step * index)

    def support(self, index: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return a panel without what lies outside the support."""
        edge = self.edge(index)
        return jnp.maximum(edge, self.bounds[0]), jnp.minimum(edge + self.step, self.bounds[1])

    def sample(self, place: jax.Array, usable: jax.Array) -> jax.Array:
        """Values at `place`; 0 where not `usable`, without a look at the function there."""
        values = sample_function(self.function, jnp.where(usable, place, interior_point(self.shape, place.dtype)))
        if values.shape != place.shape:
            raise ValueError(
                f"`f` and `g` must return scalars here, got shape {values.shape[place.ndim :]}; vmap over channels"
            )
        return jnp.where(usable, values, 0)

    def sample_clean(self, offsets: np.ndarray) -> jax.Array:
        """Values on all summed panels, (count, nodes), at offsets in units of a panel."""
        index = self.first + jnp.arange(self.clean.shape[0], dtype=self.special.dtype)
        place = self.edge(index)[:, None] + self.step * jnp.asarray(offsets, self.special.dtype)
        return self.sample(place, self.clean[:, None])


def describe_panels(
    function: ScalarFunction,
    shape: Shape,
    bounds: tuple[Real, Real],
    origin: Real,
    step: float,
    first: int,
    count: int,
    ends: jax.Array,
) -> Panels:
    """Describe the panels first … first + count - 1 of a function; those outside its support count as special."""
    dtype = ends.dtype
    index = first + jnp.arange(count, dtype=dtype)
    special = jnp.floor((ends - origin) / step)
    near = 1e-9 * step
    edge = origin + step * index
    inside = (edge >= bounds[0] - near) & (edge + step <= bounds[1] + near)
    clean = jnp.asarray(inside) & ~jnp.any(index[:, None] == special, axis=1)
    # Two breakpoints in one panel make it special once.
    distinct = jnp.stack([~jnp.any(special[:n] == special[n]) for n in range(special.shape[0])])
    return Panels(function, shape, bounds, origin, step, first, clean, special, distinct, ends)


def sum_clean(x: Panels, y: Panels, table: Table, count: int) -> tuple[jax.Array, jax.Array]:
    """Σ_i w_i Σ_j f_ji g_(k-j)i for the weights and the null rules, by FFT along the panels."""
    f, g = x.sample_clean(table.left), y.sample_clean(table.right)
    panels, length = f.shape[0], fast_length(g.shape[0])
    real = not (jnp.iscomplexobj(f) or jnp.iscomplexobj(g))
    forward = jnp.fft.rfft if real else jnp.fft.fft
    # The transformed axis last, and all transforms in one call: XLA's are fastest so, and share the cores.
    product = forward(f.T, length) * forward(g.T, length)
    rows = jnp.asarray(np.concatenate([table.weights[None], table.null[-2:]]) * x.step, product.dtype)
    spectrum = jnp.matmul(rows, product, precision="highest")
    sums = jnp.fft.irfft(spectrum, length) if real else jnp.fft.ifft(spectrum)
    sums = sums[:, panels - 1 : panels - 1 + count]
    norm = lambda v: jnp.sqrt(jnp.sum(jnp.abs(v) ** 2))
    rounding = 4 * jnp.finfo(f.real.dtype).eps * math.log2(length) * x.step / f.shape[1] * norm(f) * norm(g)
    return sums[0], jnp.max(jnp.abs(sums[1:]), axis=0) + rounding


def sum_special(one: Panels, other: Panels, t: jax.Array, table: Table) -> tuple[jax.Array, jax.Array]:
    """Sum special panels of one function against clean panels of the other: fixed nodes, cut at the breakpoints."""
    k = jnp.arange(t.shape[0], dtype=t.dtype)
    value, error = jnp.zeros_like(t), jnp.zeros_like(t)
    for n in range(one.special.shape[0]):
        panel = one.support(one.special[n])
        place, columns = _cut(panel, one.ends, table)
        place = jnp.where(panel[1] > panel[0], place, interior_point(one.shape, t.dtype))
        index = (k - one.special[n] - other.first).astype(int)
        last = other.clean.shape[0] - 1
        usable = one.distinct[n] & (index >= 0) & (index <= last) & other.clean[jnp.clip(index, 0, last)]
        values = other.sample(t[:, None] - place, usable[:, None])
        weighted = columns * one.sample(place, jnp.ones_like(place, bool))[:, None]
        sums = jnp.matmul(values, weighted.astype(values.dtype), precision="highest")
        value, error = value + sums[:, 0], error + jnp.max(jnp.abs(sums[:, 1:]), axis=1)
    return value, error


def _cut(panel: tuple[jax.Array, jax.Array], ends: jax.Array, table: Table) -> tuple[jax.Array, jax.Array]:
    """Nodes of the rule on the pieces of a panel, flat, and the columns of their weights and null rules."""
    edges = jnp.sort(jnp.clip(jnp.concatenate([jnp.stack(panel), ends]), *panel))
    length = jnp.diff(edges)[:, None]
    place = edges[:-1, None] + length * table.left
    columns = jnp.asarray(np.concatenate([table.weights[None], table.null[-2:]]).T, place.dtype)
    return jnp.ravel(place), jnp.reshape(length[..., None] * columns, (-1, 3))


def add_meetings(
    value: jax.Array, error: jax.Array, x: Panels, y: Panels, start: float, order: int
) -> tuple[jax.Array, jax.Array]:
    """Add what pairs of special panels contribute; each pair meets at one point of the grid."""

    def meet(x_panel: jax.Array, y_panel: jax.Array) -> Convolved:
        return convolve(
            x.function,
            y.function,
            start + x.step * (x_panel + y_panel),
            support_f=x.support(x_panel),
            support_g=y.support(y_panel),
            breaks_f=x.shape.breaks,
            breaks_g=y.shape.breaks,
            rule=GaussLegendre(max(order, 8)),
        )

    count = value.shape[0]
    x_panel, y_panel = (jnp.ravel(v) for v in jnp.meshgrid(x.special, y.special, indexing="ij"))
    part = jax.vmap(meet)(x_panel, y_panel)
    at = (x_panel + y_panel).astype(int)
    counts = jnp.ravel(x.distinct[:, None] & y.distinct) & (at >= 0) & (at < count)
    at = jnp.clip(at, 0, count - 1)
    value = value.astype(jnp.result_type(value, part.value)).at[at].add(jnp.where(counts, part.value, 0))
    return value, error.at[at].add(jnp.where(counts, part.error, 0))
