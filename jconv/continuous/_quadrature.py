"""The sum itself: the integrand on the nodes of every segment, weighted, with an error estimate."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jconv.continuous._error_estimate import estimate_rounding, estimate_tail
from jconv.continuous._nodes import Table
from jconv.continuous._placement import Nodes
from jconv.continuous._types import ScalarFunction

_COLUMNS = 8
"""Matrix products are fastest with a multiple of this many columns (measured on the CPU)."""


class Convolved(NamedTuple):
    """The value of a convolution and its error: a pair that unpacks as `value, error`.

    Parameters
    ----------
    value : array
        The convolution at the points.
    error : array, of the same shape
        An estimate of the absolute error, rounding included, meant to be at least the true one.

    Examples
    --------
    >>> value, error = Convolved(1.0, 1e-15)
    >>> value
    1.0
    """

    value: jax.Array
    error: jax.Array


class AccuracyWarning(UserWarning):
    """The accuracy that was asked for was not attained; the message says which one was.

    Examples
    --------
    >>> issubclass(AccuracyWarning, UserWarning)
    True
    """


def sample_function(f: ScalarFunction, x: jax.Array) -> jax.Array:
    """`f`, a function of a scalar, at every element of `x`: shape x.shape + (shape of one value of f)."""
    flat = jax.vmap(lambda s: jnp.asarray(f(s)))(x.reshape(-1))
    return jnp.reshape(flat, x.shape + flat.shape[1:])


def align_channels(a: jax.Array, b: jax.Array, leading: int) -> tuple[jax.Array, jax.Array]:
    """Insert channel axes after the leading ones, so that the channels of `a` and `b` broadcast as NumPy's do."""
    rank = max(a.ndim, b.ndim)
    grow = lambda v: v.reshape(v.shape[:leading] + (1,) * (rank - v.ndim) + v.shape[leading:])
    return grow(a), grow(b)


def sum_rule(
    at_x: jax.Array, at_y: jax.Array, nodes: Nodes, table: Table, far_end: jax.Array | None, *, weighted: bool = False
) -> tuple[jax.Array, jax.Array]:
    """Compute the rule's value and error on every segment, (S, channels) each, from f at `nodes.x` and g at `nodes.y`.

    far_end: (S,), the segments that reach to infinity; None if none can. weighted: the weights of the rule contain a
    weight function.
    """
    at_x, at_y = align_channels(at_x, at_y, 2)
    widen = lambda v: v.reshape(v.shape + (1,) * (at_x.ndim - 2))
    product = jnp.where(widen(nodes.jacobian != 0), at_x * at_y, 0)
    # The barrier keeps the product in memory: each of the sums would compute all of it again. The rule and its null
    # rules are one matrix product, also where no error is wanted: XLA runs loops without products on a single core.
    weighed = jax.lax.optimization_barrier(product * widen(nodes.jacobian))
    rules = np.concatenate([table.weights[:, None], table.null.T], axis=1)
    count = rules.shape[1]
    sums = _contract(weighed, np.pad(rules, [(0, 0), (0, -count % _COLUMNS)]))[..., :count]
    value = sums[..., 0]
    # None of the error estimate is differentiated.
    missed = jnp.max(jnp.abs(jax.lax.stop_gradient(sums[..., 1:])), axis=-1)
    watch = lambda v: jax.lax.stop_gradient(v[:, : table.watched])
    # f and g at the watched nodes are computed a second time and kept: cheaper than to keep them at all nodes.
    watched_x, watched_y = jax.lax.optimization_barrier((watch(at_x), watch(at_y)))
    weights = table.weights[: table.watched]
    weights = weights * (table.weights.sum() / weights.sum())
    error = missed + estimate_rounding(
        watch(weighed), watched_x, watched_y, Nodes(*map(watch, nodes)), weights, weighted
    )
    if far_end is None:
        return value, error
    return value, error + estimate_tail(jax.lax.stop_gradient(product), jax.lax.stop_gradient(nodes), far_end)


def _contract(values: jax.Array, weights: np.ndarray) -> jax.Array:
    """Sum over the nodes, (S, N, channels) to (S, channels, M) for M columns of weights.

    As a matrix product: XLA's own reductions keep the order of a sum, and so leave a CPU's vector units idle.
    """
    return jnp.tensordot(values, jnp.asarray(weights, values.dtype), axes=(1, 0), precision="highest")
