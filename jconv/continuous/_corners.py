"""Whether a function is singular at an end of its support or at a breakpoint: which rule the default takes.

A function that is smooth next to a corner looks like a polynomial of low degree there: its Legendre coefficients on a
short interval fall faster than geometrically. Next to x^a or log x they fall like a power of the degree, on every
interval, however short. So a few values of each function next to each corner, a fixed number for all points t, tell
the two apart.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jconv.continuous import _legendre as legendre
from jconv.continuous._pieces import Shape
from jconv.continuous._quadrature import sample_function
from jconv.continuous._types import ScalarFunction

_PROBES = 16
"""Values next to a corner, on each side."""

_SHARE = 1 / 1024
"""Their interval, in units of the distance to the next corner of the same function. A feature of a smooth function that
the 96 nodes of the default rule resolve is resolved here many times over; a singularity has no scale."""

_THRESHOLD = {64: 1e-11, 32: 1e-4}
"""A function counts as singular where its last coefficients exceed this, relative to its largest value next to the
corner; by bits of the dtype. Rounding leaves 1e-14 (1e-5). The Gauss rule is good for x^4.5, which has 1e-11, and not
for x^1.5, which has 1e-5."""


def has_singular_corner(f: ScalarFunction, shape: Shape, dtype: DTypeLike) -> jax.Array:
    """Whether `f` is singular next to an end of its support or a breakpoint: a boolean scalar.

    A function that is not finite next to a corner does not count: no rule helps there, and the values will show it.
    """
    corners = [v for v in (shape.lower, *shape.breaks, shape.upper) if v is not None]
    if not corners:
        return jnp.zeros((), bool)
    starts, steps = _intervals(shape, [jnp.asarray(c, dtype) for c in corners])
    u = jnp.asarray((1 + legendre.grid(_PROBES)[0]) / 2, dtype)
    values = sample_function(f, starts + steps * u[:, None])
    return _is_rough(jax.lax.stop_gradient(values))


def _intervals(shape: Shape, corners: list[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Where the probes of each side of each corner begin, and over which signed length they reach."""
    starts, steps = [], []
    for index, corner in enumerate(corners):
        if index + 1 < len(corners):
            gap = jnp.abs(corners[index + 1] - corner)
            starts += [corner, corners[index + 1]]
            steps += [_SHARE * gap, -_SHARE * gap]
    # An unbounded side has no next corner: the distance is that to the origin, or 1.
    reach = lambda corner: _SHARE * jnp.maximum(1, jnp.abs(corner))
    if shape.lower is None:
        starts.append(corners[0])
        steps.append(-reach(corners[0]))
    if shape.upper is None:
        starts.append(corners[-1])
        steps.append(reach(corners[-1]))
    return jnp.stack(starts), jnp.stack(steps)


@jax.jit
def _is_rough(values: jax.Array) -> jax.Array:
    """Whether the Legendre coefficients of values on the probes, (16, sides, ...), stay large anywhere."""
    last = jnp.max(jnp.abs(legendre.from_values(values)[-4:]), axis=0)
    largest = jnp.max(jnp.abs(values), axis=0)
    threshold = _THRESHOLD[jnp.finfo(values.dtype).bits]  # of the real type, for complex values too
    return jnp.any(jnp.isfinite(largest) & (last > threshold * largest))
