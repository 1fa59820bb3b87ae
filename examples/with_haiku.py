"""Handwritten digits with Haiku: its convolution accelerated, and jconv's functions inside its modules.

    python examples/with_haiku.py

Needs dm-haiku and the `data` extra.
"""

from __future__ import annotations

import haiku as hk
import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

import jconv
from jconv.nn import blur_pool
from jconv.training import fit, trainer


class Conv(hk.Module):
    """A convolution of jconv as a Haiku module: Haiku holds the kernel, `jconv.conv2d` does the work."""

    def __init__(self, features: int, algorithm: str = "auto", name: str | None = None):
        super().__init__(name)
        self.features, self.algorithm = features, algorithm

    def __call__(self, images: jax.Array) -> jax.Array:
        shape = (3, 3, images.shape[-1], self.features)
        kernel = hk.get_parameter("kernel", shape, images.dtype, hk.initializers.VarianceScaling(2.0))
        return jconv.conv2d(images, kernel, algorithm=self.algorithm)


def net(images: jax.Array) -> jax.Array:
    """Logits of images (N, H, W, 1): two convolutions and a linear map."""
    x = jax.nn.relu(hk.Conv2D(16, 3)(images))
    x = blur_pool(x)  # halves the images without aliasing
    return hk.Linear(10)(jax.nn.relu(Conv(32)(x)).mean((1, 2)))


def train(steps: int = 300) -> tuple[hk.Params, float]:
    """The learned parameters, and the accuracy on the held-out fifth."""
    digits = load_digits()
    images, labels = jnp.asarray(digits.images[..., None] / 16, jnp.float32), jnp.asarray(digits.target)
    model = hk.without_apply_rng(hk.transform(net))

    def loss(params, variables, batch, key):
        images, labels = batch
        value = optax.softmax_cross_entropy_with_integer_labels(model.apply(params, images), labels).mean()
        return value, (variables, {})

    def batch(data, step):
        chosen = jax.random.choice(jax.random.fold_in(jax.random.key(1), step), 1437, (128,))
        return jax.tree.map(lambda array: array[chosen], data)

    pair = trainer(loss, optax.adam(1e-2))
    with jconv.accelerate():  # Haiku's own convolution goes through the planner too
        params = model.init(jax.random.key(0), images[:1])
        state, _ = fit(pair, pair.init(params, jax.random.key(2)), batch, (images, labels), steps=steps)
        right = (model.apply(state.params, images[1437:]).argmax(-1) == labels[1437:]).mean()
    return state.params, float(right)


if __name__ == "__main__":
    print(f"{train()[1]:.1%} of the unseen digits right")
