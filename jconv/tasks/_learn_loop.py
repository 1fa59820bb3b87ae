"""Gradient descent from random kernels to those that made given outputs.

The loss is the mean squared error of the outputs, after one whitening filter on both sides. Neighbouring pixels of a
photograph are nearly equal, so that the plain error hardly sees the fine detail of a kernel: the problem's condition
number is 10⁴ … 10⁵, and after thousands of steps the error is still of order one. Convolutions commute, k * (w * x) =
w * (k * x), so that whitening changes no solution, but evens out the spectrum, and some hundred steps suffice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import lax

from jconv import conv2d
from jconv._core.paths import PyTree
from jconv.nn import Conv
from jconv.training import Callback, Checkpoints, fit, functional, trainer

_PATCH, _PATCHES = 64, 4


class Learned(NamedTuple):
    """Kernels (kh, kw, K) before and after learning."""

    start: jax.Array
    learned: jax.Array
    errors: np.ndarray
    """(steps, K): largest difference from the reference, step by step."""


def learn_bank(
    planes: jax.Array,
    outputs: jax.Array,
    reference: jax.Array,
    *,
    seed: int,
    steps: int,
    learning_rate: float,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> Learned:
    """Learn kernels (kh, kw, K) from planes (C, H, W) and the outputs (C, H', W', K) where kernels lie inside them.

    The `reference` (kh, kw, K) measures the error, and is no part of the loss.
    """
    kh, kw, count = reference.shape
    inputs, targets, scales = _whiten(planes, outputs)
    rows, cols = targets.shape[1:3]
    patch = (min(_PATCH, rows), min(_PATCH, cols))
    apply, params, variables = functional(
        # The double sum is the fast one here: lax's convolution is slow inside loops on a CPU.
        Conv(1, count, (kh, kw), padding="VALID", use_bias=False, algorithm="direct", rngs=nnx.Rngs(seed))
    )
    kernel_of = lambda params: params["kernel"][...][:, :, 0] * scales

    def batch(data: tuple[jax.Array, ...], step: jax.Array) -> tuple[jax.Array, jax.Array]:
        inputs, targets, key = data
        draw = jax.random.fold_in(key, step)
        where = jax.random.randint(
            draw, (_PATCHES, 3), 0, jnp.array([len(inputs), rows - patch[0] + 1, cols - patch[1] + 1])
        )
        cut = lambda array, size: jax.vmap(lambda at: lax.dynamic_slice(array[at[0]], (*at[1:], 0), size))(where)
        return cut(inputs, (patch[0] + kh - 1, patch[1] + kw - 1, 1)), cut(targets, (*patch, count))

    def loss(
        params: PyTree, variables: PyTree, batch: tuple[jax.Array, jax.Array], key: jax.Array
    ) -> tuple[jax.Array, Any]:
        x, y = batch
        outputs, variables = apply(params, variables, x)
        error = jnp.abs(kernel_of(params) - reference).max(axis=(0, 1))
        return jnp.mean((outputs - y) ** 2), (variables, {"error": error})

    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
    pair = trainer(loss, optimizer)
    key = jax.random.key(seed)
    state, history = fit(
        pair,
        pair.init(params, key, variables),
        batch,
        (inputs, targets, jax.random.fold_in(key, 1)),
        steps=steps,
        steps_per_call=checkpoints.steps_per_call(100) if checkpoints else 100,
        callbacks=callbacks,
        checkpoints=checkpoints,
    )
    return Learned(kernel_of(params), kernel_of(state.params), history["error"])


def apply_kernels(planes: jax.Array, bank: jax.Array) -> jax.Array:
    """(C, H', W', K): what the kernels make of each channel where they lie inside it."""
    return conv2d(planes[..., None], bank[:, :, None], padding="VALID")


def _whiten(planes: jax.Array, outputs: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Whiten the image and the outputs of the kernels to unit variance, and return how the kernels scale by that.

    A large kernel makes a large output; scaled alike, all of them are equally far from their start.
    """
    whitening = _prediction_error(planes)[..., None, None]
    images = conv2d(planes[..., None], whitening, padding="VALID")
    outputs = jnp.moveaxis(outputs, -1, 1)[..., None]
    outputs = jnp.moveaxis(conv2d(outputs, whitening, padding="VALID")[..., 0], 1, -1)
    size, sizes = jnp.std(images), jnp.std(outputs, axis=(0, 1, 2))
    sizes = jnp.where(sizes > 0, sizes, size)
    return images / size, outputs / sizes, sizes / size


def _prediction_error(planes: jax.Array) -> jax.Array:
    """Fit the filter that leaves of each pixel what its left and upper neighbours do not predict, nearly white noise.

    Linear prediction by least squares; J. Makhoul, Proc. IEEE 63 (1975), 561-580.
    """
    known = (planes[:, :-1, :-2], planes[:, :-1, 1:-1], planes[:, :-1, 2:], planes[:, 1:, :-2])
    design = jnp.stack([k.ravel() for k in known], axis=-1)
    weights = jnp.linalg.lstsq(design, planes[:, 1:, 1:-1].ravel())[0]
    a, b, c, d = -0.99 * weights  # a trace of the mean stays, so that the sum of a kernel is seen, too
    return jnp.array([[a, b, c], [d, 1, 0]], planes.dtype)
