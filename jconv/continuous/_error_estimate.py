"""What the null rules of a quadrature rule do not see: rounding, and the tail beyond the last node."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jconv.continuous._placement import Nodes


def _widen(v: jax.Array, like: jax.Array) -> jax.Array:
    """(S, N) with an axis of size one for each channel of `like`, (S, N, channels)."""
    return v.reshape(v.shape + (1,) * (like.ndim - v.ndim))


def _later(v: jax.Array) -> jax.Array:
    # Slices, not a shifted copy: XLA does not vectorise a loop that a concatenation is fused into.
    return v[:, 1:]


def _before(v: jax.Array) -> jax.Array:
    return v[:, :-1]


def estimate_rounding(
    weighed: jax.Array, at_x: jax.Array, at_y: jax.Array, nodes: Nodes, weights: np.ndarray, weighted: bool
) -> jax.Array:
    """Estimate the effect of rounding: of the values, their sum, and the places where the functions are looked at.

    At the watched nodes, whose `weights` have the sum of all. A place rounded by r moves the integral of F by at most r
    times that of |F'|, which is the sum of the rises of F from node to node.
    """
    node_weights = jnp.asarray(weights, nodes.x.dtype)[None]
    size = 8 * jnp.abs(weighed) * _widen(node_weights, weighed)
    moved = _rise(at_x, nodes.x, nodes) * _reach(nodes.x, nodes.corner_x, at_x) * jnp.abs(_later(at_y))
    moved = moved + _rise(at_y, nodes.y, nodes) * _reach(nodes.y, nodes.corner_y, at_y) * jnp.abs(_later(at_x))
    if weighted:  # the integral of |F'| is then not the sum of the rises
        step = jnp.abs(_later(nodes.x) - _before(nodes.x))
        size = size * (1 + nodes.x.shape[1])  # as many roundings went into weights by recurrence
        density = jnp.where(step > 0, _later(nodes.jacobian) * node_weights[:, 1:] / jnp.where(step > 0, step, 1), 0)
        moved = moved * _widen(density, moved)
    moved = jnp.where(_widen((_later(nodes.jacobian) != 0) & (_before(nodes.jacobian) != 0), moved), moved, 0)
    # The sum over the nodes as a matrix product, which a CPU's vector units take; XLA's reductions do not.
    rest = jnp.tensordot(
        _later(size) + moved, jnp.ones(nodes.x.shape[1] - 1, size.dtype), axes=(1, 0), precision="highest"
    )
    return jnp.finfo(nodes.x.dtype).eps * (size[:, 0] + rest)


def _rise(values: jax.Array, places: jax.Array, nodes: Nodes) -> jax.Array:
    """How much a function rises from node to node.

    Near a corner the nodes may lie nearer to each other than its coordinate resolves. The rise is then that of the
    rounded argument, and counts in the proportion of the true step.
    """
    step = jnp.abs(_later(places) - _before(places))
    same_corner = (_later(nodes.corner_x) == _before(nodes.corner_x)) & (
        _later(nodes.corner_y) == _before(nodes.corner_y)
    )
    true_step = jnp.where(same_corner, jnp.abs(_later(nodes.distance) - _before(nodes.distance)), step)
    # Two values at the same place may differ in their last bit, by vectorised and scalar code of the same function.
    share = jnp.where(step > 0, jnp.minimum(true_step / jnp.where(step > 0, step, 1), 1), 0)
    return jnp.abs(_later(values) - _before(values)) * _widen(share, values)


def _reach(places: jax.Array, corners: jax.Array, values: jax.Array) -> jax.Array:
    """Return the size of the numbers that a place is computed from; its rounding is eps times that."""
    return _widen(jnp.maximum(jnp.abs(_later(places)), jnp.abs(_later(corners))), values)


def estimate_tail(product: jax.Array, nodes: Nodes, far_end: jax.Array) -> jax.Array:
    """Estimate what lies beyond the last node of a segment that reaches to infinity; inf where |x F| does not fall."""
    offset = jnp.where((nodes.jacobian != 0) & far_end[:, None], jnp.abs(nodes.x - nodes.corner_x), 0)
    most = jnp.max(offset, axis=1, keepdims=True)
    least = jnp.maximum(1, jnp.min(jnp.where(offset > 0, offset, jnp.inf), axis=1, keepdims=True))
    envelope = jnp.abs(product) * _widen(offset, product)

    def largest_beyond(part: float) -> jax.Array:
        beyond = offset > least * (most / least) ** part
        return jnp.max(jnp.where(_widen(beyond, product), envelope, 0), axis=1)

    late, last = largest_beyond(0.5), jnp.max(jnp.where(_widen(offset == most, product), envelope, 0), axis=1)
    return jnp.where((late > 0) & (late >= 0.6 * largest_beyond(0.25)), jnp.inf, last)
