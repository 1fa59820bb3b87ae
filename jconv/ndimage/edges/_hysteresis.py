"""Which samples of a set hang together with some of its samples."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax


def connected_to(strong: jax.Array, weak: jax.Array) -> jax.Array:
    """Find the samples of a plane `weak` that are 8-connected, within it, to one of its subset `strong`.

    Every sample of `weak` holds the number of another of its component, its parent. In each step every tree's root is
    hooked below the greatest parent that a neighbour of the tree knows, and every sample takes its grandparent for its
    parent, which halves all paths (Y. Zhang, A. Azad and Z. Hu, *FastSV: a distributed-memory connected component
    algorithm with fast convergence*, SIAM PP 2020). The number of steps grows with the logarithm of the longest path,
    where spreading from neighbour to neighbour would take as many steps as it has samples.
    """
    framed = jnp.pad(weak, 1)
    own = jnp.arange(framed.size, dtype=jnp.int32)
    members = framed.ravel()

    def greatest(parents: jax.Array) -> jax.Array:
        """Return the largest number among a sample and its eight neighbours; 0, the frame's corner, without any."""
        plane = jnp.where(framed, parents.reshape(framed.shape), 0)
        for axis in (0, 1):
            shifted = [lax.slice_in_dim(plane, k, k + plane.shape[axis] - 2, axis=axis) for k in (0, 1, 2)]
            inner = jnp.maximum(jnp.maximum(*shifted[:2]), shifted[2])
            plane = jnp.pad(inner, [(1, 1) if a == axis else (0, 0) for a in (0, 1)])
        return jnp.where(members, plane.ravel(), 0)

    def step(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        parents, _ = state
        grandparents = parents[parents]
        best = greatest(grandparents)
        hooked = parents.at[parents].max(best, mode="promise_in_bounds")
        new = jnp.maximum(jnp.maximum(hooked, best), grandparents)
        return new, jnp.any(new != parents)

    start = jnp.where(members, own, 0)
    parents, _ = lax.while_loop(lambda state: state[1], step, (start, jnp.asarray(True)))
    reached = jnp.zeros(framed.size, bool).at[parents].max(jnp.pad(strong & weak, 1).ravel())
    return weak & reached[parents].reshape(framed.shape)[1:-1, 1:-1]
