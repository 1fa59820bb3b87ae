"""A camera that blurs and adds noise: what it makes of photographs whose truth is known."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from jconv import conv2d, kernels

SUPPORT = 17
"""Rows and columns in which its kernel lies."""
_MARGIN = SUPPORT // 2


def blur_kernel(name: str) -> jax.Array:
    """Return the kernel (17, 17) of the camera: a motion of 13 pixels, a Gaussian of 1.5 pixels, or nothing."""
    if name == "motion":
        return kernels.motion(SUPPORT, angle=0.6, length=13.0, dtype=jnp.float32)
    if name == "gaussian":
        return jnp.asarray(kernels.gaussian(SUPPORT, sigma=1.5), jnp.float32)
    return jnp.zeros((SUPPORT, SUPPORT), jnp.float32).at[_MARGIN, _MARGIN].set(1)


def pairs(
    key: jax.Array, photos: jax.Array, kernel: jax.Array, *, count: int, size: int, noise: float
) -> tuple[jax.Array, jax.Array]:
    """Random pieces of photographs (P, S, S, C), and what a camera with that kernel makes of them.

    Returns
    -------
    wide : array (count, size + 16, size + 16)
        One colour of each piece; only its middle (size, size) is what the camera aims at.
    blurred : array (count, size, size)
    """
    wide = size + 2 * _MARGIN
    pictures, height, width, colours = photos.shape

    def piece(key: jax.Array) -> jax.Array:
        keys = jax.random.split(key, 4)
        which, colour = jax.random.randint(keys[0], (), 0, pictures), jax.random.randint(keys[1], (), 0, colours)
        corner = jax.random.randint(keys[2], (2,), 0, jnp.array([height, width]) - wide + 1)
        cut = lax.dynamic_slice(photos, (which, *corner, colour), (1, wide, wide, 1))[0, ..., 0]
        return jnp.where(jax.random.bernoulli(keys[3]), cut, cut[:, ::-1]).astype(jnp.float32) / 255

    for_pieces, for_noise = jax.random.split(key)
    sharp = jax.vmap(piece)(jax.random.split(for_pieces, count))
    blurred = blur(sharp, kernel)
    return sharp, blurred + noise * jax.random.normal(for_noise, blurred.shape, jnp.float32)


def blur(planes: jax.Array, kernel: jax.Array) -> jax.Array:
    """Planes (N, H, W) convolved with a kernel where it lies inside them."""
    kernel = kernel[..., None, None]
    return conv2d(planes[..., None], kernel, padding="VALID", flip=True, algorithm="auto")[..., 0]


def inner(planes: jax.Array) -> jax.Array:
    """Cut out what the camera aims at: planes without the margin that only blurs in."""
    return planes[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
