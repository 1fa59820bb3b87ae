"""Handwritten digits with Equinox: its convolution accelerated, and jconv's functions inside its modules.

    python examples/with_equinox.py

Needs Equinox and the `data` extra.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

import jconv
from jconv.nn import blur_pool
from jconv.training import fit, trainer


class Conv(eqx.Module):
    """A convolution of jconv as an Equinox layer: the module holds the kernel, `jconv.conv2d` does the work."""

    kernel: jax.Array
    algorithm: str = eqx.field(static=True, default="auto")

    def __call__(self, image: jax.Array) -> jax.Array:
        return jconv.conv2d(image, self.kernel, algorithm=self.algorithm)


class Net(eqx.Module):
    """Two convolutions and a linear map, for one image (H, W, 1)."""

    first: eqx.nn.Conv2d
    second: Conv
    last: eqx.nn.Linear

    def __init__(self, key: jax.Array):
        keys = jax.random.split(key, 3)
        self.first = eqx.nn.Conv2d(1, 16, 3, padding=1, key=keys[0])
        self.second = Conv(jax.random.normal(keys[1], (3, 3, 16, 32)) / 12)
        self.last = eqx.nn.Linear(32, 10, key=keys[2])

    def __call__(self, image: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.first(jnp.moveaxis(image, -1, 0)))  # Equinox has channels first
        x = blur_pool(jnp.moveaxis(x, 0, -1))  # halves the image without aliasing
        return self.last(jax.nn.relu(self.second(x)).mean((0, 1)))


def train(steps: int = 300) -> tuple[Net, float]:
    """The trained network, and its accuracy on the held-out fifth."""
    digits = load_digits()
    images, labels = jnp.asarray(digits.images[..., None] / 16, jnp.float32), jnp.asarray(digits.target)
    model = Net(jax.random.key(0))
    params, static = eqx.partition(model, eqx.is_array)

    def logits(params, images):
        return jax.vmap(eqx.combine(params, static))(images)

    def loss(params, variables, batch, key):
        images, labels = batch
        value = optax.softmax_cross_entropy_with_integer_labels(logits(params, images), labels).mean()
        return value, (variables, {})

    def batch(data, step):
        chosen = jax.random.choice(jax.random.fold_in(jax.random.key(1), step), 1437, (128,))
        return jax.tree.map(lambda array: array[chosen], data)

    pair = trainer(loss, optax.adam(1e-2))
    with jconv.accelerate():  # Equinox's own convolution goes through the planner too
        state, _ = fit(pair, pair.init(params, jax.random.key(2)), batch, (images, labels), steps=steps)
        right = (logits(state.params, images[1437:]).argmax(-1) == labels[1437:]).mean()
    return eqx.combine(state.params, static), float(right)


if __name__ == "__main__":
    print(f"{train()[1]:.1%} of the unseen digits right")
