"""Which pixels a network's answer depends on."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from jconv._core import check


def saliency(
    apply: Callable[[jax.Array], jax.Array],
    images: jax.Array,
    labels: jax.Array | None = None,
    *,
    noise: float = 0.0,
    samples: int = 32,
    key: jax.Array | None = None,
) -> jax.Array:
    r"""Compute the gradient of a class's logit in the pixels; with `noise` the mean of many, SmoothGrad.

    .. math:: m[i] = \max_c \Bigl| \frac{1}{S} \sum_s \frac{\partial\, y_l}{\partial x[i, c]} (x + \sigma n_s) \Bigr|,
        \qquad \sigma = \mathrm{noise} \cdot (\max x - \min x)

    Parameters
    ----------
    apply : callable (N, *space, C) -> (N, classes)
        Such as a model in evaluation mode.
    images : array (N, *space, C)
        The images to explain.
    labels : array (N,) of int, optional
        The class l of each image. By default the one with the largest logit.
    noise : float
        Standard deviation of the noise, as a share of the image's range. Default 0, the gradient at the image itself.
    samples : int
        S, the number of noisy images. Default 32.
    key : random key, optional
        Needed with `noise`.

    Returns
    -------
    array (N, *space)
        Not negative.

    Raises
    ------
    ValueError
        When there is noise but no key, `noise` is negative, or `labels` does not fit.

    Notes
    -----
    Costs `samples` forward and backward passes. Sources: K. Simonyan et al., *Deep inside convolutional networks*,
    2014; D. Smilkov et al., *SmoothGrad: removing noise by adding noise*, 2017.

    Examples
    --------
    >>> weights = jnp.array([[1.0, 0.0], [0.0, -2.0], [0.0, 0.0]])
    >>> saliency(lambda x: x[..., 0] @ weights, jnp.ones((1, 3, 1)), jnp.array([1]))
    Array([[0., 2., 0.]], dtype=float32)
    """
    if not noise >= 0:
        raise ValueError(f"`noise` must not be negative, got {noise}; it is a share of the image's range")
    check.positive_int("samples", samples)
    images = jnp.asarray(images)
    labels = apply(images).argmax(-1) if labels is None else jnp.asarray(labels)
    if labels.shape != images.shape[:1]:
        raise ValueError(f"`labels` must have shape {images.shape[:1]}, one for each image, got {labels.shape}")
    gradient = jax.grad(lambda x: jnp.take_along_axis(apply(x), labels[:, None], axis=-1).sum())
    if not noise:
        return jnp.abs(gradient(images)).max(-1)
    if key is None:
        raise ValueError("`noise` needs a random `key`; pass jax.random.key(0)")
    axes = tuple(range(1, images.ndim))
    sigma = noise * (images.max(axes, keepdims=True) - images.min(axes, keepdims=True))

    def add(total: jax.Array, key: jax.Array) -> tuple[jax.Array, None]:
        return total + gradient(images + sigma * jax.random.normal(key, images.shape, images.dtype)), None

    total, _ = lax.scan(add, jnp.zeros_like(images), jax.random.split(key, samples))
    return jnp.abs(total / samples).max(-1)
