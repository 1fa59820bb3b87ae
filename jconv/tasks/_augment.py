"""Random changes of training images that keep their meaning."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates


def random_affine(
    key: jax.Array, images: jax.Array, *, degrees: float = 0.0, shift: float = 0.0, scale: float = 0.0
) -> jax.Array:
    """Turn, move and resize each image by its own random amounts, with bilinear interpolation and zeros outside.

    Parameters
    ----------
    key : random key
    images : array (N, H, W, C)
    degrees, shift, scale : float
        The largest angle (degrees), shift (pixels) and relative change of size (each axis by itself);
        the amounts are uniform.
    """
    n, height, width, channels = images.shape
    amounts = jax.random.uniform(key, (n, 5), images.dtype, -1.0, 1.0)
    angle = amounts[:, 0] * jnp.deg2rad(degrees)
    moved = amounts[:, 1:3] * shift
    size = 1 + amounts[:, 3:5] * scale
    centre = jnp.array([(height - 1) / 2, (width - 1) / 2], images.dtype)
    grid = jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")).astype(images.dtype)

    def one(image: jax.Array, angle: jax.Array, moved: jax.Array, size: jax.Array) -> jax.Array:
        rows, cols = grid - (centre + moved)[:, None, None]
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        where = [centre[0] + (cos * rows - sin * cols) / size[0], centre[1] + (sin * rows + cos * cols) / size[1]]
        planes = [map_coordinates(image[..., c], where, order=1) for c in range(channels)]
        return jnp.stack(planes, axis=-1)

    return jax.vmap(one)(images, angle, moved, size)


def random_colours(key: jax.Array, images: jax.Array, *, gain: float = 0.3, shift: float = 0.1) -> jax.Array:
    """Shuffle the channels of each image and change the contrast and the brightness of each of them, within [0, 1].

    Parameters
    ----------
    key : random key
    images : array (N, H, W, C)
        In [0, 1].
    gain, shift : float
        The largest relative change of the contrast around 1/2, and the largest shift; the amounts are uniform.
    """
    n, _, _, channels = images.shape
    for_order, for_amounts = jax.random.split(key)
    order = jax.vmap(lambda key: jax.random.permutation(key, channels))(jax.random.split(for_order, n))
    shuffled = jnp.einsum("nijc,ncd->nijd", images, jax.nn.one_hot(order, channels, axis=1, dtype=images.dtype))
    amounts = jax.random.uniform(for_amounts, (2, n, 1, 1, channels), images.dtype, -1.0, 1.0)
    return jnp.clip(0.5 + (1 + gain * amounts[0]) * (shuffled - 0.5) + shift * amounts[1], 0, 1)
