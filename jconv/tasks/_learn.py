"""The main job: apply known kernels to a photograph, and learn them back from random initialization.

The loss is the mean squared error of the outputs, after one whitening filter on both sides. Neighbouring pixels of a
photograph are nearly equal, so that the plain error hardly sees the fine detail of a kernel: the problem's condition
number is 10⁴ … 10⁵, and after thousands of steps the error is still of order one. Convolutions commute, k * (w * x) =
w * (k * x), so that whitening changes no solution, but evens out the spectrum, and some hundred steps suffice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import lax

from jconv import conv2d
from jconv._core import check
from jconv._core.errors import InputError
from jconv._core.extras import needed
from jconv._core.files import atomic, output_folder, write_json
from jconv._core.wording import size_of
from jconv.nn import Conv
from jconv.training import Callback, Checkpoints, fit, functional, least_squares_kernels, trainer

LARGEST_SIDE = 512
_PATCH, _PATCHES = 64, 4


class LearnResult(NamedTuple):
    """What was learned. K kernels stand in one bank of shape (kh, kw, K), smaller ones with zeros around them."""

    names: tuple[str, ...]
    image: np.ndarray
    """(C, H, W): the channels of the picture that was learned from."""
    truth: np.ndarray
    start: np.ndarray
    """The random initialization."""
    learned: np.ndarray
    least_squares: np.ndarray
    losses: np.ndarray
    """(K,): mean squared error of each kernel's output on the whole picture."""
    errors: np.ndarray
    """(steps, K): largest absolute error of each kernel, step by step."""
    seed: int
    seconds: float

    def metrics(self) -> dict[str, Any]:
        """The figures, as they are saved."""
        worst = lambda bank: np.abs(bank - self.truth).max(axis=(0, 1))
        rows = zip(self.names, worst(self.learned), worst(self.least_squares), self.losses)
        return {
            "kernels": {
                name: {"max_abs_error": float(a), "least_squares_max_abs_error": float(b), "final_loss": float(c)}
                for name, a, b, c in rows
            },
            "steps": len(self.errors),
            "seconds": round(self.seconds, 3),
            "seed": self.seed,
        }

    def save(self, folder: str | os.PathLike) -> None:
        """Write `metrics.json`, `kernels.npz` and `kernels.png`."""
        plotting = needed("jconv.plotting", "plot")
        folder = output_folder(folder)
        plotting.save(plotting.kernel_recovery(*self[:5], self.errors), folder / "kernels.png")
        with atomic(folder / "kernels.npz") as file:
            np.savez(
                file,
                names=np.array(self.names),
                truth=self.truth,
                learned=self.learned,
                least_squares=self.least_squares,
            )
        write_json(folder / "metrics.json", self.metrics())


def learn_kernels(
    image: np.ndarray,
    truth: Mapping[str, np.ndarray],
    *,
    seed: int = 0,
    steps: int = 1500,
    learning_rate: float = 0.03,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> LearnResult:
    r"""Learn a bank of kernels from what they make of an image, from random initialization.

    .. math:: \min_k \| w * (k \star x - y) \|^2

    Parameters
    ----------
    image : array (H, W) or (H, W, C)
        Channels count as so many grey pictures. Of a larger picture the middle 512 × 512 pixels are used.
    truth : mapping of names to kernels (kh, kw)
        Only their outputs :math:`y` on the image enter the loss; the kernels themselves serve to measure the error.
    seed : int
        Decides the initial kernels and the order of the patches.
    steps : int
    learning_rate : float
        Of Adam, falling to zero along a cosine.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Returns
    -------
    LearnResult

    Raises
    ------
    InputError
        When the image is too small for the kernels, constant, or holds NaN.
    NonFiniteError
        When learning diverges.

    Notes
    -----
    Each step takes 4 random patches of 64 × 64 pixels, so that its cost does not depend on the image.
    """
    begin = time.perf_counter()
    planes = jnp.asarray(_planes(image))
    names, bank = tuple(truth), _bank(truth)
    kh, kw, count = bank.shape
    needed_size = (3 * kh, 3 * kw)
    if any(n < m for n, m in zip(planes.shape[1:], needed_size)):
        raise InputError(
            f"the image is {size_of(planes[0])}; kernels of {kh}×{kw} need at least {needed_size[0]}×{needed_size[1]} "
            "pixels to be determined: use a larger image or smaller kernels"
        )
    if not np.ptp(planes) > 1e-3:
        raise InputError("the image is constant, so that it determines no kernel; use one with some detail")
    inputs, targets, scales = _whitened(planes, bank)
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

    def loss(params: Any, variables: Any, batch: tuple[jax.Array, jax.Array], key: jax.Array) -> tuple[jax.Array, Any]:
        x, y = batch
        outputs, variables = apply(params, variables, x)
        error = jnp.abs(kernel_of(params) - bank).max(axis=(0, 1))
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
    learned = kernel_of(state.params)
    outputs, found = _outputs(planes, bank), _outputs(planes, learned)
    closed = least_squares_kernels(planes, outputs, (kh, kw))
    return LearnResult(
        names,
        *(np.asarray(a) for a in (planes, bank, kernel_of(params), learned, closed)),
        losses=np.asarray(jnp.mean((found - outputs) ** 2, axis=(0, 1, 2))),
        errors=history["error"],
        seed=seed,
        seconds=time.perf_counter() - begin,
    )


def _planes(image: np.ndarray) -> np.ndarray:
    """The channels (C, H, W) of the middle of an image, checked."""
    image = np.asarray(image, np.float32)
    check.rank("image", image, (2, 3), "pass a grey (H, W) or a colour (H, W, C) picture")
    if not image.size:
        raise InputError(f"the image is empty, of shape {image.shape}; pass one with pixels")
    if not np.isfinite(image).all():
        raise InputError("the image holds NaN or infinity; replace them first")
    first = [max(0, (n - LARGEST_SIDE) // 2) for n in image.shape[:2]]
    image = image[first[0] : first[0] + LARGEST_SIDE, first[1] : first[1] + LARGEST_SIDE]
    return np.moveaxis(image.reshape(*image.shape[:2], -1), -1, 0)


def _bank(truth: Mapping[str, np.ndarray]) -> jax.Array:
    """The kernels in one array (kh, kw, K), each in the middle."""
    if not truth:
        raise InputError("no kernels were named; name at least one")
    sizes = [max(np.shape(k)[axis] for k in truth.values()) for axis in (0, 1)]
    padded = []
    for kernel in truth.values():
        before = [(n - 1) // 2 - (k - 1) // 2 for n, k in zip(sizes, np.shape(kernel))]
        after = [n - k - b for n, k, b in zip(sizes, np.shape(kernel), before)]
        padded.append(np.pad(np.asarray(kernel, np.float32), list(zip(before, after))))
    return jnp.asarray(np.stack(padded, axis=-1))


def _outputs(planes: jax.Array, bank: jax.Array) -> jax.Array:
    """(C, H', W', K): what the kernels make of each channel where they lie inside it."""
    return conv2d(planes[..., None], bank[:, :, None], padding="VALID")


def _whitened(planes: jax.Array, bank: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The image and the outputs of the kernels, whitened, each of unit variance, and how the kernels scale by that.

    A large kernel makes a large output; scaled alike, all of them are equally far from their start.
    """
    whitening = _prediction_error(planes)[..., None, None]
    images = conv2d(planes[..., None], whitening, padding="VALID")
    outputs = jnp.moveaxis(_outputs(planes, bank), -1, 1)[..., None]
    outputs = jnp.moveaxis(conv2d(outputs, whitening, padding="VALID")[..., 0], 1, -1)
    size, sizes = jnp.std(images), jnp.std(outputs, axis=(0, 1, 2))
    sizes = jnp.where(sizes > 0, sizes, size)
    return images / size, outputs / sizes, sizes / size


def _prediction_error(planes: jax.Array) -> jax.Array:
    """The filter that leaves of each pixel what its left and upper neighbours do not predict: nearly white noise.

    Linear prediction by least squares; J. Makhoul, Proc. IEEE 63 (1975), 561-580.
    """
    known = (planes[:, :-1, :-2], planes[:, :-1, 1:-1], planes[:, :-1, 2:], planes[:, 1:, :-2])
    design = jnp.stack([k.ravel() for k in known], axis=-1)
    weights = jnp.linalg.lstsq(design, planes[:, 1:, 1:-1].ravel())[0]
    a, b, c, d = -0.99 * weights  # a trace of the mean stays, so that the sum of a kernel is seen, too
    return jnp.array([[a, b, c], [d, 1, 0]], planes.dtype)
