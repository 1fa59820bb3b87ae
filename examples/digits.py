"""What the examples with other libraries share: learning scikit-learn's handwritten digits with `jconv.training`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

from jconv.training import fit, trainer


def learn_digits(
    init: Callable[[jax.Array], Any], logits: Callable[[Any, jax.Array], jax.Array], *, steps: int
) -> tuple[Any, float]:
    """The parameters learned from `init(images)` on for `logits(params, images)`, and the accuracy on the last fifth.

    Images have shape (N, 8, 8, 1).
    """
    digits = load_digits()
    images, labels = jnp.asarray(digits.images[..., None] / 16, jnp.float32), jnp.asarray(digits.target)

    def loss(params, variables, batch, key):
        images, labels = batch
        value = optax.softmax_cross_entropy_with_integer_labels(logits(params, images), labels).mean()
        return value, (variables, {})

    def batch(data, step):
        chosen = jax.random.choice(jax.random.fold_in(jax.random.key(1), step), 1437, (128,))
        return jax.tree.map(lambda array: array[chosen], data)

    pair = trainer(loss, optax.adam(1e-2))
    state, _ = fit(pair, pair.init(init(images[:1]), jax.random.key(2)), batch, (images, labels), steps=steps)
    right = (logits(state.params, images[1437:]).argmax(-1) == labels[1437:]).mean()
    return state.params, float(right)
