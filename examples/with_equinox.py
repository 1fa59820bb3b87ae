"""Handwritten digits with Equinox: its convolution accelerated, and jconv's functions inside its modules.

    python examples/with_equinox.py

Needs Equinox and the `data` extra; `digits.py`, beside this file, does the learning with `jconv.training`.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from digits import learn_digits

import jconv
from jconv.nn import blur_pool


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


def train(steps: int = 500) -> tuple[Net, float]:
    """The trained network, and its accuracy on the held-out fifth."""
    params, static = eqx.partition(Net(jax.random.key(0)), eqx.is_array)

    def logits(params, images):
        return jax.vmap(eqx.combine(params, static))(images)

    with jconv.accelerate():  # Equinox's own convolution goes through the planner too
        params, right = learn_digits(lambda images: params, logits, steps=steps)
    return eqx.combine(params, static), right


if __name__ == "__main__":
    print(f"{train()[1]:.1%} of the unseen digits right")
