"""Leibniz's boundary terms: what moving ends contribute to a derivative whose nodes are at rest."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jconv.continuous._nodes import legendre_points
from jconv.continuous._pieces import Pieces
from jconv.continuous._placement import smallest_step
from jconv.continuous._quadrature import align_channels, sample_function
from jconv.continuous._types import ScalarFunction


def boundary_terms(
    f: ScalarFunction, g: ScalarFunction, pieces: Pieces, harmless: tuple[jax.Array, jax.Array], t: jax.Array
) -> jax.Array:
    """Zero in value, with the derivatives of the moving ends.

    The integral over the sliver between an end at rest, b0, and the same end moving, b, by a Gauss rule of three nodes:
    its first derivative is F(b) db, and all derivatives to the sixth order are exact.
    """
    nodes, weights = legendre_points(3)
    total = jnp.zeros((), t.dtype)
    ends = ((pieces.xl, pieces.yl, pieces.open_left, 1), (pieces.xr, pieces.yr, pieces.open_right, -1))
    for x, y, is_open, inward in ends:
        count = x.shape[0]
        index = np.arange(count)
        finite = jnp.asarray(index != (0 if inward == 1 else count - 1)) if is_open else True
        exists = finite & (
            (pieces.xr > pieces.xl) | (index == 0) & pieces.open_left | (index == count - 1) & pieces.open_right
        )
        rest_x, rest_y = jax.lax.stop_gradient((x, y))
        step = inward * smallest_step(rest_x, rest_y)
        for node, weight in zip(nodes, weights):
            part = (1 + node) / 2 * (x - rest_x)
            place_x = rest_x + step + part
            place_y = rest_y - step - part + (t - jax.lax.stop_gradient(t))
            at_x = sample_function(f, jnp.where(exists, place_x, harmless[0]))
            at_y = sample_function(g, jnp.where(exists, place_y, harmless[1]))
            at_x, at_y = align_channels(at_x, at_y, 1)
            sliver = jnp.where(exists, -inward * weight / 2 * (x - rest_x), 0)
            total = total + jnp.sum(at_x * at_y * sliver.reshape(sliver.shape + (1,) * (at_x.ndim - 1)), axis=0)
    return total
