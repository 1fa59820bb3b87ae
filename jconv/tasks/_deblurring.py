"""Deblurring and denoising of photographs: the camera's kernel is learned together with the network that restores.

A camera blurs with a kernel that nobody knows and adds noise. Sharp photographs are known beside what the camera made
of them, as when one photographs printed test pictures; from them both are learned, by gradient descent on one loss:

* the kernel, a point of the simplex (no tap is negative, all sum to one), from what it makes of the sharp ones, and
* the restoration, Wiener filters of that kernel and a U-Net that mends what they leave, from its error.

Blurred and sharp are compared by their differences of neighbouring pixels. A photograph's spectrum falls steeply, and
plain pixels hardly see the fine detail of a kernel; differences even the spectrum out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jconv._core.extras import needed
from jconv._core.files import output_folder
from jconv.data import load_image, save_image
from jconv.tasks._camera import blur, blur_kernel, inner, pairs
from jconv.tasks._fields import setting
from jconv.tasks._photographs import photographs
from jconv.tasks._recipe import learn, schedule
from jconv.tasks._restorer import Restorer, kernel_of
from jconv.tasks._saved import SavedModel, course, save_run
from jconv.tasks._settings import Settings
from jconv.tasks._task import Row, Task
from jconv.training import Callback, Checkpoints, State, bootstrap_interval, functional

_KERNEL_RATE = 0.15
_FIDELITY = 20.0  # so that the kernel is the one that blurs, not the one that is easiest to undo
_TILE = 60


@dataclass(frozen=True)
class DeblurringSettings(Settings):
    """What `train_deblurring` is told."""

    steps: int = setting(600, "training steps", least=1, most=2**31 - 1)
    batch_size: int = setting(16, "pieces of photographs in each step", least=1)
    learning_rate: float = setting(2e-3, "peak of the schedule: a short rise, then a cosine fall", above=0)
    blur: Literal["motion", "gaussian", "none"] = setting("motion", "what the camera does, unknown to the learner")
    noise: float = setting(0.005, "standard deviation of the camera's noise, for pixels from 0 to 1", least=0, most=1)
    size: int = setting(64, "rows and columns of the pieces", least=40, most=192)
    widths: tuple[int, ...] = setting((16, 32, 64), "channels of each level of the U-Net", least=1)


@dataclass(frozen=True)
class DenoisingSettings(DeblurringSettings):
    """The same, for a camera that does not blur but is noisy."""

    blur: Literal["motion", "gaussian", "none"] = setting("none", "what the camera does, unknown to the learner")
    noise: float = setting(0.1, "standard deviation of the camera's noise, for pixels from 0 to 1", least=0, most=1)


class Restored(NamedTuple):
    """A test photograph, what the camera made of it, and what came back."""

    sharp: np.ndarray
    """(H, W, 3)"""
    blurred: np.ndarray
    restored: np.ndarray


class DeblurringResult(NamedTuple):
    """A trained restoration, the kernel found, and how both did."""

    settings: DeblurringSettings
    state: State
    history: dict[str, np.ndarray]
    true_kernel: np.ndarray
    kernel: np.ndarray
    photographs: list[Restored]
    seconds: float

    def metrics(self) -> dict[str, Any]:
        """The figures, as they are saved; PSNR in dB for pixels from 0 to 1, means over the test photographs."""
        before = [psnr(p.blurred, p.sharp) for p in self.photographs]
        after = [psnr(p.restored, p.sharp) for p in self.photographs]
        gains = _tile_gains(self.photographs)
        return {
            "psnr_before": float(np.mean(before)),
            "psnr_after": float(np.mean(after)),
            "psnr_gain": float(np.mean(after) - np.mean(before)),
            "psnr_gain_by_photograph": [a - b for a, b in zip(after, before)],
            "psnr_gain_of_tiles": float(gains.mean()),
            "psnr_gain_of_tiles_95_percent_interval": list(
                bootstrap_interval(lambda chosen: float(gains[chosen].mean()), len(gains))
            ),
            "kernel_relative_error": float(_relative_error(self.kernel, self.true_kernel)),
            **course(self.settings, self.history, self.seconds),
        }

    def summary(self) -> str:
        """The figures that count, in one line."""
        metrics = self.metrics()
        return (
            f"unseen photographs from {metrics['psnr_before']:.1f} to {metrics['psnr_after']:.1f} dB "
            f"({metrics['psnr_gain']:+.1f} dB), kernel found to {metrics['kernel_relative_error']:.1%} in L2, "
            f"{metrics['steps']} steps, {metrics['seconds']:.1f} s"
        )

    def save(self, folder: str | os.PathLike) -> None:
        """Write `curves.png` and `examples.png`, and what `save_run` writes."""
        plotting = needed("jconv.plotting", "plot")
        folder, metrics = output_folder(folder), self.metrics()
        curves = {
            "gain on the pieces of a step, dB": self.history["gain"],
            "relative error of the kernel": self.history["kernel_error"],
        }
        plotting.save(plotting.learning_curves(curves, title="Learning to restore"), folder / "curves.png")
        title = (
            f"Unseen photographs, {metrics['psnr_gain']:+.1f} dB on average. The kernel was learned from random "
            f"numbers, together with the network that restores; its error is {metrics['kernel_relative_error']:.1%}"
        )
        rows = [(p.sharp, p.blurred, p.restored) for p in self.photographs]
        levels = [(psnr(p.blurred, p.sharp), psnr(p.restored, p.sharp)) for p in self.photographs]
        made = plotting.restoration(rows, levels, self.true_kernel, self.kernel, title=title)
        plotting.save(made, folder / "examples.png")
        save_run(folder, _name(self.settings), self.settings, metrics, self.state.average, self.state.variables)


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    r"""Peak signal-to-noise ratio in dB of an image with values in [0, 1], :math:`-10 \log_{10} \mathrm{MSE}`."""
    return float(-10 * np.log10(np.mean((np.asarray(image, float) - truth) ** 2)))


def train_deblurring(
    settings: DeblurringSettings = DeblurringSettings(),
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

    Notes
    -----
    Each colour counts as a grey picture. The second term is the negative gain in bels, each piece by itself, so that
    smooth pieces count like textured ones: L. Chen et al., HINet, CVPRW 2021. The true kernel makes the blurred
    pictures and measures the error, but is no part of the loss. Training sees nothing of the test photographs.
    """
    begin = time.perf_counter()
    truth = blur_kernel(settings.blur)
    apply, params, variables = functional(network(settings), dtype=settings.dtype)

    def batch(data, step):
        photos, truth, key = data
        return pairs(
            jax.random.fold_in(key, step),
            photos,
            truth,
            count=settings.batch_size,
            size=settings.size,
            noise=settings.noise,
        )

    def loss(params, variables, batch, key):
        wide, blurred = batch
        kernel, sharp = kernel_of(params["logits"][...]), inner(wide)
        restored, variables = apply(params, variables, blurred)
        gain = jnp.mean(_decibels(blurred - sharp) - _decibels(restored - sharp))
        share = lambda error, size: jnp.mean(error**2) / jnp.maximum(jnp.mean(size**2), 1e-12)
        misfit = sum(share(jnp.diff(blur(wide, kernel) - blurred, axis=a), jnp.diff(blurred, axis=a)) for a in (1, 2))
        parts = {"gain": gain, "kernel_error": _relative_error(kernel, truth)}
        return _FIDELITY * misfit - gain / 10, (variables, parts)

    key = jax.random.fold_in(jax.random.key(settings.seed), 1)
    data = (jnp.asarray(photographs("train")), truth, jax.random.fold_in(key, 0))
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
    for index, picture in enumerate(photographs("test", size=256)):
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
    )


def network(settings: DeblurringSettings) -> Restorer:
    """The network with random parameters."""
    return Restorer(settings.widths, rngs=nnx.Rngs(settings.seed))


def predict_deblurring(saved: SavedModel, files: Sequence[Path], out: Path) -> list[Row]:
    """Restore pictures of any size from the same camera into NAME.restored.png."""
    settings = saved.settings_as(DenoisingSettings if saved.task == "denoising" else DeblurringSettings)
    apply, step = saved.network(network(settings)), 2 ** (len(settings.widths) - 1)
    rows = []
    for file in files:
        image = load_image(file)
        planes = np.moveaxis(np.atleast_3d(image), -1, 0)
        padded = np.pad(planes, [(0, 0), *((0, -n % step) for n in planes.shape[1:])], mode="symmetric")
        restored = np.moveaxis(np.asarray(apply(padded))[:, : planes.shape[1], : planes.shape[2]], 0, -1)
        save_image(out / f"{file.stem}.restored.png", restored.reshape(image.shape))
        rows.append({"restored": f"{file.stem}.restored.png"})
    return rows


def _relative_error(kernel, truth):
    return jnp.linalg.norm(kernel - truth) / jnp.linalg.norm(truth)


def _optimizer(settings: DeblurringSettings, params) -> optax.GradientTransformation:
    """Adam, faster for the kernel than for the network."""
    parts: dict[Hashable, optax.GradientTransformation] = {
        "kernel": optax.adam(schedule(_KERNEL_RATE, settings.steps)),
        "network": optax.adam(schedule(settings.learning_rate, settings.steps)),
    }
    which = lambda path, _: "kernel" if jax.tree_util.keystr(path, simple=True).startswith("logits") else "network"
    return optax.multi_transform(parts, jax.tree_util.tree_map_with_path(which, params))


def _decibels(errors: jax.Array) -> jax.Array:
    """The mean squares of planes (N, H, W), in dB."""
    return 10 * jnp.log10(jnp.mean(errors**2, axis=(1, 2)) + 1e-8)


def _tile_gains(photos: Sequence[Restored]) -> np.ndarray:
    """The gain in dB of every tile of 60 × 60 pixels by itself."""
    gains = []
    for sharp, blurred, restored in photos:
        rows, cols = (n // _TILE for n in sharp.shape[:2])
        for at in np.ndindex(rows, cols):
            tile = tuple(slice(i * _TILE, (i + 1) * _TILE) for i in at)
            gains.append(psnr(restored[tile], sharp[tile]) - psnr(blurred[tile], sharp[tile]))
    return np.array(gains)


def _name(settings: DeblurringSettings) -> str:
    return "denoising" if isinstance(settings, DenoisingSettings) else "deblurring"


_LEAVES = "Leaves model.npz, config.toml, metrics.json, curves.png and examples.png in the output folder."
TASK = Task(
    name="deblurring",
    summary="a camera's blur, its kernel learned too",
    description="Learn the kernel of a camera and a network that restores its pictures, from real photographs that "
    f"come with scikit-image. {_LEAVES}",
    settings=DeblurringSettings,
    train=train_deblurring,
    predict=predict_deblurring,
    inputs="pictures of any size from that camera (PNG, JPEG or TIFF)",
)
DENOISING = TASK._replace(
    name="denoising",
    summary="a camera's noise",
    description="Learn a network that takes the noise from photographs; the real ones to learn from come with "
    f"scikit-image. {_LEAVES}",
    settings=DenoisingSettings,
)
