"""Zero-phase filtering with states chosen so that both orders of the two passes agree.

Source: Gustafsson, "Determining the initial states in forward-backward filtering", IEEE Trans. Signal Processing 44
(1996).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jconv.signal._dtypes import result_type
from jconv.signal.recursion._coefficients import Coefficients
from jconv.signal.recursion._lfilter import lfilter


def gustafsson(b: Coefficients, a: Coefficients, x: jax.Array, irlen: int | None) -> jax.Array:
    """Filter the last axis of `x` forwards and backwards with the states x0, x1 that fit both orders best.

    With the observability matrix O and S = O filtered backwards, (S_r - O) x0 + (O_r - S) x1 equals the difference of
    the two orders without states, in the sense of least squares; _r means reversed in time.
    """
    order = max(b.size, a.size) - 1
    if order == 0:
        return jnp.asarray((b[0] / a[0]) ** 2, result_type(b, a, x)) * x
    n = x.shape[-1]
    m = n if irlen is None or n <= 2 * irlen else irlen
    dtype = result_type(b, a, x)
    unit = jnp.zeros(order, dtype).at[0].set(1)
    first = lfilter(b, a, jnp.zeros(m, dtype), zi=unit)[0]
    lag = jnp.arange(m)[:, None] - jnp.arange(order)
    observe = jnp.where(lag >= 0, first[jnp.clip(lag, 0)], 0)
    back = lfilter(b, a, observe[::-1], axis=0)

    forward = lfilter(b, a, x)
    forward_back = jnp.flip(lfilter(b, a, jnp.flip(forward, -1)), -1)
    back_forward = lfilter(b, a, jnp.flip(lfilter(b, a, jnp.flip(x, -1)), -1))
    difference = back_forward - forward_back

    left, right = back[::-1] - observe, observe[::-1] - back
    if m == n:
        matrix, weights = jnp.hstack([left, right]), jnp.hstack([back[::-1], observe[::-1]])
    else:
        difference = jnp.concatenate([difference[..., :m], difference[..., -m:]], axis=-1)
        none = jnp.zeros_like(left)
        matrix = jnp.block([[left, none], [none, right]])
        weights = jnp.block([[back[::-1], none], [none, observe[::-1]]])
    states = jnp.matmul(difference, jnp.linalg.pinv(matrix).T, precision="highest")
    correction = jnp.matmul(states, weights.T, precision="highest")
    if m == n:
        return forward_back + correction
    return forward_back.at[..., :m].add(correction[..., :m]).at[..., -m:].add(correction[..., -m:])
