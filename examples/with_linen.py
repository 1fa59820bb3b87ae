"""Handwritten digits with Flax Linen: its convolution accelerated, and jconv's functions inside its modules.

    python examples/with_linen.py

Needs the `data` extra; `digits.py`, beside this file, does the learning with `jconv.training`.
"""

from __future__ import annotations

import jax
from digits import learn_digits
from flax import linen

import jconv
from jconv.nn import blur_pool


class Conv(linen.Module):
    """A convolution of jconv as a Linen module: Linen holds the kernel, `jconv.conv2d` does the work."""

    features: int
    algorithm: str = "auto"

    @linen.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        shape = (3, 3, images.shape[-1], self.features)
        kernel = self.param("kernel", linen.initializers.he_normal(), shape, images.dtype)
        return jconv.conv2d(images, kernel, algorithm=self.algorithm)


class Net(linen.Module):
    """Two convolutions and a linear map, for images (N, H, W, 1)."""

    @linen.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        x = linen.relu(linen.Conv(16, (3, 3))(images))
        x = blur_pool(x)  # halves the images without aliasing
        return linen.Dense(10)(linen.relu(Conv(32)(x)).mean((1, 2)))


def train(steps: int = 500) -> tuple[dict, float]:
    """The learned parameters, and the accuracy on the held-out fifth."""
    net = Net()
    with jconv.accelerate():  # Linen's own convolution goes through the planner too
        return learn_digits(lambda images: net.init(jax.random.key(0), images), net.apply, steps=steps)


if __name__ == "__main__":
    print(f"{train()[1]:.1%} of the unseen digits right")
