"""Transfer functions on a periodic domain."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def transfer(kernel: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Return the discrete transfer function on a periodic domain of `shape`, the kernel's middle at the origin."""
    n = kernel.ndim
    padded = jnp.pad(kernel, [(0, s - k) for s, k in zip(shape, kernel.shape, strict=True)])
    padded = jnp.roll(padded, [-((k - 1) // 2) for k in kernel.shape], axis=range(n))
    for axis in range(n):
        padded = jnp.fft.fft(padded, axis=axis)
    return padded
