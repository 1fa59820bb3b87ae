"""Deblurring and denoising of photographs: the camera's kernel is learned together with the network that restores.

A camera blurs with a kernel that nobody knows and adds noise. Sharp photographs are known together with what the camera
made of them, as when one photographs printed test pictures; both are learned from them, by gradient descent on a loss:

* the kernel, a point of the simplex (no tap is negative, all sum to one), from what it makes of the sharp ones, and
* the restoration, Wiener filters of that kernel and a U-Net that corrects what they leave, from its error.

Blurred and sharp are compared by their differences of neighbouring pixels. A photograph's spectrum falls steeply, and
plain pixels hardly see the fine detail of a kernel; differences even the spectrum out.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jconv._core.paths import PyTree
from jconv.data import load_image, save_image
from jconv.tasks._camera import SUPPORT, blur, blur_kernel, inner, pairs
from jconv.tasks._deblurring_result import (
    DeblurringResult,
    DeblurringSettings,
    DenoisingSettings,
    Restored,
)
from jconv.tasks._own_data import cut_squares
from jconv.tasks._photographs import photographs
from jconv.tasks._recipe import learn, schedule
from jconv.tasks._restorer import Restorer, kernel_of
from jconv.tasks._saved import SavedModel
from jconv.tasks._task import Predictor, Row, Task
from jconv.training import Callback, Checkpoints, functional

_DEFAULT = DeblurringSettings()
_KERNEL_RATE = 0.15
_FIDELITY = 20.0  # so that the kernel is the one that blurs, not the one that is easiest to undo


def train_deblurring(
    settings: DeblurringSettings = _DEFAULT,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
) -> DeblurringResult:
    r"""Learn a camera's kernel and the restoration of its pictures, and restore photographs that were not seen.

    .. math:: \min_{k \in \Delta,\, \theta} 20\, \frac{\|\nabla(k * x - y)\|^2}{\|\nabla y\|^2}
        + \log_{10} \frac{\|R_\theta(y; k) - x\|^2}{\|y - x\|^2}

    Parameters
    ----------
    settings : DeblurringSettings
        The seed decides the initial kernels, the pieces of photographs and the noise.
    callbacks, checkpoints
        Handed to `jconv.training.fit`.

    Returns
    -------
    DeblurringResult

    Raises
    ------
    InputError
        When the pictures in `data` cannot be used, or settings do not fit.
    NonFiniteError
        When the loss or its gradient becomes NaN or infinite.

    Notes
    -----
    Each colour counts as a grey picture. The second term is the negative gain in bels, each piece by itself, so that
    smooth pieces count like textured ones: L. Chen et al., HINet, CVPRW 2021. The true kernel makes the blurred
    pictures and measures the error, but is no part of the loss. Training sees nothing of the test photographs.

    Examples
    --------
    >>> settings = DeblurringSettings(blur="gaussian")
    >>> train_deblurring(settings).summary()  # doctest: +SKIP
    'unseen photographs from 24.1 to 29.0 dB (+4.9 dB), …'
    """
    begin = time.perf_counter()
    truth = blur_kernel(settings.blur)
    train, test, skipped = _material(settings)
    apply, params, variables = functional(network(settings), dtype=settings.dtype)

    def batch(data: tuple[jax.Array, ...], step: jax.Array) -> tuple[jax.Array, jax.Array]:
        photos, truth, key = data
        return pairs(
            jax.random.fold_in(key, step),
            photos,
            truth,
            count=settings.batch_size,
            size=settings.size,
            noise=settings.noise,
        )

    def loss(
        params: PyTree, variables: PyTree, batch: tuple[jax.Array, jax.Array], key: jax.Array
    ) -> tuple[jax.Array, Any]:
        wide, blurred = batch
        kernel, sharp = kernel_of(params["logits"][...]), inner(wide)
        restored, variables = apply(params, variables, blurred)
        gain = jnp.mean(_decibels(blurred - sharp) - _decibels(restored - sharp))
        share = lambda error, size: jnp.mean(error**2) / jnp.maximum(jnp.mean(size**2), 1e-12)
        misfit = sum(share(jnp.diff(blur(wide, kernel) - blurred, axis=a), jnp.diff(blurred, axis=a)) for a in (1, 2))
        parts = {"gain": gain, "kernel_error": _relative_error(kernel, truth)}
        return _FIDELITY * misfit - gain / 10, (variables, parts)

    key = jax.random.fold_in(jax.random.key(settings.seed), 1)
    data = (jnp.asarray(train), truth, jax.random.fold_in(key, 0))
    state, history = learn(
        settings,
        loss,
        params,
        variables,
        batch,
        data,
        optimizer=_optimizer(settings, params),
        callbacks=callbacks,
        checkpoints=checkpoints,
    )
    restore = jax.jit(lambda planes: apply(state.average, state.variables, planes)[0])
    restored = []
    for index, picture in enumerate(test):
        planes = jnp.moveaxis(jnp.asarray(picture, jnp.float32) / 255, -1, 0)
        sharp = inner(planes)
        noise = jax.random.normal(jax.random.fold_in(key, 1 + index), sharp.shape, jnp.float32)
        blurred = blur(planes, truth) + settings.noise * noise
        restored.append(Restored(*(np.moveaxis(np.asarray(a), 0, -1) for a in (sharp, blurred, restore(blurred)))))
    return DeblurringResult(
        settings,
        state,
        history,
        np.asarray(truth),
        np.asarray(kernel_of(state.average["logits"][...])),
        restored,
        time.perf_counter() - begin,
        skipped,
    )


def _material(settings: DeblurringSettings) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Photographs (P, S, S, 3) of bytes to learn from and to test on, and what was left out."""
    if settings.data is None:
        return photographs("train"), photographs("test", size=256), ()
    return cut_squares(
        settings.data,
        least=settings.size + SUPPORT - 1,
        multiple=2 ** (len(settings.widths) - 1),
        margin=SUPPORT - 1,
        seed=settings.seed,
        skip_damaged=settings.skip_damaged,
    )


def network(settings: DeblurringSettings) -> Restorer:
    """Return the network with random parameters."""
    return Restorer(settings.widths, rngs=nnx.Rngs(settings.seed))


def predictor(saved: SavedModel, out: Path) -> Predictor:
    """Make the function that restores a picture of any size from the same camera into NAME.restored.png."""
    settings = saved.settings_as(DenoisingSettings if saved.task == "denoising" else DeblurringSettings)
    apply, step = saved.network(network(settings)), 2 ** (len(settings.widths) - 1)

    def predict(file: Path, name: str) -> Row:
        image = load_image(file)
        planes = np.moveaxis(np.atleast_3d(image), -1, 0)
        padded = np.pad(planes, [(0, 0), *((0, -n % step) for n in planes.shape[1:])], mode="symmetric")
        restored = np.moveaxis(np.asarray(apply(padded))[:, : planes.shape[1], : planes.shape[2]], 0, -1)
        save_image(out / f"{name}.restored.png", restored.reshape(image.shape))
        return {"restored": f"{name}.restored.png"}

    return predict


def _relative_error(kernel: jax.Array, truth: jax.Array) -> jax.Array:
    return jnp.linalg.norm(kernel - truth) / jnp.linalg.norm(truth)


def _optimizer(settings: DeblurringSettings, params: PyTree) -> optax.GradientTransformation:
    """Adam, faster for the kernel than for the network."""
    parts: dict[Hashable, optax.GradientTransformation] = {
        "kernel": optax.adam(schedule(_KERNEL_RATE, settings.steps)),
        "network": optax.adam(schedule(settings.learning_rate, settings.steps)),
    }
    which = lambda path, _: "kernel" if jax.tree_util.keystr(path, simple=True).startswith("logits") else "network"
    return optax.multi_transform(parts, jax.tree_util.tree_map_with_path(which, params))


def _decibels(errors: jax.Array) -> jax.Array:
    """Return the mean squares of planes (N, H, W), in dB."""
    return 10 * jnp.log10(jnp.mean(errors**2, axis=(1, 2)) + 1e-8)


_LEAVES = "Leaves model.npz, config.toml, metrics.json, curves.png and examples.png in the output folder."
TASK = Task(
    name="deblurring",
    summary="a camera's blur, its kernel learned too",
    description="Learn the kernel of a camera and a network that restores its pictures, from real photographs that "
    f"come with scikit-image, or your own (--data). {_LEAVES}",
    settings=DeblurringSettings,
    train=train_deblurring,
    predictor=predictor,
    inputs="pictures of any size from that camera (PNG, JPEG or TIFF)",
)
DENOISING = TASK._replace(
    name="denoising",
    summary="a camera's noise",
    description="Learn a network that takes the noise from photographs; the real ones to learn from come with "
    f"scikit-image, or are your own (--data). {_LEAVES}",
    settings=DenoisingSettings,
)
