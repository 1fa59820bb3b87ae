"""Handwritten digits with Haiku: its convolution accelerated, and jconv's functions inside its modules.

    python examples/with_haiku.py

Needs dm-haiku and the `data` extra; `digits.py`, beside this file, does the learning with `jconv.training`.
"""

from __future__ import annotations

import haiku as hk
import jax
from digits import learn_digits

import jconv
from jconv.nn import blur_pool


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


def train(steps: int = 500) -> tuple[hk.Params, float]:
    """The learned parameters, and the accuracy on the held-out fifth."""
    model = hk.without_apply_rng(hk.transform(net))
    with jconv.accelerate():  # Haiku's own convolution goes through the planner too
        return learn_digits(lambda images: model.init(jax.random.key(0), images), model.apply, steps=steps)


if __name__ == "__main__":
    print(f"{train()[1]:.1%} of the unseen digits right")
